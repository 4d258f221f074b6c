"""A pytest plugin for ``make test``: a test that did not run is a failure.

``make test`` installs what the tests need, so a skip there means that something is broken.
A test that is about another platform says so: its reason begins with ``platform:``.
"""

from collections.abc import Generator
from typing import TypeAlias

import pytest

_Report: TypeAlias = pytest.TestReport | pytest.CollectReport

_ALLOWED = "platform:"


def _refuse_skip(report: _Report) -> None:
    if report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if not reason.startswith(_ALLOWED):
        report.outcome = "failed"
        report.longrepr = f"skipped, and `make test` must run every test: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, _Report, _Report]:
    """Turn a skipped test into a failed one."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, _Report, _Report]:
    """Turn a skipped module into a failed one."""
    report = yield
    _refuse_skip(report)
    return report
