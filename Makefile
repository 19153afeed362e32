# Each target does its own set-up: `make test` in a fresh clone needs Python and nothing else.
PYTHON ?= python3
ARGS ?=
CURRENT := .venv
COMPLETE := .venv-complete
BACKENDS := .venv-backends
PEERS := .venv-peers
# Two workers; each keeps to its half of the tests, so a module's fixtures are made once.
TWO := -n 2 --dist worksteal
GRAPHS ?= 2000
SEED ?= $(shell date +%s)

.DEFAULT_GOAL := help
.PHONY: help demo test lint types test-complete test-backends nightly clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(CURRENT)/.installed  ## the main job on synthetic earthquakes, about 6 minutes; ARGS="--data ..."
	$(CURRENT)/bin/tfprune demo --force $(ARGS)

test: $(CURRENT)/.installed  ## the test suite; ARGS="-k cli" for some of it
	$(CURRENT)/bin/python -m pytest $(TWO) $(ARGS)

lint: $(CURRENT)/.installed  ## ruff: rules and format
	$(CURRENT)/bin/ruff check .
	$(CURRENT)/bin/ruff format --check .

types: $(CURRENT)/.installed  ## mypy
	$(CURRENT)/bin/mypy

test-complete: $(COMPLETE)/.installed  ## the test suite on TensorFlow 2.17, with tf-keras and tensorflow-io
	TFPRUNE_GRAPHS=$${TFPRUNE_GRAPHS:-40} $(COMPLETE)/bin/python -m pytest $(TWO) -m "not once" $(ARGS)

test-backends: $(BACKENDS)/.installed  ## the core tests on the JAX and PyTorch backends of Keras
	KERAS_BACKEND=torch OMP_NUM_THREADS=1 $(BACKENDS)/bin/python -m pytest $(TWO) tests $(ARGS)
	KERAS_BACKEND=jax $(BACKENDS)/bin/python -m pytest $(TWO) tests $(ARGS)

nightly: $(CURRENT)/.installed $(COMPLETE)/.installed $(PEERS)/.installed  ## 2,000 random graphs, keras.applications, Torch-Pruning; GRAPHS=, SEED=
	TFPRUNE_GRAPHS=$(GRAPHS) TFPRUNE_SHARDS=20 TFPRUNE_SEED=$(SEED) \
	  $(CURRENT)/bin/python -m pytest $(TWO) tests/test_random_graphs.py $(ARGS)
	$(COMPLETE)/bin/python -m pytest -m once
	@mkdir -p build/nightly
	$(CURRENT)/bin/python benchmarks/applications.py --output build/nightly/applications.json
	$(CURRENT)/bin/python benchmarks/topologies.py --torch_python $(PEERS)/bin/python --output build/nightly/topologies.json
	$(CURRENT)/bin/python benchmarks/engine_peers.py --torch_python $(PEERS)/bin/python --output build/nightly/engine_peers.json

clean:  ## remove environments, caches and demo output
	rm -rf $(CURRENT) $(COMPLETE) $(BACKENDS) $(PEERS) build dist demo *.egg-info .*_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(CURRENT)/.installed: setup.cfg pyproject.toml requirements/current.txt
	$(call environment,$(CURRENT),14)
	$(call install,$(CURRENT),requirements/current.txt,)
	@touch $@

$(COMPLETE)/.installed: setup.cfg pyproject.toml requirements/complete.txt
	$(call environment,$(COMPLETE),13)
	$(call install,$(COMPLETE),requirements/complete.txt,$(comma)quant$(comma)io)
	@touch $@

# Without TensorFlow, so without what setup.cfg asks for.
$(BACKENDS)/.installed: setup.cfg pyproject.toml requirements/backends.txt
	$(call environment,$(BACKENDS),14)
	@$(BACKENDS)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/backends.txt
	@$(BACKENDS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

# Torch-Pruning, to be measured against.
$(PEERS)/.installed: requirements/torch-pruning.txt
	$(call environment,$(PEERS),14)
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/torch-pruning.txt
	@touch $@

comma := ,

# $(1) folder, $(2) the first minor Python that is too new
define environment
	@command -v $(PYTHON) >/dev/null || { echo "make: no $(PYTHON) here: name one, make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, $(2)))' || { echo "make: needs Python 3.11 or newer, before 3.$(2); $(PYTHON) is `$(PYTHON) -V`: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "make: $(PYTHON) lacks the module venv: install it (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@echo "setting up $(1): a minute or two, and some 2 GB of disk"
	@$(PYTHON) -m venv --clear $(1)
endef

# $(1) folder, $(2) pins, $(3) extras beside dev
define install
	@$(1)/bin/python -m pip install --quiet --disable-pip-version-check -c $(2) -e '.[dev$(3)]'
endef
