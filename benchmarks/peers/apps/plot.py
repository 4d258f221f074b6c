"""Draw the medians of ``peers.json`` as bars: ``python plot.py peers.json peers.svg``."""

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

OURS = "#0072B2"
OTHERS = "#999999"
SHOWN = {
    "tasks_per_s": "tasks/s, end to end",
    "idle_p50_ms": "idle dispatch p50, ms",
    "row_p50_ms": "dispatch in a row p50, ms",
}


def main(source: Path, target: Path) -> None:
    """Draw a panel of bars for each figure that is shown."""
    medians = json.loads(source.read_text())["medians"]
    figure, panels = plt.subplots(1, len(SHOWN), figsize=(15, 4))
    for panel, (key, title) in zip(panels, SHOWN.items(), strict=True):
        bars = sorted((of_one.get(key, 0), name) for name, of_one in medians.items())
        colours = [OURS if name.startswith("fleetbus") else OTHERS for _, name in bars]
        panel.barh([name for _, name in bars], [value for value, _ in bars], color=colours)
        panel.set_title(title)
    figure.tight_layout()
    figure.savefig(target)


main(Path(sys.argv[1]), Path(sys.argv[2]))
