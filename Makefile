# The whole project in a few words. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow lint format typecheck bench dagster docs lock clean

PYTHON ?= python3
PY := .venv/bin/python
export AUDIT_LOG_HOME ?= ./data

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

setup: ## Prepare .venv from requirements.lock (does nothing when it is up to date)
	@PYTHON="$(PYTHON)" bash .ci/setup

demo: setup ## Start a sandbox site, sync, build, publish and serve it (PORT=8000)
	@$(PY) -m tests.sandbox.demo

test: setup ## Every check and every test (the slow suites in their bounded versions)
	@$(MAKE) --no-print-directory -j2 lint typecheck
	@echo "== tests"
	@scratch=$$(bash .ci/scratch) && trap 'rm -rf "$$scratch"' INT TERM; \
		if TMPDIR="$$scratch" $(PY) -m pytest -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder --durations 10; \
		then rm -rf "$$scratch"; else status=$$?; echo "== what the failed tests wrote: $$scratch"; exit $$status; fi

test-slow: setup ## The long versions of the bounded suites
	@$(PY) -m pytest -m slow --hypothesis-profile random

lint: setup ## ruff, import contracts, the style of the dbt SQL
	@echo "== lint: ruff, import contracts, dbt SQL"
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@.venv/bin/lint-imports
	@$(PY) -m sqlfluff lint --processes 2 dbt_project/models dbt_project/tests

typecheck: setup ## mypy, strict
	@echo "== types: mypy --strict"
	@$(PY) -m mypy

format: setup ## Let ruff format the Python
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: setup ## Measure speed and memory as ratios to floors taken in the same run
	@$(PY) -m tests.bench

dagster: setup ## Open the Dagster UI on http://127.0.0.1:3000
	@mkdir -p "$(AUDIT_LOG_HOME)/dagster" && cp orchestration/dagster.yaml "$(AUDIT_LOG_HOME)/dagster/"
	@DAGSTER_HOME="$$(cd "$(AUDIT_LOG_HOME)/dagster" && pwd)" .venv/bin/dagster dev --host 127.0.0.1 -m orchestration.definitions

docs: setup ## Write the generated pages again (the table of actions)
	@$(PY) -m tests.catalogue.table

lock: setup ## Resolve pyproject.toml into requirements.lock again
	@.venv/bin/uv pip compile pyproject.toml --group dev --generate-hashes --no-emit-index-url \
		--universal --python-version 3.11 --quiet --output-file requirements.lock
	@bash .ci/setup

clean: ## Remove .venv and caches (never the data)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dbt_project/target dbt_project/logs build ./*.egg-info
