"""The host as a service of systemd."""

from pathlib import Path

from coordinator.cli.host_unit import Unit

UNIT = Unit(
    program=("/opt/py/bin/python", "-m", "agent_client.host"),
    broker="mqtts://broker:8883",
    root="fleet",
    user="bot",
    folder=Path("/srv/bots"),
    state_dir=Path("/srv/bots/host"),
)


def test_a_unit_runs_the_host_and_restarts_it_and_leaves_nothing_behind() -> None:
    lines = UNIT.text().splitlines()
    start = "/opt/py/bin/python -m agent_client.host --broker mqtts://broker:8883 --root fleet"
    assert f"ExecStart={start} --state-dir /srv/bots/host" in lines
    for line in ("Restart=always", "KillMode=mixed", "User=bot", "WorkingDirectory=/srv/bots"):
        assert line in lines
    assert not any(line.startswith("Environment=") for line in lines)


def test_what_systemd_would_take_for_a_word_of_its_own_is_escaped() -> None:
    odd = Unit(
        program=("python",),
        broker="b",
        root="fleet",
        user="bot",
        folder=Path("/srv"),
        state_dir=Path("/srv/100% mine"),
        machine="my pc",
        ca_file=Path("/srv/ca.pem"),
    )
    text = odd.text()
    assert "--state-dir '/srv/100%% mine' --machine 'my pc'" in text
    assert 'Environment="FLEETBUS_CA_FILE=/srv/ca.pem"' in text
