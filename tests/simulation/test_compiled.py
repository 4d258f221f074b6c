"""The compiled wheel decides as its source does: the same fleet-hours, event by event."""

import json
import os
import subprocess
import sys

import pytest

from tests.property.test_core_replay import digest
from tests.simulation.run import Order, carry_out
from tools.compiled_code import TREE, compiled_code

HOURS = 3
WITHIN_S = 800
"""It gives way to all tests that wait; alone it takes less than a minute."""
_SCRIPT = f"""
import json
import coordinator.core.step, coordinator.shell.batch
from tests.property.test_core_replay import digest
from tests.simulation.run import Order, carry_out
print(json.dumps({{
    "files": [coordinator.core.step.__file__, coordinator.shell.batch.__file__],
    "replayed": digest(7),
    "hours": [carry_out(Order(seed)).hash for seed in range({HOURS})],
}}))
"""


@pytest.mark.long
@pytest.mark.timeout(WITHIN_S)
def test_what_is_compiled_decides_as_its_source_does() -> None:
    # Optimizing takes longer than it saves here.
    code = compiled_code(optimize=0)
    said = subprocess.run(
        [sys.executable, "-P", "-c", _SCRIPT],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(code), str(TREE)])},
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN_S,
    )
    assert said.returncode == 0, said.stderr
    found = json.loads(said.stdout)
    for file in found["files"]:
        assert file.startswith(str(code))
        assert not file.endswith(".py")
    hours = [carry_out(Order(seed)) for seed in range(HOURS)]
    assert not [hour.violation for hour in hours if hour.violation]
    assert found["hours"] == [hour.hash for hour in hours]
    assert found["replayed"] == digest(7)
