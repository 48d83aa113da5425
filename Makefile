# The two commands: `make run` and `make test`. Everything else serves those who change the code.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run test check bench lighthouse rooms lock clean
.DEFAULT_GOAL := run

run: $(READY)
	@exec $(BIN)/lightup up $(UP)

# On two cores at once; a file's tests stay together, and with them what they set up.
test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(TESTS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/structure

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
lock: $(READY)
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --extra dev pyproject.toml -o requirements-dev.lock

$(READY): requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache
