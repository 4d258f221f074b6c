"""``python -m tests.fuzz.harness TARGET [libFuzzer's arguments]``: one target under atheris."""

import logging
import os
import sys

import atheris  # type: ignore[import-untyped]  # no type marker

with atheris.instrument_imports(include=["broker", "amqtt.mqtt", "amqtt.codecs_amqtt"]):
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    logging.disable()
    target = TARGETS[sys.argv.pop(1)]
    # What libFuzzer runs when it needs another process of this kind.
    sys.argv[0] = os.environ.get("FUZZ_AGAIN", sys.argv[0])
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
