"""``python -m coordinator.plan.preview``: one preview in a process of its own.

It reads ``{"plan", "snapshot", "days"}`` from its standard input and writes the preview to its
standard output; so a coordinator can ask for one and go on with its own work.
"""

import sys

import orjson

from coordinator.plan.compile import compile_plan
from coordinator.plan.load import examine_document
from coordinator.plan.preview.simulation import PreviewTooLong, preview
from coordinator.plan.preview.snapshot import Snapshot


def main() -> int:
    """Answer one question; return the exit status."""
    asked = orjson.loads(sys.stdin.buffer.read())
    plan = examine_document(asked["plan"]).plan
    if plan is None:
        print("the plan cannot be used", file=sys.stderr)  # noqa: T201 -- its way to say so
        return 2
    snapshot = Snapshot.from_document(asked["snapshot"])
    try:
        found = preview(compile_plan(plan), snapshot, days=asked["days"])
    except PreviewTooLong as error:
        print(error, file=sys.stderr)  # noqa: T201 -- as above
        return 3
    sys.stdout.buffer.write(orjson.dumps(found.shortened(asked["most"]).document()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
