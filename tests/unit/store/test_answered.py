"""Which requests may have been answered: never wrong about a no."""

from coordinator.shell.store import Answered

MANY = 50_000


def _request(n: int) -> tuple[str, str]:
    return f"client-{n % 7}", f"request-{n}"


def test_what_was_answered_is_never_taken_for_new() -> None:
    answered = Answered(_request(n) for n in range(0, MANY, 2))
    for n in range(1, MANY, 2):
        answered.add(_request(n))
    assert all(answered.may_hold(_request(n)) for n in range(MANY))


def test_hardly_anything_new_is_taken_for_answered() -> None:
    answered = Answered(_request(n) for n in range(MANY))
    mistaken = sum(answered.may_hold(_request(n)) for n in range(MANY, 2 * MANY))
    assert mistaken < MANY / 100


def test_who_does_not_know_what_was_answered_looks_everything_up() -> None:
    answered = Answered(None)
    answered.add(_request(1))
    assert answered.may_hold(_request(2))
