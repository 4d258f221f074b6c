"""The secret by which the coordinator proves itself to the embedded broker on the same machine."""

import os
import secrets
from pathlib import Path


def coordinator_secret(file: Path) -> str:
    """Return the secret in *file*, which is made, for its owner's eyes only, if it is not there."""
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(f".{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as out:
        out.write(secrets.token_urlsafe(32))
    try:
        os.link(fresh, file)  # whoever comes first wins, and nobody sees half a secret
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return file.read_text(encoding="ascii").strip()
