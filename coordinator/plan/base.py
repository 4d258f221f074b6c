"""What every part of a plan is: frozen, strict, and with no key that it does not know."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """An object of the plan. It refuses unknown keys and never guesses at types."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        populate_by_name=False,
    )
