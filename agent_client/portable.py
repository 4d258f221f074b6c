"""Text that every reader on the bus can take."""


def portable(text: str) -> str:
    """Replace what JSON readers or databases choke on."""
    replaced = str(text).encode("utf-8", "replace").decode()
    return replaced.replace("\x00", "\N{REPLACEMENT CHARACTER}")
