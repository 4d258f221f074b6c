"""Where a store's schema stands is known without Alembic, which is slow to load."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from coordinator.shell.store import engine
from coordinator.shell.store.store import Store


def test_the_known_schemas_are_those_of_alembic_in_its_order() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(engine.__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config).walk_revisions()
    assert engine.known_revisions() == [script.revision for script in scripts][::-1]


def test_a_store_that_is_up_to_date_is_opened_without_alembic(tmp_path: Path) -> None:
    with closing(Store.in_directory(tmp_path)) as store:
        store.begin_term(0)
    code = f"""
import sys
from pathlib import Path
sys.modules["alembic"] = None
from coordinator.shell.store.store import Store
store = Store.in_directory(Path({str(tmp_path)!r}))
print(store.begin_term(0).term)
store.close()
"""
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout == "2\n"
