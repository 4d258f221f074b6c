"""Handlers whose arguments have types: what fits is handed over, what does not is rejected."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal

import pydantic
import pydantic.dataclasses
import pytest

from agent_client import BadSetting, Rejected
from agent_client.binding import bind


class Weather(StrEnum):
    FAIR = "fair"
    FOUL = "foul"


@dataclass(frozen=True)
class Place:
    name: str
    height_m: float = 0.0


@dataclass(frozen=True)
class Quest:
    """What a quest needs."""

    place: Place
    steps: int = 3
    weather: Weather = Weather.FAIR
    speed: Literal["slow", "fast"] = "slow"
    tags: list[str] = field(default_factory=list)
    rewards: dict[str, int] = field(default_factory=dict)
    other: Place | None = None

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError("steps must be at least 1")


class Potion(pydantic.BaseModel):
    name: str
    litres: Annotated[float, pydantic.Field(gt=0)]


@pydantic.dataclasses.dataclass
class Sword:
    length_cm: int


class Given:
    """A task as far as reading its arguments goes."""

    def __init__(self, args: dict[str, Any]) -> None:
        self.args = args


def read(handler: Callable[..., Any], args: dict[str, Any]) -> Any:
    return bind(handler)(Given(args))


def quest(task: Any, args: Quest) -> Quest:
    return args


def brew(task: Any, args: Potion) -> Potion:
    return args


async def strike(task: Any, args: Sword) -> Sword:
    return args


def test_a_dataclass_is_filled_with_everything_that_is_in_it() -> None:
    told = {
        "place": {"name": "Anchorhead", "height_m": 7},
        "weather": "foul",
        "speed": "fast",
        "tags": ["a"],
        "rewards": {"gold": 3},
        "other": None,
    }
    assert read(quest, told) == Quest(
        Place("Anchorhead", 7.0), 3, Weather.FOUL, "fast", ["a"], {"gold": 3}
    )


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ({}, "args.place: is missing"),
        ({"place": "x"}, "args.place: an object, not 'x'"),
        ({"place": {"name": 1}}, "args.place.name: a text, not '1'"),
        ({"place": {"name": "x", "height_m": "7"}}, "args.place.height_m: a number, not '7'"),
        ({"place": {"name": "x"}, "steps": 1.0}, "args.steps: a whole number, not '1.0'"),
        ({"place": {"name": "x"}, "steps": True}, "args.steps: a whole number, not 'True'"),
        ({"place": {"name": "x"}, "steps": 0}, "args: steps must be at least 1"),
        ({"place": {"name": "x"}, "weather": "wet"}, "args.weather: one of fair, foul, not 'wet'"),
        ({"place": {"name": "x"}, "speed": "warp"}, "args.speed: one of slow, fast, not 'warp'"),
        ({"place": {"name": "x"}, "tags": ["a", 2]}, "args.tags.1: a text, not '2'"),
        ({"place": {"name": "x"}, "rewards": {"gold": "3"}}, "args.rewards.gold: a whole number"),
        ({"place": {"name": "x"}, "other": {"name": 3}}, "args.other.name: a text, not '3'"),
        ({"place": {"name": "x"}, "stpes": 3}, "args.stpes: one of the known names (place, steps"),
    ],
)
def test_what_does_not_fit_is_rejected_with_its_path(told: dict[str, Any], fault: str) -> None:
    with pytest.raises(Rejected) as refused:
        read(quest, told)
    assert refused.value.code == "bad_args"
    assert not refused.value.retryable
    assert refused.value.message.startswith(fault)


def test_a_pydantic_model_reads_as_the_model_says() -> None:
    assert read(brew, {"name": "mead", "litres": 2}).litres == 2.0
    with pytest.raises(Rejected, match=r"args\.litres: Input should be greater than 0, not '0'"):
        read(brew, {"name": "mead", "litres": 0})


def test_a_coroutine_gets_its_arguments_as_well() -> None:
    assert asyncio.run(read(strike, {"length_cm": 90})) == Sword(90)
    with pytest.raises(Rejected, match=r"args\.length_cm"):
        asyncio.run(read(strike, {"length_cm": "long"}))


def test_without_an_annotation_the_arguments_come_as_they_are() -> None:
    assert read(lambda _task, args: args, {"a": [1]}) == {"a": [1]}
    assert read(lambda task, more="unasked": more, {"a": 1}) == "unasked"


@pytest.mark.parametrize("kind", [set[int], Callable[[], None], "NotThere", complex])
def test_a_type_that_nothing_is_read_into_is_said_when_the_handler_is_added(kind: Any) -> None:
    def handler(task: Any, args: Any) -> None: ...

    handler.__annotations__["args"] = kind
    with pytest.raises(BadSetting, match="a dataclass, a pydantic model, or dict"):
        bind(handler)


def test_a_handler_of_three_things_is_refused() -> None:
    with pytest.raises(BadSetting, match="of its arguments at most"):
        bind(lambda _task, _args, _more: None)


def test_a_bot_with_dataclasses_never_loads_pydantic_nor_ssl() -> None:
    code = (
        "import sys, agent_client.starting, agent_client.isolation.handler\n"
        "from tests.unit.agent_client import light_bot\n"
        "heavy = {'pydantic', 'ssl', 'http.client', 'email', 'asyncio', 'importlib.metadata'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
