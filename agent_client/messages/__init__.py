"""What an agent says and hears, as plain dataclasses with the fields of :mod:`protocol.messages`.

The models there are the reference; these are what an agent of 30 MiB can afford. Of what it hears
every field is checked, of what it says none: that is made of checked settings and decisions.
"""

from agent_client.messages.heard import (
    Assignment,
    CoordinatorPresence,
    Desired,
    Granted,
    Lease,
    Registry,
    RollCall,
)
from agent_client.messages.said import (
    Holding,
    Presence,
    ReportDetail,
    Seen,
)

__all__ = [
    "Assignment",
    "CoordinatorPresence",
    "Desired",
    "Granted",
    "Holding",
    "Lease",
    "Presence",
    "Registry",
    "ReportDetail",
    "RollCall",
    "Seen",
]
