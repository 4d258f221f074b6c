"""``fleetbus token``: the token alone on the last line, and nothing of it on the disk."""

import json
from pathlib import Path

from typer.testing import CliRunner

from coordinator.cli.app import app


def run(*words: str, data: Path) -> str:
    said = CliRunner().invoke(app, ["token", *words, "--data", str(data)])
    assert said.exit_code == 0, said.output
    return said.output


def test_a_token_is_the_last_line_and_is_kept_as_a_hash_for_its_owner_alone(tmp_path: Path) -> None:
    token = run("create", "--scope", "read", "--name", "eyes", data=tmp_path).splitlines()[-1]
    assert token.startswith("fb_")
    kept = tmp_path / "tokens.json"
    assert token not in kept.read_text()
    assert token.split("_", 2)[2] not in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0
    listed = json.loads(run("list", "--json", data=tmp_path))
    assert [(row["name"], row["scope"]) for row in listed] == [("eyes", "read")]
    assert token.split("_")[1] == listed[0]["prefix"]
    run("revoke", listed[0]["prefix"], data=tmp_path)
    assert json.loads(run("list", "--json", data=tmp_path)) == []


def test_a_wrong_scope_or_an_unknown_token_is_told_with_what_would_be_right(tmp_path: Path) -> None:
    wrong = CliRunner().invoke(app, ["token", "create", "--scope", "root", "--data", str(tmp_path)])
    assert wrong.exit_code == 2
    assert "read, operate, admin" in wrong.output
    gone = CliRunner().invoke(app, ["token", "revoke", "nobody", "--data", str(tmp_path)])
    assert gone.exit_code != 0
    assert "fleetbus token list" in str(gone.exception)
