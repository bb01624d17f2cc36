# Everything runs in one virtual environment; its stamp names the pins, so a second call reuses it and new pins renew it.
VENV ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
PINS := $(shell $(PYTHON) -c "import hashlib; print(hashlib.sha256(b''.join(open(f, 'rb').read() for f in ('pyproject.toml', 'constraints.txt'))).hexdigest()[:16])")
STAMP := $(VENV)/.ndslib-$(PINS)
PY := $(VENV)/bin/python

# An environment may be shared by several clones (.ci/run): each uses its own sources, whichever clone built it.
export PYTHONPATH := $(CURDIR)

NBVAL := --nbval-lax --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg --nbval-cell-timeout 300

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint benchmark notebooks pins

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

setup: $(STAMP) ## build the environment in VENV (default .venv), or reuse it

$(STAMP):
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'ndslib needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.11')"
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --upgrade pip
	$(PY) -m pip install -c constraints.txt torch torchvision -e ".[test]"
	$(PY) -m ipykernel install --sys-prefix --name python3 --display-name "Python 3 (ipykernel)" >/dev/null
	@rm -f $(VENV)/.ndslib-*
	@touch $@

demo: setup ## run notebooks/00_start_here.ipynb and say where its results are (at most 5 minutes after the set-up)
	$(PY) -m ndslib run 00

test: setup ## unit tests, then every notebook top to bottom
	OMP_NUM_THREADS=1 $(PY) -m pytest -q -n 2 --dist loadfile
	OMP_NUM_THREADS=1 $(PY) -m pytest -q -n 2 --dist loadfile $(NBVAL) notebooks

lint: setup ## ruff over code and notebooks
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

benchmark: setup ## the timed comparisons, one at a time
	$(PY) -m pytest -q tests/benchmarks

notebooks: setup ## execute every notebook at its defaults and store the outputs in place
	$(PY) -m ndslib refresh

pins: ## the hash that names this set of pins
	@echo $(PINS)
