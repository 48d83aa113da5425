# The two commands: `make run` and `make test`. Everything else serves those who change the code.
PYTHON ?= python3
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run test test-quick check audit bench lighthouse rooms lock upgrade clean
.DEFAULT_GOAL := run

run: $(READY)
	@exec $(BIN)/lightup up $(UP)

# On two cores at once; a file's tests stay together, and with them what they set up.
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test: $(READY)
	$(PYTEST) $(TESTS)

test-quick: $(READY)
	$(PYTEST) -m "not browser and not stack" $(TESTS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/deptry --no-ansi .
	$(BIN)/python -m pytest tests/structure

# Needs a network; says so where the advisories cannot be reached.
audit: $(READY)
	@$(BIN)/python -m tests.advisories

bench: $(READY)
	@for bench in tests/benchmarks/bench_*.py; do $(BIN)/python -m tests.benchmarks.$$(basename $$bench .py) || exit 1; done

bench-%: $(READY)
	@$(BIN)/python -m tests.benchmarks.bench_$*

lighthouse: $(READY)
	LIGHTHOUSE=1 $(BIN)/python -m pytest tests/browser/test_lighthouse.py

# Draws docs/rooms.svg anew, from the imports.
rooms: $(READY)
	$(BIN)/python -m tests.structure.drawing

# Rewrites both lock files: every version and hash, for all supported Pythons, without the address of an index.
# A site for the public may use any broker, but no built-in servers (the extra `local`).
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml
lock: $(READY)
	$(BIN)/pip install --quiet uv
	$(COMPILE) --extra redis --extra rabbitmq -o requirements.lock
	$(COMPILE) --all-extras -o requirements-dev.lock

# The same with the newest versions that pyproject.toml allows; `lock` keeps those that are locked already.
upgrade: COMPILE += --upgrade
upgrade: lock

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	@if test -x $(BIN)/python; then echo "Bringing the environment in $(VENV) up to date …"; \
	 else echo "Setting up the environment in $(VENV) (once, about 600 MB, a few minutes) …"; $(PYTHON) -m venv $(VENV); fi
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

clean:
	rm -rf $(VENV) dist build .coverage .mypy_cache .ruff_cache
