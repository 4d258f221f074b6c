"""Who takes the boot that a host has chosen."""

from pathlib import Path

import pytest

from agent_client.boots import BOOT_FILE, new_boot

BOOT = "0123456789abcdef" * 2


def test_the_boot_that_waits_is_taken_by_one_process_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / BOOT
    place.touch()
    monkeypatch.setenv(BOOT_FILE, str(place))
    assert new_boot() == BOOT
    assert new_boot() != BOOT
    assert not place.exists()


@pytest.mark.parametrize("name", ["short", "G" * 32, BOOT + "0"])
def test_what_is_no_boot_is_not_taken(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).touch()
    monkeypatch.setenv(BOOT_FILE, str(tmp_path / name))
    assert len(new_boot()) == 32
    assert (tmp_path / name).exists()
