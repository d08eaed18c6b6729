# Every target works on a machine that has only make and Python >= 3.11: .venv is made from the lock when it is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCKED := $(VENV)/.locked
STAMP := $(VENV)/.made
UV_VERSION := 0.13.8
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help venv verify test soak bench bench-peers lint format lock clean

help:
	@echo 'make verify   prove every theorem              (about half a minute)'
	@echo 'make test     the test suite                  (PYTEST_ARGS=... for more arguments, JOBS=1 for one process)'
	@echo 'make soak     everything, the long way: 10000 examples a property and the tests marked soak, the full recheck too'
	@echo '               (libraries under review are judged where they are: $(BIN)/pip install kombu token-bucket ns.py aiolimiter cachetools limits ratelimit throttled-py)'
	@echo 'make bench    the benchmarks'
	@echo 'make bench-peers   the problems on which headgate is measured beside other tools'
	@echo 'make lint     ruff, ruff format, mypy'
	@echo 'make format   let ruff mend what it can'
	@echo 'make lock     write requirements.lock anew    (UPGRADE=--upgrade for newer versions)'
	@echo 'make clean    remove .venv, caches and builds'

# .venv is made anew when the lock changes (`--clear` leaves nothing of the older one behind); when only the packaging
# changes, headgate alone is installed again. -qq: what a machine's own pip settings warn about is not ours to print.
$(LOCKED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("headgate needs Python 3.11 or newer, and $(PYTHON) is " + sys.version if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(STAMP): $(LOCKED) pyproject.toml
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

venv: $(STAMP)

verify: $(STAMP)
	$(BIN)/headgate verify

test: $(STAMP)
	$(BIN)/python -m pytest -n $(JOBS) $(PYTEST_ARGS)

soak: $(STAMP)
	HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest -n $(JOBS) -m "" $(PYTEST_ARGS)

bench: $(STAMP)
	$(BIN)/python -m headgate.benchmarks

bench-peers: $(STAMP)
	$(BIN)/python -m headgate.benchmarks.peers

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# One lock for every supported machine and Python. uv resolves; pip, which every Python has, installs. uv has a small
# environment of its own, so that nobody needs it who does not write the lock.
lock:
	test -x .lock-venv/bin/uv || { $(PYTHON) -m venv .lock-venv && .lock-venv/bin/python -m pip install -qq uv==$(UV_VERSION); }
	.lock-venv/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --fork-strategy fewest --all-extras \
	    --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
	    --custom-compile-command 'make lock' $(UPGRADE) --output-file requirements.lock
	@! grep -n "://" requirements.lock  # an address in it would tie the lock to one place

clean:
	rm -rf $(VENV) .lock-venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist headgate.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
