# The only door: `make demo` and `make test` set up everything they need on a fresh Debian 12+ / Ubuntu 24.04+.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STATE ?= state
# Twice the cores: a third of the tests' time is waiting, for lines with true timing and for processes of their own.
WORKERS ?= $(shell echo $$((2 * $$(nproc))))
# What was compiled is kept: the tests start some hundred Pythons, and each would compile everything anew.
export PYTHONDONTWRITEBYTECODE :=
DURATION ?=

RUN_PACKAGES := softhsm2 stunnel4 libengine-pkcs11-openssl openssl nginx-light
# Ubuntu has Chromium as a snap only, which no test can drive; there the tests in a browser are skipped.
BROWSER_PACKAGES := $(shell . /etc/os-release 2>/dev/null; [ "$$ID" = debian ] && echo chromium chromium-driver)
TEST_PACKAGES := $(RUN_PACKAGES) curl postgresql iproute2 nftables nmap $(BROWSER_PACKAGES)

.PHONY: help demo test check bench fuzz clean format

help: ## what can be done here
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: $(VENV)/installed-testbed ## the whole system on this machine, until Ctrl-C or for DURATION=90 seconds
	@tools/system-packages $(RUN_PACKAGES)
	@$(BIN)/smgw-testbed up --state $(STATE) $(if $(DURATION),--duration $(DURATION))

test: $(VENV)/compiled ## every test, on all cores
	@tools/system-packages $(TEST_PACKAGES)
	@$(BIN)/pytest -n $(WORKERS) $(ARGS)

check: $(VENV)/installed-dev ## style, types, import contracts, file sizes
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest tests/test_architecture.py

bench: $(VENV)/installed-dev ## every figure as a ratio within one run; JSON in bench.json
	@tools/system-packages $(TEST_PACKAGES)
	@$(BIN)/python -m testbed.bench --json bench.json $(ARGS)

fuzz: $(VENV)/installed-dev ## the property tests with many more examples, the power cut at every moment
	@HYPOTHESIS_PROFILE=fuzz $(BIN)/pytest -n auto --only-properties --exhaustive $(ARGS)

format: $(VENV)/installed-dev ## write the style instead of checking it
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

# Once for all workers, half by half: each would compile every test as it begins, all at the same time.
$(VENV)/compiled: $(VENV)/installed-dev
	@$(BIN)/pytest --collect-only tests/smgw >$@.half & $(BIN)/pytest --collect-only --ignore tests/smgw >$@; wait; rm $@.half

clean: ## everything that the other targets made
	rm -rf $(VENV) $(STATE) bench.json build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11; set PYTHON=" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || tools/system-packages python3-venv
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed-%: setup.cfg pyproject.toml constraints.txt | $(BIN)/pip
	@echo "installing the Python packages ($*)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[$*]'
	@touch $@
