# `make` alone says what there is. Everything runs in .venv, which the first target makes by itself.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --no-builtin-rules

# Any Python from 3.10 on: make PYTHON=python3.12 test
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup demo test test-slow test-images environments estimators fuzz interpreters matrix soak check lint types imports language format chaos states bench lock clean frameworks graphs

help: ## say what there is
	@echo "make TARGET, where TARGET is one of"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv with everything in it; every other target does it too
	@$(PYTHON) scripts/set_up.py

demo: setup ## from a trained model to a scored service, in Python and on the command line
	@unset PYTHONDONTWRITEBYTECODE; exec $(BIN)/python scripts/demo.py $(if $(KEEP),--keep)

test: setup ## run the tests; COVERAGE=1 with coverage, ARGS="-k name" runs some
	@COVERAGE=$(COVERAGE) exec scripts/test $(ARGS)

test-slow: setup ## the tests that take long: documentation pages, notebooks, old environments; also in CI
	@SLOW=1 COVERAGE=$(COVERAGE) exec scripts/test $(ARGS)

environments: setup ## make the old environments that some tests use, from the interpreters of pyenv
	$(BIN)/python tests/runtime/make_environments.py
	$(BIN)/python -c "from benchmarks.conversion import reference_python; print(reference_python())"

interpreters: setup ## the contract of the server with scorers of every old Python; ARGS="3.6" one
	@scripts/test-interpreters $(ARGS)

fuzz: setup ## look for inputs that break the decoders, SECONDS=60 each; needs Python 3.11 or later
	$(BIN)/python fuzz/run.py decode_arrays -max_total_time=$(or $(SECONDS),60)
	$(BIN)/python fuzz/run.py decode_tables -max_total_time=$(or $(SECONDS),60)
	$(BIN)/python fuzz/run.py scorer_frames -max_total_time=$(or $(SECONDS),60)

estimators: setup ## serve every scikit-learn estimator without a script; write the table in docs
	$(BIN)/python scripts/no_code_table.py

# What pip needs to find PyTorch; the default is the build for the CPU, 200 MB instead of several GB.
TORCH ?= --torch-backend cpu torch

frameworks: setup ## install TensorFlow, PyTorch and boosted trees aside (.cache, 2 GB) and run their tests
	test -x .cache/tensorflow/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python .cache/tensorflow
	$(BIN)/uv pip install --quiet --python .cache/tensorflow/bin/python tensorflow-cpu keras xgboost-cpu lightgbm catboost \
	  joblib onnx onnxruntime pandas psutil pytest pytest-timeout requests "scikit-learn<1.9" -e packages/runtime -e packages/server -e packages/moorage -e packages/azureml
	.cache/tensorflow/bin/python -m pytest -q -p no:cacheprovider tests/server/nocode/test_tensorflow.py tests/server/nocode/test_boosters.py
	.cache/tensorflow/bin/python -m pytest -q -p no:cacheprovider tests/seeds/test_blocks.py -k 887
	test -x .cache/torch/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python .cache/torch
	$(BIN)/uv pip install --quiet --python .cache/torch/bin/python $(TORCH)
	$(BIN)/uv pip install --quiet --python .cache/torch/bin/python joblib onnx onnxruntime pandas psutil pytest pytest-timeout \
	  requests "scikit-learn<1.9" -e packages/runtime -e packages/server -e packages/moorage -e packages/azureml
	.cache/torch/bin/python -m pytest -q -p no:cacheprovider tests/server/nocode/test_pytorch.py

graphs: setup ## ask services without a script the test cases that come with the package onnx
	$(BIN)/python scripts/onnx_cases.py

test-images: setup ## the tests that need a container engine; installs Podman where it may
	@exec scripts/test-images $(ARGS)

matrix: setup ## the schema tests with old and new Python, numpy and pandas, and with Spark
	@scripts/test-schema-matrix $(ARGS)

check: lint types imports language ## all that is checked without running anything

lint: setup ## ruff, and that everything is formatted
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## mypy, strict
	$(BIN)/mypy

imports: setup ## which package may import which
	$(BIN)/lint-imports

language: setup ## the runtime keeps to Python 3.6
	$(BIN)/vermin --quiet --target=3.6- --no-tips --violations --eval-annotations packages/runtime/src \
	  packages/server/src/moorage_server/nocode/moorage_no_code.py packages/server/src/moorage_server/nocode/old_python.py

format: setup ## format the code and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

soak: setup ## mixed load for MINUTES=10, and streams of 2 GB: answers right, memory flat
	$(BIN)/python -m soak --minutes $(or $(MINUTES),10)

states: setup ## any order of operations on models and services, killed anywhere, against a model; RUNS=300
	MOORAGE_TEST_RUNS=$(or $(RUNS),300) SLOW=1 scripts/test tests/moorage/services/test_state_machine.py -k long --timeout 7200

chaos: setup ## faults on purpose under load, nothing may be lost; QUICK=1 takes a minute, FAULTS="update leak" selects
	$(BIN)/python -m tests.chaos $(if $(QUICK),--quick) $(FAULTS)

bench: setup ## measure beside other model servers; QUICK=1 takes a minute, BENCH_PEERS="azureml" selects
	$(BIN)/python -m benchmarks $(if $(QUICK),--quick)
	$(BIN)/python -m benchmarks.conversion $(if $(QUICK),--quick)
	scripts/with-postgres $(BIN)/python -m benchmarks.registry $(if $(QUICK),--quick)
	$(BIN)/python -m benchmarks.nocode $(if $(QUICK),--quick)
	$(BIN)/python -m benchmarks.environment_builds $(if $(QUICK),--quick)

lock: setup ## write requirements/dev.txt anew; ARGS="--upgrade" takes newer versions
	@scripts/lock $(ARGS)

clean: ## remove what the other targets made: .venv, caches, results
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache htmlcov .coverage* dist build
	find packages tests scripts benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +
