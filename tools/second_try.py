"""A pytest plugin for ``make test``: what real processes do may be tried twice, and is told.

A test that computes gives the same each time, and has one try. One that drives brokers, browsers
and bots asks a busy machine for favours, and one such test in four thousand must not hide what all
the others have shown. Nothing is hidden either: the run ends with a list of what was tried twice,
each of which is a defect to be mended, and more than :data:`MOST` of them fail the run.
"""

from typing import Final

import pytest

from tools.lanes import computes

MOST: Final = 3
"""So many tests may need a second try in one run."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Allow a second try to every test that does not only compute."""
    for item in items:
        if not computes(item.nodeid):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in which too many tests needed it."""
    if session.exitstatus == pytest.ExitCode.OK and len(_tried_twice(session.config)) > MOST:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Name what was tried twice, and why the first try failed."""
    twice = _tried_twice(config)
    if not twice:
        return
    terminalreporter.section(f"tried twice, at most {MOST} may be")
    for report in twice:
        terminalreporter.line(f"{report.nodeid}\n{report.longreprtext}")


def _tried_twice(config: pytest.Config) -> list[pytest.TestReport]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return [] if reporter is None else list(reporter.stats.get("rerun", ()))
