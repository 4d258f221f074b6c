"""A journal cut anywhere says what was written up to there; damaged, it says so or nothing new."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from agent_client.core.fence import Fence
from agent_client.core.outbox import StoredReport
from agent_client.messages import ReportDetail
from agent_client.state.lines import (
    Contents,
    Damaged,
    boot_line,
    forget_line,
    parse,
    report_line,
    took_line,
)
from protocol.vocabulary import ReportEvent

BOOTS = ("a" * 32, "b" * 32)
fences = st.builds(Fence, st.sampled_from(["t1", "t2"]), st.integers(1, 3))
json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
reports = st.builds(
    StoredReport,
    st.sampled_from(BOOTS),
    st.integers(1, 9),
    fences,
    st.sampled_from(list(ReportEvent)),
    st.builds(ReportDetail, result=json, pct=st.none() | st.floats(0, 100)),
)
lines = st.one_of(
    st.builds(boot_line, st.just("bot"), st.just("here"), st.sampled_from(BOOTS), st.just(0)),
    st.builds(took_line, st.sampled_from(BOOTS), fences),
    st.builds(report_line, reports),
    st.builds(lambda report: forget_line((report,)), reports),
)


@given(reports)
def test_a_report_is_read_as_it_was_written(report: StoredReport) -> None:
    assert parse(report_line(report)).reports == {(report.boot, report.seq): report}


@settings(max_examples=60)
@given(st.lists(lines, max_size=6), st.data())
def test_a_journal_cut_anywhere_says_what_was_written_before(
    written: list[bytes], data: st.DataObject
) -> None:
    whole = b"".join(written)
    cut = data.draw(st.integers(0, len(whole)))
    kept, end = 0, 0
    while kept < len(written) and end + len(written[kept]) <= cut:
        end += len(written[kept])
        kept += 1
    assert parse(whole[:cut]) == parse(b"".join(written[:kept]))


@settings(max_examples=60)
@given(st.lists(lines, min_size=1, max_size=6), st.data())
def test_a_journal_with_a_wrong_byte_is_refused_or_ends_there(
    written: list[bytes], data: st.DataObject
) -> None:
    whole = bytearray(b"".join(written))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    try:
        read = parse(bytes(whole))
    except Damaged:
        return
    assert read in [parse(b"".join(written[:count])) for count in range(len(written) + 1)]


@given(st.binary(max_size=200))
def test_nonsense_is_refused_or_empty(nonsense: bytes) -> None:
    with contextlib.suppress(Damaged):
        assert parse(nonsense) == Contents()
