# Everything a newcomer needs: `make demo` and `make test` set themselves up in .venv.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/bin/python
DEMO_SPEED ?= live
PACKAGES := core store models ingest asr claims index evidence pipeline api livewitness

.PHONY: help setup setup-dev demo serve doctor test test-browser test-fast lint format bench clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: ## Prepare .venv with what the application needs
	@deploy/setup.sh "$(PYTHON)" "$(VENV)" ""

setup-dev: ## Prepare .venv with the development tools as well
	@deploy/setup.sh "$(PYTHON)" "$(VENV)" "dev"

demo: setup ## Play the bundled broadcast as a live stream: alerts, search, clip (DEMO_SPEED=fast for no waiting)
	@$(RUN) -m livewitness demo --speed "$(DEMO_SPEED)"

serve: setup ## Start the service on 127.0.0.1
	@$(RUN) -m livewitness serve

doctor: setup ## Check this machine
	@$(RUN) -m livewitness doctor

test: setup-dev ## All tests
	@$(RUN) -m pytest --numprocesses 3 --dist loadfile

test-browser: ## The console in a real browser (brings Debian's Chromium where there is none)
	@command -v chromium > /dev/null || { apt-get update -q && apt-get install -q -y --no-install-recommends chromium; }
	@deploy/setup.sh "$(PYTHON)" "$(VENV)" "dev,browser"
	@BROWSER_TESTS=1 $(RUN) -m pytest tests/browser

test-fast: setup-dev ## Tests without real models, real time and real servers
	@$(RUN) -m pytest -m "not slow"

lint: setup-dev ## Style, types, import rules
	@$(RUN) -m ruff format --check $(PACKAGES) tests
	@$(RUN) -m ruff check $(PACKAGES) tests
	@$(RUN) -m mypy
	@$(VENV)/bin/lint-imports

format: setup-dev ## Format the code
	@$(RUN) -m ruff format $(PACKAGES) tests
	@$(RUN) -m ruff check --fix $(PACKAGES) tests

bench: setup ## Quality and cost of recognition, claims, search on the bundled data
	@$(RUN) -m livewitness bench asr
	@$(RUN) -m livewitness bench claims
	@$(RUN) -m livewitness bench search

clean: ## Remove .venv and caches; recordings stay
	@rm -rf "$(VENV)" .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
