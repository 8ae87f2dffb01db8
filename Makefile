# Every target sets up .venv by itself, exactly as the lock says: with uv where it is there, else with venv and pip.
# Nothing is written outside this folder but the caches of those tools.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8080
EXAMPLES ?= 1500
# crossed: each language at each width, light and dark in turns; all: all eight.
VIEWS ?= crossed
N ?= 10000
# Two more than there are processors: many tests wait for a clock or another process.
WORKERS ?= $(shell expr $$(nproc) + 2)
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)

export UV_PYTHON_DOWNLOADS ?= never
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# uv would otherwise speak of an environment that is active but not ours.
unexport VIRTUAL_ENV
# The tests start many processes: each would compile anew all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help serve demo bundle test test-browser fuzz lint format bench faults lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' Makefile

serve: .venv/.ready-runtime bundle ## run the main job with demo data on http://127.0.0.1:8080
	@exec $(BIN)/duban serve --demo --host $(HOST) --port $(PORT)

bundle: ## bundle the panel's scripts (admin/web), when they changed; needs npm's registry once
	@python=$(BIN)/python; test -x $$python || python=$(PYTHON); $$python hatch_build.py

demo: .venv/.ready-runtime ## bring N issues that look real into the store of DUBAN_DATA or DUBAN_DATABASE
	$(BIN)/python -m server.cli.populating $(N)

test: .venv/.ready-dev bundle ## run the tests; ARGS="-k name" to choose
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-browser: .venv/.ready-dev bundle ## look at every page, and walk every path, in both languages, wide and narrow, light and dark; VIEWS=all walks in all eight; pictures in .cache/screenshots
	DUBAN_TEST_VIEWS=$(VIEWS) $(BIN)/python -m pytest -n 2 --dist load -m walk -o python_files='test_*.py every_page.py' tests/browser $(ARGS)

fuzz: .venv/.ready-dev ## try the interface with many generated requests on each database, for one to three hours; EXAMPLES=1500 for each route
	DUBAN_FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -n 0 --timeout=7200 tests/api/test_generated_requests.py tests/api/test_nasty.py $(ARGS)

lint: .venv/.ready-dev ## style, types, and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --cache-dir .cache/import-linter

format: .venv/.ready-dev ## put the code into its usual form
	$(BIN)/ruff check --fix-only --exit-zero .
	$(BIN)/ruff format .

bench: .venv/.ready-bench ## measure, and say for every target whether it is met; ARGS=name for one (million, beyond: only so)
	$(BIN)/python -m tests.bench $(ARGS)

faults: .venv/.ready-dev ## kill the server again and again, DURATION=15m on each database; ARGS=sqlite for one
	DURATION=$(DURATION) $(BIN)/python -m tests.faults $(ARGS)

lock: ## renew the lock after a change of the dependencies in pyproject.toml (needs uv)
	uv lock
	uv export -q --frozen --no-emit-project --no-annotate --no-header --no-dev -o locks/runtime.txt
	uv export -q --frozen --no-emit-project --no-annotate --no-header -o locks/dev.txt
	uv export -q --frozen --no-emit-project --no-annotate --no-header --group bench -o locks/bench.txt

clean: ## remove what the targets made, but never the data folder
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

.venv/.ready-runtime: SYNC = --no-dev
.venv/.ready-dev: SYNC =
.venv/.ready-bench: SYNC = --group bench

.venv/.ready-%: pyproject.toml uv.lock locks/%.txt
ifneq ($(UV),)
	$(UV) sync --quiet --frozen --inexact --compile-bytecode $(SYNC)
else
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (make PYTHON=...)" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	$(BIN)/python -m pip install -q --require-hashes -r locks/$*.txt
	$(BIN)/python -m pip install -q --no-deps -e .
endif
	@touch $@
