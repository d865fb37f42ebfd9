# `make` alone lists what there is. Nothing but make and Python 3.11 or newer is needed; all else goes into .venv.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
INSTALL := $(PIP) install --no-compile --require-hashes --no-deps
ROOMS_AT_95 := link upkeep gateway
COMPILED := build/compiled
TESTS_OF_COMPILED ?= tests/core tests/asgi tests/link tests/upkeep tests/gateway tests/web tests/embed \
	tests/integrations tests/observe/log tests/mission_critical tests/incidents tests/live/test_bad_http.py \
	tests/live/test_bad_input.py tests/live/test_hostile_tokens.py
QUICK_TESTS := tests/core

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo tour watch test faults quick lint types format docs lock check-lock bench bench-tokens bench-logs resilience mutants diagnosis pictures recordings wheel compiled compiled-test clean

help: ## List what there is
	@if [ -t 1 ] && [ -z "$$NO_COLOR" ]; then bold='\033[1;36m'; plain='\033[0m'; fi; \
	awk -F ':.*## ' -v b="$$bold" -v p="$$plain" \
		'/^[a-z-]+:.*## / { printf "  %smake %-13s%s %s\n", b, $$1, p, $$2 }' $(firstword $(MAKEFILE_LIST))

# --- try it ---------------------------------------------------------------------------------------------------------

# The shell outlives Ctrl-C, so that make has no failed command to complain about.
demo: $(VENV)/.run ## Run gateway, auth service and one user; Ctrl-C ends it (ARGS="--port 9000")
	@trap : INT; $(BIN)/netra demo $(ARGS) || [ $$? -eq 130 ]

tour: $(VENV)/.run ## Show in twenty seconds what users and operators get when things break
	@trap : INT; $(BIN)/netra demo --tour $(ARGS) || [ $$? -eq 130 ]

watch: $(VENV)/.run ## Break the demo before a real Prometheus, and print the alert as it comes (ARGS="frozen")
	@trap : INT; $(BIN)/netra demo --watch $(ARGS) || [ $$? -eq 130 ]

# --- check it -------------------------------------------------------------------------------------------------------

test: $(VENV)/.dev ## Run all tests and hold the coverage gates (ARGS="-n 2" for two at a time)
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m pytest -q --cov --cov-report= $(ARGS)
	@echo "Coverage of core: all of it, branches too."
	@$(BIN)/coverage report --include='src/netra/core/*' --fail-under=100
	@for room in $(ROOMS_AT_95); do \
		echo "Coverage of $$room: at least 95 %."; \
		$(BIN)/coverage report --include="src/netra/$$room/*" --fail-under=95 || exit 1; \
	done

faults: $(VENV)/.dev ## Show every row of docs/faults.md over real sockets (ARGS="-k port-closed" for one)
	@$(BIN)/python -m tests.faults $(ARGS)

diagnosis: $(VENV)/.dev ## Break a deployment in every way of docs/diagnosis/matrix.md, and see what the doctor names first
	@$(BIN)/python -m tests.diagnosis $(ARGS)

pictures: $(VENV)/.dev ## Take the pictures of docs/console.md anew, of a demo in use (fifteen minutes; needs Chromium)
	@$(BIN)/python -m tests.browser.pictures $(ARGS)

quick: lint ## Lint, types and the tests of core, in under twenty seconds
	@mkdir -p build; $(BIN)/mypy >build/types.txt 2>&1 & types=$$!; \
	$(BIN)/python -m pytest -q $(QUICK_TESTS) $(ARGS); tests=$$?; \
	wait $$types; types=$$?; cat build/types.txt; exit $$((tests + types))

lint: $(VENV)/.dev ## Check style and formatting
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet . \
		|| { echo "Some of it mends itself: make format"; exit 1; }

types: $(VENV)/.dev ## Check types
	@$(BIN)/mypy

format: $(VENV)/.dev ## Mend style and formatting where a machine can
	@$(BIN)/ruff check --quiet --fix-only . && $(BIN)/ruff format .

