# What a person or CI does with this checkout. Needs make and Python 3.11 or newer, no root.

SHELL := /bin/sh
BIN := .venv/bin
STAMP := .venv/.installed

CHIFFON_HOME ?= $(CURDIR)/.chiffon
PYTHON ?=
# More words for pytest: make test ARGS="tests/house -x"
ARGS ?=
# Each of the many processes that tests start would compile everything anew.
export PYTHONDONTWRITEBYTECODE :=
# Two more workers than cores: tests wait for processes as often as they compute.
PARALLEL := --numprocesses=$(shell expr $$(nproc 2>/dev/null || echo 2) + 2) --dist=loadfile --no-loadscope-reorder
COVERAGE := --cov --cov-report=term-missing:skip-covered

.DEFAULT_GOAL := help
.PHONY: help install run test coverage prove chaos chaos-ci bench services check format concepts ranker constraints clean

help: ## Say what there is
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) \
		| while IFS='|' read -r name what; do printf '  %-12s %s\n' "$$name" "$$what"; done

install: $(STAMP) ## Create .venv and install Chiffon with everything it needs, hashes checked

$(STAMP): constraints.txt pyproject.toml scripts/install.sh
	@PYTHON="$(PYTHON)" sh scripts/install.sh
	@touch $@

run: export CHIFFON_HOME := $(CHIFFON_HOME)
run: $(STAMP) ## Install if needed, then start everything in one process (state in .chiffon/)
	@exec $(BIN)/chiffon up

test: $(STAMP) ## Run all tests (CI=true: with coverage); the last line says what was not run
	@$(BIN)/pytest $(PARALLEL) $(if $(filter true,$(CI)),$(COVERAGE)) $(ARGS)

coverage: $(STAMP) ## Run all tests and fail where less than 90 % of the branches are covered
	@$(BIN)/pytest $(PARALLEL) $(COVERAGE) $(ARGS)

# A seed, sizes and the longest time of a storm in seconds; SABOTAGE breaks one promise on purpose.
SEED ?=
SABOTAGE ?=
prove chaos chaos-ci: export PYTHONDONTWRITEBYTECODE =
CHAOS = $(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED))
# What CI judges a change by is the same storm each time; other seeds are for `make chaos`.
chaos-ci: SEED := $(or $(SEED),700355)

prove: $(STAMP) ## Kill `chiffon up` again and again, hold its word against the truth (SABOTAGE=outbox|inbox|digest: must fail)
	@$(CHAOS) --embedded --plans $(or $(PLANS),25) --kills $(or $(KILLS),15) \
		--seconds $(or $(SECONDS),30) $(if $(SABOTAGE),--sabotage $(SABOTAGE))

chaos: $(STAMP) ## The same with replicas, agents, a PostgreSQL and a RabbitMQ of its own (SEED, PLANS, KILLS, SECONDS)
	@$(CHAOS) --plans $(or $(PLANS),100) --kills $(or $(KILLS),200) --seconds $(or $(SECONDS),600)

chaos-ci: $(STAMP) ## Two minutes of each, side by side, as CI does
	@$(CHAOS) --plans 100 --kills 80 --seconds 115 & served=$$!; \
		$(CHAOS) --embedded --plans 100 --kills 80 --seconds 120; embedded=$$?; \
		wait $$served && exit $$embedded

bench: $(STAMP) .venv-bench/.installed ## Measure speed against yardsticks on a PostgreSQL and a RabbitMQ (ARGS: which)
	@$(BIN)/python -m benchmarks.main $(ARGS)

.venv-bench/.installed: benchmarks/constraints.txt
	@PYTHON="$(PYTHON)" sh scripts/python.sh -m venv --clear .venv-bench
	@.venv-bench/bin/python -m pip install -qq --disable-pip-version-check \
		--require-hashes --only-binary :all: -r benchmarks/constraints.txt
	@touch $@

services: ## Bring what some tests need: servers, a browser (Docker, or Debian packages as root)
	@PYTHON="$(PYTHON)" sh scripts/python.sh scripts/services.py

check: $(STAMP) ## Check form, types, layers and house rules; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python scripts/house_lint.py

format: $(STAMP) ## Put the code in form and mend what can be mended by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

concepts: $(STAMP) .venv-learn/.installed ## Learn concept model and vectors anew from the phrases in training/
	@PYTHONPATH=. $(BIN)/python scripts/learn_concepts.py .venv-learn/phrases.jsonl
	@.venv-learn/bin/python training/vectors/learn.py .venv-learn/phrases.jsonl orchestrator/nlu/vectors.bin

ranker: $(STAMP) .venv-learn/.installed ## Learn anew which word is a value and which capability is meant, from evaluation/
	@for what in intent value; do \
		PYTHONPATH=. $(BIN)/python scripts/learn_ranker.py $$what .venv-learn/$$what.jsonl && \
		.venv-learn/bin/python training/ranker/learn.py .venv-learn/$$what.jsonl orchestrator/nlu/$${what}_weights.yaml \
		|| exit 1; done

.venv-learn/.installed: training/vectors/constraints.txt
	@PYTHON="$(PYTHON)" sh scripts/python.sh -m venv --clear .venv-learn
	@.venv-learn/bin/python -m pip install -qq --disable-pip-version-check \
		--require-hashes --only-binary :all: -r training/vectors/constraints.txt
	@touch $@

constraints: ## Pin every package anew, newest versions, into constraints.txt
	@PYTHON="$(PYTHON)" sh scripts/constraints.sh
	@PYTHON="$(PYTHON)" sh scripts/constraints.sh benchmarks/yardsticks/packages.in benchmarks/constraints.txt
	@PYTHON="$(PYTHON)" sh scripts/constraints.sh training/vectors/packages.in training/vectors/constraints.txt

clean: ## Remove what installing and checking left (never .chiffon/)
	rm -rf .venv .venv-bench .venv-learn build dist htmlcov chiffon.egg-info .coverage .coverage.* \
		.hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
