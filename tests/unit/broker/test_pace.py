"""How fast one client may speak, on a clock made by hand."""

from datetime import timedelta

from broker.pace import Bucket, Pace, Paces

PACE = Pace(per_second=10, burst=20, patience=timedelta(seconds=5))


def test_a_burst_passes_and_what_is_beyond_it_waits_for_its_tokens() -> None:
    bucket = Bucket(PACE)
    assert bucket.take(20, 100.0) == 0
    assert bucket.take(5, 100.0) == 0.5
    assert bucket.take(1, 100.5) == 0.1


def test_a_steady_client_within_its_pace_never_waits() -> None:
    bucket = Bucket(PACE)
    assert {bucket.take(1, second / 10) for second in range(1000, 3000)} == {0.0}
    assert not bucket.is_flooding(400.0)


def test_whoever_overdraws_again_and_again_is_flooding_and_one_burst_is_not() -> None:
    bucket, now = Bucket(PACE), 100.0
    bucket.take(30, now)
    assert not bucket.is_flooding(now)
    while now < 104.0:
        now += bucket.take(10, now) or 0.5
    assert not bucket.is_flooding(104.9)
    assert bucket.is_flooding(105.0)
    bucket.take(1, now + 60)  # long silent, then polite
    assert not bucket.is_flooding(now + 60)


def test_a_new_connection_does_not_refill_the_bucket_of_its_name() -> None:
    paces = Paces(PACE)
    paces.of("bot").take(25, 100.0)
    assert paces.of("bot").take(1, 100.0) > 0
    assert paces.of("other").take(1, 100.0) == 0
