# `make demo` and `make test` need Python 3.11 or later and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(abspath $(VENV))/bin
# MLflow's local runs call `python`: it must be the environment's.
export PATH := $(BIN):$(PATH)
# No usage figures are sent, by the programs of the environment either (`vcc/telemetry.py`).
export MLFLOW_DISABLE_TELEMETRY ?= true
export ORT_DISABLE_TELEMETRY ?= 1
# Tests compute in one thread each: a process per core, and a module's tests in one process, in the
# order of their folders: the long ones of tests/e2e come early, and no process waits for them at
# the end. A process that is lost ends the run: with another in its place, pytest-xdist can wait for
# ever.
WORKERS ?= -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder --max-worker-restart 0
# A processor with AVX2 and nothing later, as far as libraries can be told: PyTorch, MKL, FBGEMM, and
# the oneDNN of PyTorch and of OpenVINO. ONNX Runtime has no such setting: it asks the processor.
AVX2_ONLY := ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 MKL_ENABLE_INSTRUCTIONS=AVX2 \
    FBGEMM_ENABLE_INSTRUCTIONS=AVX2

.PHONY: help demo test test-all test-more test-avx2 lint types bench files docs clean

help:
	@echo "make demo       install, then the whole path on the built-in data"
	@echo "make test       the default tests"
	@echo "make test-all   the default tests and the long ones"
	@echo "make test-more  of the long tests, those of units: more of a kind"
	@echo "make test-avx2  the numeric tests as on a processor with AVX2 only"
	@echo "make lint       ruff: style and formatting"
	@echo "make types      mypy, strict"
	@echo "make bench      the benchmarks"
	@echo "make docs       the documentation as pages: site/index.html"
	@echo "make files      write MLproject and conda.yaml again"
	@echo "make clean      remove the environment and caches (data, runs and models stay)"

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.11 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing PyTorch and what else is needed, some GB: minutes, longer on a slow network"
	$(BIN)/python -m pip install --editable .
	$(BIN)/python -c 'from vcc import telemetry; telemetry.switch_off_in_environment()'
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --editable '.[dev]'
	touch $@

demo: $(VENV)/.installed
	mlflow run . --env-manager local --experiment-name vcc-demo

test: $(VENV)/.installed-dev
	python -m pytest $(WORKERS)

test-all: $(VENV)/.installed-dev
	python -m pytest $(WORKERS) -m "" --hypothesis-profile search

# What `slow` leaves out of the default tests, without what takes minutes each.
test-more: $(VENV)/.installed-dev
	python -m pytest $(WORKERS) --hypothesis-profile search -m slow tests/contract tests/properties tests/unit -k "not hour_of_1080p"

test-avx2: $(VENV)/.installed-dev
	env $(AVX2_ONLY) python -m pytest $(WORKERS) -m "numeric and not slow"

lint: $(VENV)/.installed-dev
	ruff check .
	ruff format --check .

types: $(VENV)/.installed-dev
	mypy

bench: $(VENV)/.installed-dev
	python -m benchmarks

files: $(VENV)/.installed-dev
	python -m vcc.config.mlproject

docs: $(VENV)/.installed-dev
	python -m mkdocs build --strict

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis site *.egg-info
