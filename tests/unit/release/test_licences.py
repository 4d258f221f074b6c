"""The list of licences: nothing that people install is missing, or under terms to think about."""

import importlib.metadata
import json
import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.fresh_install import TREE
from tools.write_licences import PAGE, licence

LISTED = dict(re.findall(r"^\| (\S+) \| (.+) \|$", PAGE.read_text(), re.MULTILINE))
PROJECT = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]
DIRECT = [
    canonicalize_name(Requirement(text).name)
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for text in group
]
AGAIN = "write it anew with: make licences"


def test_every_package_that_is_asked_for_is_listed_with_its_present_licence() -> None:
    for name in DIRECT:
        assert LISTED.get(name) == licence(importlib.metadata.metadata(name).json), (name, AGAIN)


def test_every_package_of_the_pages_is_listed() -> None:
    asked = json.loads((TREE / "dashboard" / "package.json").read_bytes())["dependencies"]
    assert set(asked) <= set(LISTED), AGAIN


def test_nothing_is_under_an_unknown_licence_or_one_that_reaches_the_users_own_code() -> None:
    assert "not said" not in LISTED.values()
    reaching = {name for name, said in LISTED.items() if "GPL" in said}
    # Of an extra that is loaded as a library, which the LGPL allows without conditions on a bot.
    assert reaching == {"psycopg", "psycopg-binary"}
