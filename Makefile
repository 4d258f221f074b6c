# Each target sets up what it needs on a machine that has Python 3.11, gcc and make.
# Pass options through with ARGS, for example: make demo ARGS=--help

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS   += --no-builtin-rules

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
ARGS   ?=

# Tests start hundreds of processes: without bytecode each would compile all modules anew.
export PYTHONDONTWRITEBYTECODE :=

PYTEST       := $(BIN)/python -m pytest -p tools.no_skipped_tests -p tools.lanes -p tools.second_try -n auto --dist loadgroup
SIDE_BY_SIDE := $(MAKE) --no-print-directory --jobs=3 --output-sync=target

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The control room's pages: built with Node into the Python package, which needs no Node to serve them.
PAGES        := coordinator/http/static/index.html
MODULES      := dashboard/node_modules/.ready
PAGE_SOURCES := $(shell find dashboard -path dashboard/node_modules -prune -o -type f -print)

.PHONY: up
up: $(READY) pages ## Start a broker and a coordinator on this machine, with the example fleet plan
	$(BIN)/fleetbus up $(ARGS)

# The code's own checks give way to the tests, which mostly wait.
.PHONY: test
test: ## Check the code and run every test (ARGS goes to pytest)
	@+$(SIDE_BY_SIDE) $(READY) test-services
	@+$(SIDE_BY_SIDE) dashboard compiled-tests
	@+{ nice $(SIDE_BY_SIDE) lint dashboard-check >build/checks.txt 2>&1 \
		|| { echo "The code's own checks have failed: build/checks.txt, and once more at the end"; exit 1; }; } & \
	checks=$$!; status=0; \
	$(PYTEST) tests $(ARGS) || status=$$?; \
	wait $$checks || { cat build/checks.txt; status=1; }; \
	exit $$status

# By one process, before every worker does it for itself.
.PHONY: compiled-tests
compiled-tests: $(READY)
	@mkdir -p build
	@$(BIN)/python -m pytest --collect-only -qq tests > build/collected.txt || { cat build/collected.txt; exit 1; }

.PHONY: lint
lint: $(READY) ## Check style, types and which package may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: dashboard
dashboard: $(PAGES) ## Build the control room's pages (needs Node 20.19 or newer, and npm)

.PHONY: dashboard-check
dashboard-check: $(MODULES) ## Check the pages' style and types, and run their unit tests
	npm --prefix dashboard run --silent check
	npm --prefix dashboard run --silent test

# `make up` works without Node: then there is the API, and instead of pages a word about them.
.PHONY: pages
pages:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory dashboard; \
	elif [[ -e $(PAGES) ]]; then echo "Node is not here: the control room's pages are those built before."; \
	else echo "Node is not here: the control room will have no pages, only its API (with Node 20.19: make dashboard)."; fi

$(PAGES): $(MODULES) $(PAGE_SOURCES)
	npm --prefix dashboard run --silent build -- --logLevel warn
	@touch $@

$(MODULES): dashboard/package.json dashboard/package-lock.json
	npm --prefix dashboard ci --prefer-offline --no-audit --no-fund --loglevel error
	@touch $@

.PHONY: demo
demo: $(READY) ## Watch a small fleet at work
	$(BIN)/python examples/demo.py $(ARGS)

.PHONY: bench
bench: bench-ours bench-peers ## Both of these, in one session (ARGS="--rounds 3")

.PHONY: bench-ours
bench-ours: $(READY) ## Measure throughput, latency, submission and memory on each broker
	$(BIN)/python -m benchmarks $(ARGS)

# Also a test: tests/unit/release/test_bench_quick.py.
.PHONY: bench-quick
bench-quick: $(READY) ## Count the work of a heartbeat, a task and a message; fail if it grew (ARGS=--write)
	@$(BIN)/python -m benchmarks.quick $(ARGS)

.PHONY: bench-peers
bench-peers: $(READY) ## Measure beside Huey, Taskiq, Celery, Dramatiq and Dask, in one session
	$(BIN)/python -m benchmarks.peers $(ARGS)

.PHONY: docs
docs: $(READY) ## Write the reference pages anew and build the documentation into build/site
	$(BIN)/python tools/write_reference.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "The documentation: build/site/index.html"

.PHONY: fuzz
fuzz: $(READY) ## Let a fuzzer attack the broker's framing, matching and conversations for a minute each
	$(BIN)/python -m tests.fuzz $(ARGS)

.PHONY: interop
interop: $(READY) ## Try our broker with the Eclipse Paho interoperability suite (needs git and the network)
	$(BIN)/python -m tools.interop $(ARGS)

# The time of the last commit is the time of everything inside: the same commit gives the same bytes.
.PHONY: package
package: $(READY) dashboard ## Build sdist and wheel, with the control room's pages inside, into dist/
	SOURCE_DATE_EPOCH="$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)}" $(BIN)/python -m hatchling build
	@cd dist && sha256sum *

.PHONY: package-compiled
package-compiled: $(READY) dashboard ## Build a wheel with a compiled coordinator, for this Python and platform, into dist/
	HATCH_BUILD_HOOK_ENABLE_CUSTOM=true $(BIN)/python -m hatchling build -t wheel

# What decides, asked once more of the code that `make package-compiled` makes.
.PHONY: test-compiled
test-compiled: $(READY) ## Run the tests of the core against a compiled coordinator
	code=$$($(BIN)/python -m tools.compiled_code) && \
	PYTHONPATH="$$code" $(PYTEST) -o "pythonpath=$$code ." -m "not interpreted" \
		tests/unit/core* tests/unit/rules tests/unit/plan tests/unit/shell tests/unit/store tests/property $(ARGS)

# Not among the developers' packages: it brings twenty of its own, and only a release needs it.
CYCLONEDX := cyclonedx-bom==7.5.0

.PHONY: sbom
sbom: $(READY) licences ## Write the bills of materials (CycloneDX) of package and pages into dist/
	@[[ -x build/sbom/bin/cyclonedx-py ]] || { $(PYTHON) -m venv build/sbom \
		&& build/sbom/bin/python -m pip install --quiet --disable-pip-version-check $(CYCLONEDX); }
	$(BIN)/python -m tools.write_sbom build/sbom/bin/cyclonedx-py
	npm --prefix dashboard sbom --package-lock-only --omit dev --sbom-format cyclonedx > dist/dashboard.cdx.json

.PHONY: licences
licences: $(READY) ## Write docs/licences.md: whose work runs in a fleet, under which licence
	$(BIN)/python -m tools.write_licences

.PHONY: lock
lock: $(READY) ## Make requirements-dev.lock anew, with the newest versions that pyproject.toml allows
	$(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --upgrade \
		--extra server --extra postgres --group dev --generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command 'make lock' --output-file requirements-dev.lock pyproject.toml

.PHONY: test-services
test-services: ## Install the Debian packages that the tests run against, when they are missing
	@tools/install-test-services.sh

.PHONY: clean
clean: ## Remove the virtual environment, caches and built files
	rm -rf $(VENV) build dist dashboard/node_modules coordinator/http/static .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One environment for everything: exactly what the lock names, then this checkout itself.
$(READY): requirements-dev.lock pyproject.toml
	@echo "Setting up $(VENV) from requirements-dev.lock"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "fleetbus needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' \
		|| { echo "$(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
