"""The version of this library, as it tells the fleet; a test compares it with the package's own.

Asking the installed package for it would load the e-mail parser into every bot.
"""

from typing import Final

VERSION: Final = "0.1.0"
