"""``python -m coordinator``: one coordinator, set up by variables and ``fleetbus.toml``."""

import sys

from coordinator.settings import load
from coordinator.shell.service import run

sys.exit(run(load({})))
