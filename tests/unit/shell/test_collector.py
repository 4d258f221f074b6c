"""How little the garbage collector has to walk through, in a process of its own."""

import json
import subprocess
import sys

PROGRAM = """
import gc, json
from coordinator.shell.collector import THRESHOLDS, spare_the_collector
spare_the_collector()
spare_the_collector()
walked = []
gc.callbacks.insert(0, lambda phase, _: walked.append(len(gc.get_objects())))
kept = [[[n]] for n in range(300_000)]
class Cycle: pass
for _ in range(30_000):
    one = Cycle()
    one.itself = one
left = sum(type(one) is Cycle for one in gc.get_objects())
print(json.dumps({"walked": max(walked), "kept": 2 * len(kept), "left": left}))
"""


def test_what_lasts_is_walked_through_once_and_cycles_are_still_collected() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert found["walked"] < found["kept"] / 4
    assert found["left"] < 20_000
