"""The word that stands for every mode without a handler of its own."""

from typing import Final

ANY_MODE: Final = "*"
