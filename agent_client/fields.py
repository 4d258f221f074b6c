"""The types of which messages and settings are made."""

from typing import Annotated, Any, TypeAlias

from agent_client.strict import Length, Matches, Range
from protocol.limits import MAX_SAFE_INTEGER

Count = Annotated[int, Range(0, MAX_SAFE_INTEGER)]
Seconds = Annotated[float, Range(0, 1e9)]
Percent = Annotated[float, Range(0, 100)]
Text = Annotated[str, Length(1024)]
LongText = Annotated[str, Length(16_384)]
Label = Annotated[str, Length(128, least=1)]
AgentName = Annotated[str, Matches("[A-Za-z0-9][A-Za-z0-9_-]{0,62}")]
TaskId = Annotated[str, Matches("[A-Za-z0-9][A-Za-z0-9_-]{0,79}")]
BootId = Annotated[str, Matches("[0-9a-f]{32}")]
Word = Annotated[str, Matches("[a-z0-9][a-z0-9_.-]{0,62}")]
"""A mode or a capability."""
Version = Annotated[str, Matches("1[.][0-9]{1,4}")]
JsonObject: TypeAlias = dict[str, Any]
