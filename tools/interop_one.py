"""Runs one test of the Eclipse Paho interoperability suite, in the folder where the suite is.

The suite reads its options and then lets unittest read the same ones, which fails. So its file
is run as it is, with another end: what is named here, instead of everything.
"""

import runpy
import sys
import unittest
from pathlib import Path

_FILE = Path("client_test.py")


def main(host: str, port: str, name: str) -> None:
    """Run the test *name* against a broker; exit with 0 if it passes."""

    def run_one() -> None:
        test = sys.modules["__main__"].Test(name)
        result = unittest.TextTestRunner().run(unittest.TestSuite([test]))
        raise SystemExit(not result.wasSuccessful())

    unittest.main = run_one  # type: ignore[assignment]  # it is called without arguments
    sys.argv = [str(_FILE), f"--hostname={host}", f"--port={port}"]
    sys.path.insert(0, str(_FILE.parent.resolve()))
    runpy.run_path(str(_FILE), run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
