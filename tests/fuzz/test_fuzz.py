"""The kept corpus breaks nothing, nor what the fuzzer makes of it in a moment."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.corpus import inputs
from tests.fuzz.targets import TARGETS

RUNS = 3_000


@pytest.mark.parametrize("target", TARGETS)
def test_the_kept_corpus_breaks_no_promise(target: str) -> None:
    corpus = inputs(target)
    assert len(corpus) > 20
    for data in corpus:
        TARGETS[target](data)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="platform: atheris has no wheel for it"
)
def test_what_the_fuzzer_makes_of_it_breaks_none_either(target: str, tmp_path: Path) -> None:
    for number, data in enumerate(inputs(target)):
        (tmp_path / str(number)).write_bytes(data)
    harness = [sys.executable, "-m", "tests.fuzz.harness", target, str(tmp_path)]
    # Otherwise it reads its folder again each second, and repeats by the clock what it finds.
    no_more = "-reload=0"
    bounds = [f"-runs={RUNS}", "-seed=1", "-max_len=1024", no_more, f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run(
        [*harness, *bounds],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr[-3000:]
    ran = re.search(r"Done (\d+) runs", done.stderr)
    assert ran is not None, done.stderr[-3000:]
    assert int(ran[1]) >= RUNS
