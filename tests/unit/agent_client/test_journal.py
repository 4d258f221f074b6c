"""What the journal keeps through a crash, and what it does when the disk lies or fails."""

import logging
from pathlib import Path
from typing import Any

import pytest

from agent_client.core.effects import ForgetReports, SendReport, StartHandler
from agent_client.core.fence import Fence
from agent_client.core.outbox import StoredReport
from agent_client.messages import ReportDetail
from agent_client.state import journal as journal_module
from agent_client.state.journal import KEPT_MS, Journal
from protocol.vocabulary import ReportEvent
from tests.unit.agent_client.scene import BOOT, OTHER_BOOT, assignment

T1, T2 = Fence("t1", 1), Fence("t2", 7)
NOW = 1_700_000_000_000


def open_journal(folder: Path, boot: str = BOOT, **fields: Any) -> Journal:
    given: dict[str, Any] = {"agent": "bot-1", "host": "here", "wall_ms": NOW}
    return Journal(folder / "bot-1.journal", boot=boot, **(given | fields))


def start(fence: Fence = T1) -> StartHandler:
    return StartHandler(fence, assignment(fence.task, fence.number), 1)


def report(
    seq: int = 1,
    fence: Fence = T1,
    event: ReportEvent = ReportEvent.SUCCEEDED,
    detail: ReportDetail | None = None,
) -> StoredReport:
    return StoredReport(BOOT, seq, fence, event, detail or ReportDetail(result={"gold": 7}))


def crash_after(folder: Path, *turns: list[Any]) -> None:
    """Let a process die that has committed *turns*; only the files are left of it."""
    journal = open_journal(folder)
    for turn in turns:
        for effect in turn:
            journal.note(effect)
        journal.commit()


