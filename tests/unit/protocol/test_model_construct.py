"""Messages that are made without being checked are those that pydantic would make."""

import pytest
from pydantic import BaseModel

import protocol.messages
from protocol.messages import Summary
from protocol.messages.base import Message

MODELS = sorted(
    (
        model
        for model in vars(protocol.messages).values()
        if isinstance(model, type) and issubclass(model, Message)
    ),
    key=lambda model: model.__name__,
)


@pytest.mark.parametrize("model", MODELS)
def test_what_is_made_is_what_pydantic_makes(model: type[Message]) -> None:
    required = {name: "x" for name, field in model.model_fields.items() if field.is_required()}
    for values in (required, dict(reversed(required.items()))):
        made = model.model_construct(None, **values)
        plain = BaseModel.model_construct.__func__(model, **values)  # type: ignore[attr-defined]
        assert made == plain
        assert made.model_fields_set == plain.model_fields_set
        assert list(vars(made)) == list(model.model_fields)
        assert made.model_dump_json(exclude_none=True, warnings=False) == plain.model_dump_json(
            exclude_none=True, warnings=False
        )


def test_what_is_made_shares_nothing_and_cannot_be_changed() -> None:
    made = [model.model_construct(ts_ms=1) for model in (Summary, Summary)]  # type: ignore[call-arg]
    assert made[0].dropped is not made[1].dropped
    with pytest.raises(ValueError, match="frozen"):
        made[0].ts_ms = 2  # type: ignore[misc]


def test_no_message_has_what_would_have_to_be_made_differently() -> None:
    for model in MODELS:
        assert model.model_config.get("extra") == "ignore"
        assert not model.__private_attributes__
        for name, field in model.model_fields.items():
            assert field.alias is None, f"{model.__name__}.{name}"
            assert not isinstance(field.default, dict | list | set), f"{model.__name__}.{name}"
