"""A pytest plugin for ``make test``: who waits runs beside who computes, and the longest begin.

A test of a whole fleet mostly waits, and must not be kept waiting itself. A simulated hour computes
from its first moment to its last, and nobody minds when. So there are more workers than processors:
as many as there are processors compute, and give way to all others; the rest run what waits. A
worker whose lane is empty takes from the other one.
"""

import os
from typing import Final

import pytest
from _pytest.nodeid import coerce_node_id
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadGroupScheduling  # type: ignore[import-untyped]
from xdist.workermanage import WorkerController  # type: ignore[import-untyped]

COMPUTING: Final = ("tests/property/", "tests/simulation/", "tests/fuzz/")
GIVES_WAY: Final = 10
"""How nice a worker is that computes, as ``nice`` counts."""
WAITING: Final = 4
"""How many workers are there for what waits."""
_PROCESSORS: Final = os.cpu_count() or 1


def computes(test: str) -> bool:
    """Say whether *test* only computes."""
    return test.startswith(COMPUTING)


class Lanes(LoadGroupScheduling):  # type: ignore[misc] # xdist is not typed
    """Gives each worker what is left in its own lane, and after that what is left."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        is_for_computing = int(node.gateway.id.removeprefix("gw")) < _PROCESSORS
        for scope, tests in self.workqueue.items():
            if computes(next(iter(tests))) is is_for_computing:
                self.workqueue.move_to_end(scope, last=False)
                break
        super()._assign_work_unit(node)


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers() -> int:
    """Have workers for both lanes with ``-n auto``."""
    return _PROCESSORS + WAITING


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Lanes:
    """Let xdist ask the lanes."""
    return Lanes(config, log)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keep together what shares a process, or every worker would start one of its own."""
    if not isinstance(item, pytest.Function) or item.get_closest_marker("xdist_group"):
        return
    definitions = item._fixtureinfo.name2fixturedefs  # noqa: SLF001 -- nothing public tells
    shared = {
        name
        for name, found in definitions.items()
        if found[-1].scope == "module" and found[-1].baseid.startswith("tests/")
    }
    if shared:
        given = item.callspec.params if hasattr(item, "callspec") else {}
        kinds = (str(value) for name, value in sorted(given.items()) if name in shared)
        item.add_marker(pytest.mark.xdist_group(" ".join([item.nodeid.partition("::")[0], *kinds])))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long ones in front; the rest keep their order. Give all the names of their groups."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    for item in items:
        # pytest-xdist 3.8 sets this, but since 9.2 pytest names an item by something else.
        if (with_group := vars(item).get("_nodeid")) is not None:
            item._id = coerce_node_id(with_group)  # noqa: SLF001 -- nothing public sets it


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Become nice for the first test that computes; what waits is over then for this worker."""
    if computes(item.nodeid) and os.getpriority(os.PRIO_PROCESS, 0) < GIVES_WAY:
        os.nice(GIVES_WAY)