wheel: $(VENV)/.dev ## Build the wheel and try it in an environment of its own
	@rm -rf build/venv dist
	@echo "Building the wheel."
	@$(BIN)/python -m hatchling build -t wheel -d dist >/dev/null
	@echo "Installing it with what the gateway alone needs."
	@$(BIN)/python -m venv build/venv
	@build/venv/bin/python -m pip --quiet --disable-pip-version-check install --no-compile --require-hashes --no-deps \
		-r requirements/gateway.txt
	@build/venv/bin/python -m pip --quiet --disable-pip-version-check install --no-index --no-deps dist/*.whl
	@build/venv/bin/python -m pip --disable-pip-version-check check
	@$(BIN)/python .ci/try_wheel.py dist build/venv
	@rm -rf build/venv
	@ls dist/*.whl

compiled: $(COMPILED) ## Compile the path of a login and of a token check, as wheels for one platform are (needs a C compiler)

$(COMPILED): $(shell find src -name '*.py') hatch_build.py pyproject.toml | $(VENV)/.dev
	@command -v cc >/dev/null || { echo "No C compiler here. On Debian and Ubuntu: apt install build-essential python3-dev"; exit 1; }
	@echo "Compiling. This takes some minutes."
	@rm -rf build/wheel $@ && mkdir -p build/wheel
	@HATCH_BUILD_HOOKS_ENABLE=1 $(BIN)/python -m hatchling build -t wheel -d build/wheel >build/wheel/log 2>&1 \
		|| { cat build/wheel/log; echo "Is Python.h missing? On Debian and Ubuntu: apt install python3-dev"; exit 1; }
	@$(PIP) install --no-index --no-deps --target $@ build/wheel/*.whl
	@touch $@

compiled-test: $(COMPILED) ## Run the tests of that path on what was compiled (ARGS="-n 2" for two at a time)
	@PYTHONPATH="$(CURDIR)/$(COMPILED)" $(BIN)/python -c "from netra.gateway import login; exit(login.__file__.endswith('.py'))" \
		|| { echo "What would be tested is not what was compiled: make clean compiled-test"; exit 1; }
	@PYTHONPATH="$(CURDIR)/$(COMPILED)" $(BIN)/python -m pytest -q -m "not interpreted" $(TESTS_OF_COMPILED) $(ARGS)

# --- keep it --------------------------------------------------------------------------------------------------------

docs: $(VENV)/.dev ## Write the generated pages anew: settings, metrics, logs, faults, operations, and deploy/'s rules and dashboard
	@$(BIN)/python -m netra.settings.reference
	@$(BIN)/python -m netra.observe.metrics.reference
	@$(BIN)/python -m netra.observe.log.reference
	@$(BIN)/python -m tests.faults.reference
	@$(BIN)/python -m tests.observe.metrics.runs.page

recordings: $(VENV)/.dev ## Record the runs that alerts are tested on, and their table, anew (ten minutes; needs faketime)
	@$(BIN)/python -m tests.observe.metrics.runs.record $(ARGS)
	@$(BIN)/python -m tests.observe.metrics.runs.page

lock: $(VENV)/.lock ## Resolve the requirements anew within pyproject.toml (ARGS=--upgrade for the newest)
	@UV=$(BIN)/uv requirements/lock requirements $(ARGS)

check-lock: $(VENV)/.lock ## Check that the locks follow from pyproject.toml
	@rm -rf build/lock && mkdir -p build/lock && cp requirements/*.txt build/lock
	@UV=$(BIN)/uv requirements/lock build/lock
	@for lock in requirements/*.txt; do cmp $$lock build/lock/$${lock#requirements/} || { echo "Write it anew: make lock"; exit 1; }; done
	@rm -rf build/lock

bench: $(VENV)/.run ## Measure what a login costs beside nginx (needs nginx and wrk; ARGS="--rounds 3")
	@PATH="$$PATH:/usr/sbin"; for tool in nginx wrk; do \
		command -v $$tool >/dev/null || { echo "No $$tool here. On Debian and Ubuntu: apt install nginx wrk"; exit 1; }; \
	done; $(BIN)/python benchmarks/login_cost.py $(ARGS)

bench-tokens: $(VENV)/.run ## Measure what a token check costs beside nginx, the first time and then (needs nginx and wrk)
	@PATH="$$PATH:/usr/sbin"; $(BIN)/python benchmarks/verify_cost.py $(ARGS)
	@$(BIN)/python benchmarks/cold_check.py
	@$(BIN)/python benchmarks/token_cache.py --at-most-mib 60

bench-logs: $(VENV)/.run ## Measure what the log line and the metrics of a login cost
	@$(BIN)/python benchmarks/observation_cost.py $(ARGS)

resilience: $(VENV)/.bench ## Show how a gateway and its auth service fare under load and outages, with plots (ARGS="outage")
	@$(BIN)/python benchmarks/resilience/run.py $(ARGS)

mutants: $(VENV)/.mutants ## Break the code that decides, and see that the tests notice (ARGS="--max-children 1")
	@nice $(BIN)/python -m tests.core.mutants $(ARGS)

clean: ## Remove .venv, builds and caches
	rm -rf $(VENV) build dist mutants .coverage .coverage.* htmlcov .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment, made once and again when a lock or pyproject.toml changes -------------------------------------

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "No $(PYTHON) here. Name a Python 3.11 or newer: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Netra needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make environments. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) -V)."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt requirements/build.txt pyproject.toml | $(BIN)/python
	@echo "Installing what gateway and auth service need. This happens once and takes about half a minute."
	@$(INSTALL) -r requirements/run.txt -r requirements/build.txt
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@echo "Installing what tests and checks need."
	@$(INSTALL) -r requirements/dev.txt
	@touch $@

$(VENV)/.bench: requirements/bench.txt $(VENV)/.run
	@echo "Installing what experiments and their plots need."
	@$(INSTALL) -r requirements/bench.txt
	@touch $@

$(VENV)/.mutants: requirements/mutants.txt $(VENV)/.dev
	@echo "Installing what makes mutants."
	@$(INSTALL) -r requirements/mutants.txt
	@touch $@

$(VENV)/.lock: requirements/tool.txt | $(BIN)/python
	@$(INSTALL) -r requirements/tool.txt
	@touch $@
