"""What the fleet's events tell of who is there: doubted, lost, heard again."""

from dataclasses import dataclass, field

from tests.support.bus_client import BusClient


@dataclass
class Story:
    """Follows the events that *client* hears; look before you ask."""

    client: BusClient
    doubted: set[str] = field(default_factory=set)
    """Who is suspect or lost now."""
    suspected: int = 0
    lost: int = 0
    _read: int = 0

    def look(self) -> "Story":
        """Take in what has happened since the last look."""
        heard, self._read = self.client.heard[self._read :], len(self.client.heard)
        for event in heard:
            said = event.document
            match said.get("kind"):
                case "agent_suspect":
                    self.suspected += 1
                    self.doubted.add(said["subject"])
                case "agent_lost":
                    self.lost += 1
                    self.doubted.add(said["subject"])
                case "agent_back" | "agent_restarted":
                    self.doubted.discard(said["subject"])
                case _:
                    pass
        return self
