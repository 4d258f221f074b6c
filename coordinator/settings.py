"""How the coordinator and the ``fleetbus`` command are set up on this machine.

A flag beats a ``FLEETBUS_*`` variable, which beats ``fleetbus.toml``, which beats the default. What
the fleet should *do* is not here but in the fleet plan. Every problem is reported at once, each
with the place where the value came from.
"""

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from coordinator.address import MAX_PORT, BrokerAddress
from protocol import names
from protocol.broker_profiles import BROKER_PROFILES, DEFAULT_PROFILE, BrokerProfile
from protocol.errors import BadName, FleetBusError
from protocol.topics import DEFAULT_ROOT

ENV_PREFIX: Final = "FLEETBUS_"
CONFIG_VARIABLE: Final = "FLEETBUS_CONFIG"
CONFIG_PLACES: Final = (Path("fleetbus.toml"), Path("config/fleetbus.toml"))
PLAN_PLACE: Final = Path("config/fleet_plan.json")


def _no_flag(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a port number")  # noqa: TRY004 - pydantic reports this one
    return value


Port = Annotated[int, BeforeValidator(_no_flag), Field(ge=0, le=MAX_PORT)]
"""0 lets the system choose."""


class BadSettings(FleetBusError):
    """Settings that cannot be used; ``problems`` has one line for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class CoordinatorSettings(BaseSettings):
    """Where things are and who listens where; the same for every command. See :func:`load`."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=ENV_PREFIX, env_ignore_empty=True
    )

    plan: Path | None = None
    data: Path = Path(".fleetbus")
    store: str | None = Field(default=None, repr=False)
    strict: bool = False
    host: str = Field(default="127.0.0.1", min_length=1)
    mqtt_port: Port = 1883
    ws_port: Port = 9001
    http_port: Port = 8080
    http_hosts: tuple[str, ...] = ()
    """Other names by which browsers may reach the control room."""
    no_web: bool = False
    broker: str | None = Field(default=None, repr=False)
    broker_profile: str = DEFAULT_PROFILE
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    durable: bool = False
    require_credentials: bool = False
    insecure_network: bool = False
    client_rate: float = Field(default=2_000.0, gt=0)
    client_burst: int = Field(default=10_000, ge=1)
    root: str = DEFAULT_ROOT
    no_agents: bool = False
    alerts_to_this_machine: bool = False
    metrics_without_token: bool = True
    metrics_of_agents: bool = False
    home_assistant: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("broker")
    @classmethod
    def _broker_can_be_reached(cls, url: str | None) -> str | None:
        if url is not None:
            BrokerAddress.parse(url)
        return url

    @field_validator("broker_profile")
    @classmethod
    def _profile_is_known(cls, name: str) -> str:
        if name not in BROKER_PROFILES:
            raise ValueError(f"must be one of {', '.join(BROKER_PROFILES)}")
        return name

    @field_validator("root")
    @classmethod
    def _root_can_stand_in_topics(cls, root: str) -> str:
        try:
            return names.root(root)
        except BadName as error:
            raise ValueError(str(error)) from None

    @property
    def broker_address(self) -> BrokerAddress:
        """The broker to speak to: the one named, else our own on this machine."""
        if self.broker is None:
            found = BrokerAddress(_reachable(self.host), self.mqtt_port, tls=self.serves_tls)
            return replace(found, ca_file=self.certs / "ca.pem") if found.tls else found
        found = BrokerAddress.parse(self.broker)
        if self.password_file is not None and found.username and not found.password:
            found = replace(found, password=read_secret(self.password_file))
        if not found.tls:
            return found
        return replace(
            found, ca_file=self.ca_file, cert_file=self.cert_file, key_file=self.key_file
        )

    @property
    def profile(self) -> BrokerProfile:
        """What kind of broker it is."""
        return BROKER_PROFILES[self.broker_profile]

    @property
    def http_address(self) -> str:
        """Where the control room is reached from this machine."""
        host = _reachable(self.host)
        host = f"[{host}]" if ":" in host else host
        return f"{'https' if self.serves_tls else 'http'}://{host}:{self.http_port}"

    @property
    def is_exposed(self) -> bool:
        """Whether our own broker is to serve other machines."""
        return self.broker is None and not _is_loopback(self.host)

    @property
    def serves_others(self) -> bool:
        """Whether what listens on ``host`` is reached by other machines."""
        return not _is_loopback(self.host)

    @property
    def serves_tls(self) -> bool:
        """Whether what listens on ``host`` speaks TLS: to others, once there are certificates."""
        return self.serves_others and (self.certs / "server.pem").exists()

    @property
    def certs(self) -> Path:
        """Where `fleetbus certs` keeps what it makes."""
        return self.data / "certs"

    @property
    def credentials_file(self) -> Path:
        """Who is enrolled at our own broker."""
        return self.data / "credentials.json"

    @property
    def secret_file(self) -> Path:
        """What the coordinator proves itself with to our own broker."""
        return self.data / "coordinator.secret"

    @property
    def plan_file(self) -> Path:
        """The fleet plan: the one named, else the working directory's, else the shipped example."""
        if self.plan is not None:
            return self.plan
        if PLAN_PLACE.is_file():
            return PLAN_PLACE
        return shipped_plan()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic names its arguments
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let flags beat variables, and variables beat the file."""
        file = TomlConfigSettingsSource(settings_cls, toml_file=config_file())
        return init_settings, env_settings, file


def load(flags: Mapping[str, object]) -> CoordinatorSettings:
    """Put the settings together, or raise :class:`BadSettings`; a flag of ``None`` is not given."""
    given: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
    try:
        found = CoordinatorSettings(**given)
        _check_whose_password(found, given)
        return found
    except ValidationError as error:
        problems = [_problem(e["loc"], e["msg"], e["input"], given) for e in error.errors()]
        raise BadSettings(problems) from None
    except tomllib.TOMLDecodeError as error:
        raise BadSettings([f"{config_file()}: not TOML: {error}"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings([f"{config_file()}: cannot be read: {error}"]) from None


def holds_password(url: str) -> bool:
    """Say whether a password stands in *url*, which need not be one."""
    user = url.partition("://")[2].rpartition("@")[0]
    return ":" in user or any(
        pair.startswith("password=") for pair in url.partition("?")[2].split("&")
    )


def _check_whose_password(found: CoordinatorSettings, flags: Mapping[str, object]) -> None:
    """Refuse a password in a settings file that others may read."""
    file = config_file()
    if file is None or os.name != "posix" or not file.stat().st_mode & 0o077:
        return
    for key, url, other in (
        ("broker", found.broker, "name a file for the password alone with password_file"),
        ("store", found.store, "put the password into ~/.pgpass"),
    ):
        is_elsewhere = key in flags or os.environ.get(f"{ENV_PREFIX}{key.upper()}")
        if url is not None and holds_password(url) and not is_elsewhere:
            problem = (
                f"{file}: {key} holds a password and others may read the file: chmod 600 {file}, "
                f"or {other}"
            )
            raise BadSettings([problem])


def config_file() -> Path | None:
    """Find the settings file: the one ``FLEETBUS_CONFIG`` names, else the working directory's."""
    if named := os.environ.get(CONFIG_VARIABLE):
        if not Path(named).is_file():
            raise BadSettings([f"{CONFIG_VARIABLE}: there is no file {named!r}"])
        return Path(named)
    return next((place for place in CONFIG_PLACES if place.is_file()), None)


