# Every target says what it does: `make help`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup lock demo test test-long lint types bench clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[36m%-10s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## Make .venv with the command quotawatt (locked, by hash)

$(VENV)/.ready: requirements.txt pyproject.toml
	@echo "Setting up $(VENV): about half a minute."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

lock: setup ## Write requirements.txt anew from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --extra platform --extra dev --generate-hashes --universal --python-version 3.11 --no-strip-extras --no-header --no-annotate --quiet -o requirements.txt

demo: setup ## Run the simulated city on real components, with its board (Ctrl-C stops everything)
	$(BIN)/quotawatt demo

test: setup ## Run all tests with coverage (under ten minutes on two cores)
	$(BIN)/python -m tests.side_by_side 93

test-long: setup ## Run the tests with their full counts
	QUOTAWATT_HYPOTHESIS=long $(BIN)/python -m pytest --timeout=900

lint: setup ## Check style, docstrings and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## Check types, strictly, packages and tests
	$(BIN)/mypy
	$(BIN)/mypy tests benchmarks

bench: setup ## Run the benchmarks (one: make bench ONLY=name)
	$(BIN)/python -m benchmarks.run $(ONLY)

clean: ## Stop this checkout's stack and remove what the build made
	@if [ -x $(BIN)/quotawatt ]; then $(BIN)/quotawatt stack down; fi
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
	rm -rf $(VENV) .coverage* .hypothesis .mypy_cache .ruff_cache .pytest_cache dist benchmarks/latest.json
