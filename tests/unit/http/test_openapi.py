"""The committed OpenAPI file is what the application promises."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Final

ROOT: Final = Path(__file__).parents[3]
SEEDS_ROUTES: Final = {
    "/api/orchestrator/agents": {"get", "post"},
    "/api/orchestrator/agents/{name}": {"delete"},
    "/api/orchestrator/agents/{name}/heartbeat": {"post"},
    "/api/orchestrator/tasks": {"get", "post"},
    "/api/orchestrator/tasks/{id}/status": {"post"},
    "/api/orchestrator/fleet-plan": {"get", "put"},
    "/api/orchestrator/summary": {"get"},
    "/api/orchestrator/health": {"get"},
}


def _writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_openapi", ROOT / "tools/write_openapi.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_openapi_file_is_not_stale() -> None:
    committed = (ROOT / "docs" / "openapi.json").read_bytes()
    assert committed == _writer().rendered(), "run: python tools/write_openapi.py"


def test_the_seeds_routes_are_there_with_exactly_their_paths() -> None:
    paths = json.loads((ROOT / "docs" / "openapi.json").read_bytes())["paths"]
    for path, methods in SEEDS_ROUTES.items():
        assert methods <= paths[path].keys(), path
