# The project's verbs. `make demo` on a fresh clone sets everything up and runs the main job.
#
#   make demo        the main job, with the embedded text base
#   make test        the default suite                make test-slow   the long tests (kill, bench-like)
#   make test-extras what needs torchvision, timm, MLflow or Weights & Biases, in an environment apart
#   make check       ruff, mypy, the floors           make format      ruff's formatter and safe fixes
#   make setup       the user's environment           make setup-dev   the contributor's environment
#   make bench       what can be measured             make clean       caches and builds, not runs
#
# Variables: VENV (where the environment is made), PYTHON (what makes it), PYTEST_ARGS,
# TORCH_INDEX (the package index torch comes from, e.g. PyTorch's CPU index; by default the index
# that pip is configured with, and no other, is asked), TORCH_VERSION.

VENV ?= .venv
PYTHON ?= python3
TORCH_VERSION ?= 2.13.0
TORCH_INDEX ?=
PYTEST_ARGS ?=
# One process a core, four at most; a file's tests stay together, as they share what they made.
PYTEST_SPREAD ?= -n auto --maxprocesses 4 --dist loadfile
# The long ones share little, and a file of them alone would keep one core busy to the end.
SLOW_SPREAD ?= -n auto --maxprocesses 4 --dist worksteal

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
MADE_OF := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-extras check format setup setup-dev bench pins clean
.DELETE_ON_ERROR:

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

# A stamp is written last, so that a setup that broke off is done again, and one that is
# finished costs nothing.
$(VENV)/.torch-$(TORCH_VERSION):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Graftwork needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch==$(TORCH_VERSION)
	@touch $@

$(VENV)/.ready: $(VENV)/.torch-$(TORCH_VERSION) $(MADE_OF)
	$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.torch-$(TORCH_VERSION) $(MADE_OF)
	$(PIP) install -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.ready

setup: $(VENV)/.ready

setup-dev: $(VENV)/.ready-dev

demo: $(VENV)/.ready
	$(BIN)/graftwork demo

test: $(VENV)/.ready-dev
	$(BIN)/python -m pytest -m "not slow and not gpu and not network" $(PYTEST_SPREAD) $(PYTEST_ARGS)

# pytest ends with 5 where no test bears the marker; that is no failure here.
test-slow: $(VENV)/.ready-dev
	@timeout --kill-after=30s 45m \
	  $(BIN)/python -m pytest -m "slow and not gpu and not network" $(SLOW_SPREAD) $(PYTEST_ARGS) \
	  || { code=$$?; test $$code -eq 5 || exit $$code; }

# Those extras ask for other versions than the pins (MLflow for an older pandas).
EXTRAS := $(VENV)-extras
$(EXTRAS)/.ready: pyproject.toml constraints-extras.txt
	$(PYTHON) -m venv $(EXTRAS)
	$(EXTRAS)/bin/python -m pip --disable-pip-version-check install \
	  $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch==$(TORCH_VERSION)
	$(EXTRAS)/bin/python -m pip --disable-pip-version-check install -c constraints-extras.txt \
	  -e '.[dev,mlflow,vision,wandb]'
	@touch $@

test-extras: $(EXTRAS)/.ready
	$(EXTRAS)/bin/python -m pytest tests/contract/test_trackers.py tests/bases/test_foreign_networks.py \
	  -m "not gpu and not network" $(PYTEST_SPREAD) $(PYTEST_ARGS)

check: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python bench/tables.py --check
	$(BIN)/python bench/pages.py --check

format: $(VENV)/.ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup-dev
	bench/envs.sh
	bench/run_all.sh

# Writes what is installed as the new constraints; hosts and local paths never enter.
pins: $(VENV)/.ready-dev
	@{ sed -n '/^#/p' constraints.txt; \
	   $(PIP) freeze --exclude graftwork --exclude-editable | sed 's/+cpu$$//' \
	   | grep -E '^[A-Za-z0-9_.-]+==[0-9]'; } > constraints.txt.new
	@mv constraints.txt.new constraints.txt

clean:
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
