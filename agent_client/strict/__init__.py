"""JSON values into dataclasses, by their annotations; what is not so is a :class:`Mismatch`.

It reads the few messages that an agent hears and the arguments of handlers. The models in
:mod:`protocol.messages` say the same with pydantic, which alone would double an agent's memory;
a property test keeps the two in agreement.
"""

from agent_client.strict.reader import Reader, Unreadable, reader_of
from agent_client.strict.rules import Length, Matches, Mismatch, Range

__all__ = ["Length", "Matches", "Mismatch", "Range", "Reader", "Unreadable", "reader_of"]
