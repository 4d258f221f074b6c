"""``python -m tests.simulation``: see ``--help``."""

import sys

from tests.simulation.run import main

if __name__ == "__main__":
    sys.exit(main())
