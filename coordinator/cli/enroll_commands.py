"""``fleetbus enroll``, ``rotate``, ``revoke``, ``enrolled``, ``certs``: who may use our own broker.

All of them work on the broker's machine, on the files of its data directory, whether it runs or
not; a running broker follows within a second. A secret is shown once and kept nowhere but as a
hash.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coordinator import settings
from coordinator.cli import screen
from coordinator.cli.local_secrets import write_secret
from coordinator.cli.options import AsJson, Data
from coordinator.settings import CoordinatorSettings, read_secret
from protocol.access import Role
from protocol.errors import FleetBusError

if TYPE_CHECKING:
    from broker.credentials.file import CredentialsFile

Name = Annotated[str, typer.Argument(metavar="NAME", help="The agent's or person's name.")]
Kind = Annotated[
    Role,
    typer.Option(
        "--role", metavar="ROLE", help="agent, host, operator (may ask) or observer (watches)."
    ),
]
SecretFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the secret there, mode 600, instead of showing it."),
]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="A person's own password, in a file with mode 600; hashed slowly."
    ),
]


def enroll(
    *,
    name: Name,
    role: Kind = Role.AGENT,
    direct: Annotated[
        bool, typer.Option("--direct", help="Make the secret here, instead of a one-time token.")
    ] = False,
    password_file: PasswordFile = None,
    secret_file: SecretFile = None,
    data: Data = None,
) -> None:
    """Let NAME in: print a one-time token for it, or with --direct its secret.

    Example: fleetbus enroll Main
    """
    from broker import clock
    from broker.credentials.records import TOKEN_LIVES, fingerprint, new_secret

    chosen = settings.load({"data": data})
    file = _credentials(chosen)
    if password_file is not None:
        hashed = _hashed(password_file)
        file.change(lambda book: book.grant(name, role, hashed))
        print(f"{screen.GOOD} {name} is enrolled as {role.value}, with the password of that file")
        return
    fresh = new_secret()
    if direct or secret_file is not None:
        file.change(lambda book: book.grant(name, role, fingerprint(fresh)))
        _hand_over(name, fresh, secret_file)
        return
    earlier = file.load().entries.get(name)
    file.change(lambda book: book.enroll(name, role, fresh, clock.now()))
    if earlier is not None and earlier.token is not None:
        print(f"{screen.WARN} the token that {name} was given before is void")
    minutes = int(TOKEN_LIVES.total_seconds() // 60)
    print(
        f"token for {name} ({role.value}), good once and for {minutes} minutes:\n\n  {fresh}\n\n"
        "On its machine, with the broker's address and the authority's ca.pem:\n\n"
        f"  export FLEETBUS_BROKER=mqtts://BROKER:{chosen.mqtt_port} FLEETBUS_CA_FILE=ca.pem\n"
        f"  export FLEETBUS_PASSWORD_FILE={name}.secret\n"
        f"  FLEETBUS_TOKEN=... python -m agent_client.enrolment {name}"
    )


def rotate(
    *,
    name: Name,
    finish: Annotated[
        bool, typer.Option("--finish", help="End the older of two secrets; disconnects its users.")
    ] = False,
    password_file: PasswordFile = None,
    secret_file: SecretFile = None,
    data: Data = None,
) -> None:
    """Give NAME a new secret beside its old one; with --finish, end the old one.

    Example: fleetbus rotate Main --secret-file Main.secret
    """
    from broker.credentials.records import fingerprint, new_secret

    file = _credentials(settings.load({"data": data}))
    if finish:
        file.change(lambda book: book.finish_rotation(name))
        print(f"{screen.GOOD} {name}: only the newest secret is valid now")
        return
    if password_file is not None:
        hashed = _hashed(password_file)
        file.change(lambda book: book.rotate(name, hashed))
        print(f"{screen.GOOD} {name}: the new password is valid beside the old one")
        return
    fresh = new_secret()
    file.change(lambda book: book.rotate(name, fingerprint(fresh)))
    _hand_over(name, fresh, secret_file)
    print(f"the old secret is valid too, until: fleetbus rotate {name} --finish")


def revoke(*, name: Name, data: Data = None) -> None:
    """Shut NAME out: its secrets and tokens end, and a running broker disconnects it at once.

    Example: fleetbus revoke Main
    """
    _credentials(settings.load({"data": data})).change(lambda book: book.revoke(name))
    print(f"{screen.GOOD} {name} is revoked; to let it in again: fleetbus enroll {name}")


def enrolled(*, data: Data = None, as_json: AsJson = False) -> None:
    """List who is enrolled, and who was revoked.

    Example: fleetbus enrolled
    """
    book = _credentials(settings.load({"data": data})).load()
    rows = [
        {
            "name": entry.name,
            "role": entry.role.value,
            "secrets": len(entry.secrets),
            "token_expires": entry.token.expires.isoformat() if entry.token else None,
            "revoked": entry.is_revoked,
        }
        for entry in book.entries.values()
    ]
    if as_json:
        screen.print_json({"enrolled": rows})
        return
    if not rows:
        print("nobody is enrolled; let somebody in with: fleetbus enroll NAME")
    for row in rows:
        state = f"{row['secrets']} secret(s)"
        if row["revoked"]:
            state = "revoked"
        elif row["token_expires"]:
            state = f"token until {row['token_expires']}"
        print(f"{row['name']:<24} {row['role']:<10} {state}")


def certs(
    *,
    host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST", help="A name or address that others reach the broker by; repeatable."
        ),
    ] = None,
    agent: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Make a client's certificate for NAME; repeatable."),
    ] = None,
    data: Data = None,
) -> None:
    """Make certificates: an authority of the fleet's own, the broker's, and those of agents.

    Example: fleetbus certs --host broker.example.org --agent Main
    """
    from broker import clock
    from broker.certificates import Authority
    from protocol import names

    folder = settings.load({"data": data}).certs
    for name in agent or []:
        names.agent_name(name)
    authority = Authority(folder, clock.now())
    print(f"{screen.GOOD} authority    {authority.ca} (give it to every machine of the fleet)")
    if host or not (folder / "server.pem").exists():
        certificate, _ = authority.issue_server(host or [])
        print(f"{screen.GOOD} broker       {certificate}, for {', '.join(host or ['localhost'])}")
        if not host:
            more = "fleetbus certs --host NAME-OR-ADDRESS"
            print(f"{screen.WARN} other machines will not take it for the broker's: {more}")
    for name in agent or []:
        certificate, key = authority.issue_agent(name)
        print(f"{screen.GOOD} agent {name}  {certificate} and {key}")


def _credentials(chosen: CoordinatorSettings) -> "CredentialsFile":
    from broker.credentials.file import CredentialsFile

    return CredentialsFile(chosen.credentials_file)


def _hashed(password_file: Path) -> str:
    from broker.credentials.passwords import SHORTEST, hash_password
    from protocol.enrolment import is_strong

    password = read_secret(password_file)
    if len(password) < SHORTEST or is_strong(password):
        right = f"{SHORTEST} characters or more, and no secret of 256 bits (those need no file)"
        raise FleetBusError(f"the password in {password_file} must have {right}")
    return hash_password(password)


def _hand_over(name: str, secret: str, file: Path | None) -> None:
    if file is None:
        print(f"the secret of {name}, shown this once:\n\n  {secret}\n")
        print("Keep it in a file with mode 600 that FLEETBUS_PASSWORD_FILE names.")
        return
    try:
        write_secret(file, secret)
    except OSError as error:
        raise FleetBusError(f"--secret-file {file}: cannot be written: {error}") from None
    print(f"{screen.GOOD} the secret of {name} is in {file}")
