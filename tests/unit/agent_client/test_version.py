"""The version that an agent tells is that of the package."""

import tomllib
from pathlib import Path

from agent_client.version import VERSION


def test_an_agent_tells_the_version_of_its_package() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
