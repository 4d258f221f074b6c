"""Two fleets with agents of the same names on one broker: their roots are all that divides them."""

import contextlib
from pathlib import Path

from tests.support.brokers import mosquitto_broker
from tests.support.bus_client import Where
from tests.support.fleet_process import plan_of, running_fleet
from tests.support.ground_truth import most_at_once

NAMES = ("Main", "Heals")
LIMITS = {"east": 1, "west/coast": 2}
"""How many agents of each root may work at once."""
TASKS = 6


def test_fleets_on_one_broker_work_side_by_side_each_within_its_own_limits(tmp_path: Path) -> None:
    with mosquitto_broker(tmp_path) as broker, contextlib.ExitStack() as stack:
        fleets = {}
        for number, (root, limit) in enumerate(LIMITS.items()):
            plan = plan_of(NAMES, global_constraints={"max_concurrent_agents": limit})
            where, folder = Where(broker.host, broker.port, root), tmp_path / str(number)
            fleets[root] = stack.enter_context(running_fleet(where, folder, NAMES, plan))
        operators = {root: fleet.client(f"of-{root[:4]}") for root, fleet in fleets.items()}
        tasks = {
            root: [operator.create(f"{root} {n}", args={"sleep": 0.3}) for n in range(TASKS)]
            for root, operator in operators.items()
        }
        for root, fleet in fleets.items():
            for task in tasks[root]:
                operators[root].wait_for(f"tasks/{task}", status="completed")
            runs = fleet.runs()
            assert sorted(run.task for run in runs) == sorted(tasks[root])
            assert most_at_once(runs) == LIMITS[root]
            for name in NAMES:  # nobody was thrown out by a namesake
                assert "is not connected" not in fleet.part(name).said()
