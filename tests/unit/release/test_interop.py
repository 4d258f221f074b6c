"""How a test of the interoperability suite is run, on a suite of our own that is shaped like it."""

from pathlib import Path

import pytest

from tools.interop import complaint

SUITE = """
import getopt, sys, unittest
import beside

class Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        global ready
        ready = True

    def knows_its_broker(self):
        self.assertEqual((host, port, ready, beside.HERE), ("127.0.0.1", 1234, True, "here"))

    def test_fails(self):
        self.assertEqual(topics, "none")

if __name__ == "__main__":
    options, _ = getopt.gnu_getopt(sys.argv[1:], "", ["hostname=", "port="])
    topics = "some"
    host, port = options[0][1], int(options[1][1])
    unittest.main()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "client_test.py").write_text(SUITE)
    (tmp_path / "beside.py").write_text('HERE = "here"\n')
    return tmp_path


def test_a_test_that_passes_has_nothing_to_say(folder: Path) -> None:
    assert complaint(folder, "127.0.0.1", 1234, "knows_its_broker") == ""


def test_a_test_that_fails_or_is_not_there_says_so(folder: Path) -> None:
    assert "'some' != 'none'" in complaint(folder, "127.0.0.1", 1234, "test_fails")
    assert "no such test" in complaint(folder, "127.0.0.1", 1234, "test_gone")