def shipped_plan() -> Path:
    """Name the example plan that comes with the package, installed or in a checkout."""
    installed = Path(str(resources.files("coordinator"))) / "_example_config" / PLAN_PLACE.name
    if installed.is_file():
        return installed
    return Path(__file__).parent.parent / PLAN_PLACE


def read_secret(file: Path) -> str:
    """Read a secret that only its owner may read, or raise :class:`BadSettings`."""
    try:
        if os.name == "posix" and file.stat().st_mode & 0o077:
            raise BadSettings([f"{file} holds a secret and others may read it: chmod 600 {file}"])
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings([f"{file} must hold a secret and cannot be read: {error}"]) from None


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _reachable(host: str) -> str:
    """Return where *host* is reached from here: a wildcard is every address, the loopback too."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - nothing binds here


def _problem(
    loc: tuple[int | str, ...], message: str, value: object, flags: Mapping[str, object]
) -> str:
    name = str(loc[0])
    message = message.removeprefix("Value error, ")
    if name not in CoordinatorSettings.model_fields:
        near = difflib.get_close_matches(name, CoordinatorSettings.model_fields, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "see config/fleetbus.toml for all keys"
        return f"{config_file()}: unknown key {name!r}; {hint}"
    where = f"{config_file()}: {name}"
    if name in flags:
        where = "--" + name.replace("_", "-")
    elif (variable := ENV_PREFIX + name.upper()) in os.environ:
        where = variable
    # A broker's URL may hold a password.
    found = "" if name == "broker" else f", not {value!r}"
    return f"{where}: {message[:1].lower()}{message[1:]}{found}"
