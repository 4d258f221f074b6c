"""What is written without its model is what the model reads."""

from hypothesis import given
from hypothesis import strategies as st

from coordinator.core.agents import DesiredState
from coordinator.core.effects import SayLease
from coordinator.core.instant import Instant
from coordinator.shell.desired_texts import DesiredTexts
from coordinator.shell.outgoing import Speaker
from protocol.codec import decode
from protocol.messages import Assignment, Desired, Granted, Lease
from protocol.topics import Topics
from protocol.vocabulary import AgentMode, Want

NOW = Instant(1_800_000_000_000, 1_000)
SPEAKER = Speaker(Topics("fleet"), "here-1", 7)
BOOT = "0123456789abcdef" * 2
COUNTS = st.integers(0, 2**53)
ACKS = st.dictionaries(st.just(BOOT), COUNTS)


def assignment(task: str, want: Want = Want.RUN, **args: object) -> Assignment:
    return Assignment(
        task=task,
        name="dig",
        mode="quest",
        fence=3,
        lease_s=60.0,
        margin_s=2.0,
        want=want,
        args=args,
    )


def desired(rev: int, *tasks: Assignment) -> DesiredState:
    return DesiredState(
        agent="Main", boot=BOOT, rev=rev, as_of=4, mode=AgentMode.ACTIVE, report_ack={}, tasks=tasks
    )


@given(COUNTS, COUNTS, ACKS, st.sampled_from(AgentMode), st.lists(COUNTS, max_size=4))
def test_a_desired_is_read_as_it_was_meant(
    rev: int, as_of: int, acks: dict[str, int], mode: AgentMode, numbers: list[int]
) -> None:
    tasks = tuple(assignment(f"t{n}-{number}", x=number) for n, number in enumerate(numbers))
    meant = DesiredState("Main", BOOT, rev, as_of, mode, acks, tasks)
    said = DesiredTexts(SPEAKER).render(meant, NOW)
    assert said.topic == "fleet/v1/inbox/Main/desired"
    assert decode(Desired, said.payload) == Desired(
        ts_ms=NOW.wall_ms,
        coord="here-1",
        term=7,
        rev=rev,
        for_boot=BOOT,
        as_of=as_of,
        mode=mode,
        report_ack=acks,
        tasks=tasks,
    )


@given(
    COUNTS,
    COUNTS,
    ACKS,
    st.dictionaries(st.from_regex(r"[A-Za-z0-9]{1,9}", fullmatch=True), COUNTS),
)
def test_a_lease_is_read_as_it_was_meant(
    as_of: int, rev: int, acks: dict[str, int], fences: dict[str, int]
) -> None:
    said = SPEAKER.lease(SayLease("Main", BOOT, as_of, rev, tuple(fences.items()), acks), NOW)
    assert said.topic == "fleet/v1/inbox/Main/lease"
    assert decode(Lease, said.payload) == Lease(
        ts_ms=NOW.wall_ms,
        coord="here-1",
        term=7,
        boot=BOOT,
        as_of=as_of,
        rev=rev,
        granted=tuple(Granted(task=task, fence=fence) for task, fence in fences.items()),
        report_ack=acks,
    )


def test_the_same_rev_is_the_same_bytes_at_any_time() -> None:
    texts, state = DesiredTexts(SPEAKER), desired(1, assignment("a"))
    first = texts.render(state, NOW)
    assert texts.render(state, Instant(NOW.wall_ms + 5, NOW.mono_ms + 5)) is first


def test_what_changed_of_an_assignment_is_said() -> None:
    texts, other = DesiredTexts(SPEAKER), assignment("b")
    texts.render(desired(1, assignment("a"), other), NOW)
    said = texts.render(desired(2, assignment("a", Want.CANCEL), other), NOW)
    wants = [task.want for task in decode(Desired, said.payload).tasks]
    assert wants == [Want.CANCEL, Want.RUN]


def test_an_agent_that_comes_back_after_it_was_forgotten_is_told_anew() -> None:
    texts = DesiredTexts(SPEAKER)
    texts.render(desired(1, assignment("a")), NOW)
    texts.forget("Main")
    assert decode(Desired, texts.render(desired(1), NOW).payload).tasks == ()
