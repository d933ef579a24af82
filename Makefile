# Every target builds its own environment from nothing: it needs `python3` (3.11 or newer) and the package index.
#   make demo      fit models to the Nile flow; table and figures in out/
#   make test      the test-suite, and the float32 job             make test-slow  the fits of more than ten seconds
#   make bench     benchmarks against peers, results in benchmarks/results/
#   make docs      the site, in site/          make api   the pages of the API, from the names of each room
#   make lint      ruff                        make types     pyright
#   make examples  run every example: docstrings, pages, scripts
#   make figures   draw the figures of the README and the gallery

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
JOBS ?= 2
export MPLBACKEND := Agg

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-float64 test-float32 bench docs api lint format types examples figures clean

help:
	@sed -n '2,8s/^# *//p' Makefile

# pip reads dependency groups from version 25.1.
$(VENV)/.python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else "sdekit needs Python 3.11 or newer, this is %d.%d: run make PYTHON=python3.12" % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/.demo: $(VENV)/.python pyproject.toml
	$(PIP) -e '.[plot,data]'
	@touch $@

$(VENV)/.dev: $(VENV)/.demo pyproject.toml
	$(PIP) -e '.[plot,data,interop]' --group dev
	@touch $@

$(VENV)/.docs: $(VENV)/.demo pyproject.toml
	$(PIP) --group docs
	@touch $@

$(VENV)/.bench: $(VENV)/.dev pyproject.toml
	$(PIP) --group bench
	@touch $@

demo: $(VENV)/.demo
	$(BIN)/sdekit fit nile --out out

test: test-float64 test-float32

test-float64: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --durations 25 -m 'not slow and not examples'

test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(JOBS) --dist load --durations 25 -m slow

test-float32: $(VENV)/.dev
	SDEKIT_TEST_FLOAT32=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m 'float32 and not slow' \
		$$(grep -rl --include 'test_*.py' 'mark.float32' tests)

bench: $(VENV)/.bench
	@mkdir -p benchmarks/results
	$(BIN)/python -m pytest benchmarks -o addopts= -o 'python_files=bench_*.py' --benchmark-json benchmarks/results/latest.json

docs: $(VENV)/.docs
	$(BIN)/python tools/gallery.py
	$(BIN)/python -m zensical build --clean --strict

api: $(VENV)/.demo
	$(BIN)/python tools/api.py

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(VENV)/.dev
	$(BIN)/pyright --pythonpath $(BIN)/python

examples: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(JOBS) --dist load -m examples tests/test_examples.py
	@mkdir -p out/examples
	@set -e; for f in examples/[0-9]*.py; do echo "== $$f"; SDEKIT_OUT=out/examples $(BIN)/python -W error::DeprecationWarning $$f; done

figures: $(VENV)/.demo
	$(BIN)/python tools/figures.py

clean:
	rm -rf $(VENV) site out .cache .jax_cache .pytest_cache .ruff_cache .hypothesis
