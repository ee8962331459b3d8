# ame-warehouse: `make run` and `make test` work on a fresh clone; `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy $(BIN)/uv pip install --quiet --python $(BIN)/python
LOCK := uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	--python-version 3.11 --custom-compile-command "make lock"

.PHONY: help install install-dev run test test-fast lint up status gaps incidents atlas vendor bench docs lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(BIN)/uv: requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; found " + sys.version.split()[0] + ". Set PYTHON=/path/to/python3.11" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@touch $@

$(VENV)/.installed-run: $(BIN)/uv requirements.lock pyproject.toml
	@echo "Installing ame-warehouse into $(VENV) (about 600 MB, once) …"
	@$(UV) --require-hashes -r requirements.lock
	@$(UV) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed-run requirements-dev.lock
	@echo "Installing the test tools into $(VENV) …"
	@$(UV) --require-hashes -r requirements-dev.lock
	@touch $@

.PHONY: browser
browser:
	@command -v chromium >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
		echo "Installing chromium for the tests of the atlas …" && apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } || \
		echo "chromium is not installed: the tests of the atlas in a browser are skipped. Install the package chromium."

install: $(VENV)/.installed-run ## install what `make run` needs into .venv

install-dev: $(VENV)/.installed-dev ## install what `make test` needs too

run: install ## run the whole pipeline on the bundled sample and show the result
	@$(BIN)/ame run

test: install-dev browser ## every check: lint, types, SQL style, unit, dbt, pipeline, scheduler
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-fast: install-dev ## the tests that need neither dbt nor Airflow
	@$(BIN)/python -m pytest tests/unit tests/contract

lint: install-dev ## ruff, mypy (strict), sqlfluff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/sqlfluff lint --processes 2 dbt_project/models dbt_project/tests

up: install ## Airflow UI and scheduler on this machine (loopback), all DAGs loaded
	@$(BIN)/ame up

status: install ## what is published, and as of when
	@$(BIN)/ame status

gaps: install ## the missing ("i.u.") years
	@$(BIN)/ame gaps

incidents: install ## open incidents
	@$(BIN)/ame incidents

atlas: install ## make the atlas of what is published and show it on this machine
	@$(BIN)/ame atlas --serve

vendor: ## bundle the libraries of the atlas again (needs node; nobody else does)
	@cd scripts/atlas_vendor && npm ci --no-audit --no-fund && node make.mjs

docs: install ## the documentation of the dbt project as one page, AME_HOME/docs/dbt/index.html
	@$(BIN)/ame docs

bench: install-dev ## run the benchmarks under scripts/bench
	@for f in scripts/bench/bench_*.py; do echo "== $$f"; $(BIN)/python $$f || exit 1; done

lock: $(BIN)/uv ## pin the dependencies of pyproject.toml again
	@cd $(CURDIR) && $(BIN)/$(LOCK) pyproject.toml -o requirements.lock
	@$(BIN)/$(LOCK) pyproject.toml --extra dev -c requirements.lock -o requirements-dev.lock
	@echo uv | $(BIN)/$(LOCK) - -o requirements-uv.lock
	@cd bi/superset && ../../$(BIN)/$(LOCK) requirements.in -o requirements.lock

clean: ## remove the environment and build leftovers (never the data)
	@rm -rf $(VENV) build scripts/*.egg-info .mypy_cache .ruff_cache .pytest_cache dbt_project/target dbt_project/logs