def test_a_first_boot_has_no_predecessor(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    assert (journal.prev_boot, journal.cut_off, journal.earlier_reports) == (None, (), ())


def test_the_next_boot_knows_which_boot_was_before_it(tmp_path: Path) -> None:
    crash_after(tmp_path)
    assert open_journal(tmp_path, OTHER_BOOT).prev_boot == BOOT


@pytest.mark.parametrize(
    "detail",
    [
        ReportDetail(),
        ReportDetail(result=None),
        ReportDetail(result={"text": "\u2028 \n \U0001f600", "none": None, "float": 0.1}),
        ReportDetail(code="e", message="m" * 10_000, retryable=False, retry_after_s=1.5, ran_ms=3),
    ],
)
def test_a_report_survives_as_it_was_born(tmp_path: Path, detail: ReportDetail) -> None:
    born = report(detail=detail)
    crash_after(tmp_path, [start()], [SendReport(born)])
    assert open_journal(tmp_path, OTHER_BOOT).earlier_reports == (born,)


def test_it_survives_more_than_one_restart(tmp_path: Path) -> None:
    crash_after(tmp_path, [SendReport(report())])
    for number in range(3):
        journal = open_journal(tmp_path, f"{number:032}")
    assert journal.earlier_reports == (report(),)


def test_an_acknowledged_report_is_forgotten(tmp_path: Path) -> None:
    kept = report(2, T2)
    crash_after(
        tmp_path, [SendReport(report()), SendReport(kept)], [ForgetReports((report(),))], [start()]
    )
    assert open_journal(tmp_path, OTHER_BOOT).earlier_reports == (kept,)


def test_a_fence_that_was_started_and_not_ended_was_cut_off(tmp_path: Path) -> None:
    progress = report(1, T2, ReportEvent.PROGRESS, ReportDetail(pct=5.0))
    crash_after(
        tmp_path, [start(T1), start(T2)], [SendReport(progress)], [SendReport(report(2, T1))]
    )
    assert open_journal(tmp_path, OTHER_BOOT).cut_off == (T2,)


def test_what_was_cut_off_is_known_until_its_end_is_noted(tmp_path: Path) -> None:
    crash_after(tmp_path, [start(T1)])
    second = open_journal(tmp_path, OTHER_BOOT)
    assert second.cut_off == (T1,)
    third = open_journal(tmp_path, "c" * 32)
    assert third.cut_off == (T1,)
    third.note(SendReport(report(1, T1, ReportEvent.ABANDONED)))
    third.commit()
    assert open_journal(tmp_path, "d" * 32).cut_off == ()


def test_a_report_that_is_sent_again_is_written_once(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    for _ in range(2):
        journal.note(SendReport(report()))
        journal.commit()
    assert (tmp_path / "bot-1.journal").read_bytes().count(b'"report"') == 1


def test_of_a_directory_copied_from_another_machine_only_reports_count(tmp_path: Path) -> None:
    crash_after(tmp_path, [start(T2)], [SendReport(report())])
    journal = open_journal(tmp_path, OTHER_BOOT, host="elsewhere")
    assert (journal.prev_boot, journal.cut_off) == (None, ())
    assert journal.earlier_reports == (report(),)


def test_after_a_week_nobody_waits_for_a_report_any_more(tmp_path: Path) -> None:
    crash_after(tmp_path, [SendReport(report())])
    assert open_journal(tmp_path, OTHER_BOOT, wall_ms=NOW + KEPT_MS).earlier_reports == ()


def test_every_torn_end_leaves_what_was_before_it(tmp_path: Path) -> None:
    crash_after(tmp_path, [SendReport(report(1))], [SendReport(report(2, T2))])
    path = tmp_path / "bot-1.journal"
    whole = path.read_bytes()
    second = whole.rindex(b"\n", 0, -1) + 1
    for cut in range(second, len(whole)):
        path.write_bytes(whole[:cut])
        assert open_journal(tmp_path, OTHER_BOOT).earlier_reports == (report(1),), cut


def test_space_reserved_but_never_written_is_a_torn_end(tmp_path: Path) -> None:
    crash_after(tmp_path, [SendReport(report())])
    path = tmp_path / "bot-1.journal"
    path.write_bytes(path.read_bytes() + bytes(500))
    assert open_journal(tmp_path, OTHER_BOOT).earlier_reports == (report(),)


@pytest.mark.parametrize("offset", [3, 30, 200])
def test_a_damaged_journal_is_set_aside_and_the_agent_starts_without_one(
    tmp_path: Path, offset: int, caplog: pytest.LogCaptureFixture
) -> None:
    crash_after(tmp_path, [start()], [SendReport(report())], [SendReport(report(2, T2))])
    path = tmp_path / "bot-1.journal"
    damaged = bytearray(path.read_bytes())
    damaged[offset] ^= 0xFF
    path.write_bytes(damaged)
    journal = open_journal(tmp_path, OTHER_BOOT)
    assert (journal.prev_boot, journal.cut_off, journal.earlier_reports) == (None, (), ())
    (aside,) = tmp_path.glob("*.damaged-*")
    assert aside.read_bytes() == damaged
    assert "cannot be believed" in caplog.text
    assert open_journal(tmp_path, "c" * 32).prev_boot == OTHER_BOOT


def test_the_journal_of_another_agent_is_not_believed(tmp_path: Path) -> None:
    crash_after(tmp_path)
    assert open_journal(tmp_path, OTHER_BOOT, agent="Bot-1").prev_boot is None


def test_it_does_not_grow_with_the_work_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "SMALLEST_COMPACTION", 4_000)
    journal = open_journal(tmp_path)
    largest = 0
    for number in range(1, 501):
        fence = Fence(f"t{number}", 1)
        done = report(number, fence)
        for effect in (start(fence), SendReport(done), ForgetReports((done,))):
            journal.note(effect)
            journal.commit()
        largest = max(largest, (tmp_path / "bot-1.journal").stat().st_size)
    journal.close()
    assert largest < 5_000
    assert open_journal(tmp_path, OTHER_BOOT).prev_boot == BOOT


def test_a_disk_that_fails_is_told_of_once_and_costs_the_journal_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    journal = open_journal(tmp_path)

    def full(_file: int, _text: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(journal_module, "_write_all", full)
        for number in range(1, 4):
            journal.note(SendReport(report(number, Fence(f"t{number}", 1))))
            journal.commit()
        assert not journal.is_kept
    told = [entry for entry in caplog.records if entry.levelno == logging.CRITICAL]
    assert len(told) == 1
    assert "No space left" in told[0].getMessage()
    assert not (tmp_path / "bot-1.journal").exists()


def test_when_the_disk_is_well_again_everything_is_written_that_still_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "RETRY_S", 0.0)
    journal = open_journal(tmp_path)
    with monkeypatch.context() as disk:

        def full(_file: int, _text: bytes) -> None:
            raise OSError(28, "No space left on device")

        disk.setattr(journal_module, "_write_all", full)
        journal.note(SendReport(report(1)))
        journal.commit()
    journal.note(SendReport(report(2, T2)))
    journal.commit()
    assert open_journal(tmp_path, OTHER_BOOT).earlier_reports == (report(1), report(2, T2))
