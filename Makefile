# Everything a reader or a contributor runs. `make help` lists the targets.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

# The pins in requirements.txt are compiled for Python 3.11; tools/environment/bootstrap.py says what happens with others.
PYTHON ?= $(firstword $(shell command -v python3.11) $(shell command -v python3) $(shell command -v python))
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.installed
SITE   := _build/html
PORT   ?= 8000
# The frameworks whose optimizers chapter 12 reproduces: an environment of their own, with none of the book in it.
INTEROP := .venv-interop
# Tests at a time. They compute: more of them than there are cores gain nothing.
WORKERS ?= 2
# A file's tests run in one process. One that crashes ends the run: pytest-xdist can wait for ever for what it had to do.
ALONGSIDE = -n $(WORKERS) --dist loadfile --max-worker-restart 0
# The newest version of every requirement, as `make test-newest` tries it.
NEWEST := .venv-newest

BOOK_SOURCES := _config.yml _toc.yml CHANGELOG.md $(wildcard tools/*.py tools/site/*.py tools/site/*.mjs tools/site/answering/* tools/environment/runtime.*) $(shell find chapters assets rmsprop_lib -type f -not -path '*/.*' -not -name '*.pyc' 2>/dev/null)

.PHONY: help book check test test-gpu test-site test-interop test-newest check-binder links audit bench bench-cuda record test-records other-seeds notebooks exercises execute statistics serve dist colab pdf diff lint format lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(READY): requirements.txt pyproject.toml tools/environment/bootstrap.py
	@test -n "$(PYTHON)" || { echo "make: no Python found. Install Python 3.11 and run make again."; exit 1; }
	@$(PYTHON) tools/environment/bootstrap.py $(VENV)
	@touch $@

$(SITE)/.built: $(READY) $(BOOK_SOURCES)
	@echo "Building the book ..."
	@rm -f $@
	@# What runs Python in a page: fetched once, and left out where it cannot be had.
	@$(BIN)/python -m tools.environment.runtime
	@# --all: a cached page would keep its warnings to itself the second time, and a change of style alone would not
	@# be copied. It costs seconds, and only when something has changed.
	@$(BIN)/jupyter-book build . -W -n --all --keep-going
	@touch $@

book: $(SITE)/.built ## build the site to _build/html
	@echo "The book is in $(SITE). Open $(CURDIR)/$(SITE)/index.html in a browser, or run: make serve"

check: $(READY) ## run what your changes can have broken, in about a minute (BASE=main: since that commit; BUDGET=300)
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet . && $(BIN)/lint-imports --no-logo
	@$(BIN)/python -m tools.testing.affected --base $(or $(BASE),HEAD) --budget $(or $(BUDGET),60) --workers $(WORKERS)

test: $(SITE)/.built ## run every test: library, notebooks (nbval), built site
	@$(BIN)/python -m pytest -p tools.testing.times --durations=10 $(ALONGSIDE) && echo "All tests passed: the library, every notebook's stored output, and the site in $(SITE)."

test-gpu: $(READY) ## run the library's tests and every notebook on CUDA; fail if CUDA was not used
	@# With the repository on the path of the kernels, too, which the proof asks what they have used.
	@RMSPROP_LIB_DEVICE=$${RMSPROP_LIB_DEVICE:-cuda} PYTHONPATH=$(CURDIR)$${PYTHONPATH:+:$$PYTHONPATH} $(BIN)/python -m pytest -p tools.testing.cuda_proof $(ALONGSIDE) tests/library chapters rmsprop_lib

test-site: $(SITE)/.built ## check the built site: its pages, outputs, links and pictures
	@$(BIN)/python -m pytest tests/site/test_site.py tests/site/test_site_outputs.py

$(INTEROP)/.installed: tools/measure/interop-requirements.txt
	@test -n "$(PYTHON)" || { echo "make: no Python found. Install Python 3.11 and run make again."; exit 1; }
	@echo "Installing PyTorch, Keras, Optax, TensorFlow and timm into $(INTEROP) (once) ..."
	@rm -rf $(INTEROP) && $(PYTHON) -m venv $(INTEROP)
	@$(INTEROP)/bin/python -m pip install --quiet --disable-pip-version-check -r tools/measure/interop-requirements.txt
	@touch $@

test-interop: $(INTEROP)/.installed ## run the frameworks' own optimizers again and compare with the stored traces
	@mkdir -p _build
	@$(INTEROP)/bin/python -m tools.measure.record_traces --compare _build/framework_traces.json

test-newest: ## run every test with the newest version of every requirement (minutes)
	@test -n "$(PYTHON)" || { echo "make: no Python found. Install Python 3.11 and run make again."; exit 1; }
	@$(PYTHON) -m tools.environment.newest $(NEWEST)
	@touch $(NEWEST)/.installed
	@# The site that this leaves is not the pinned versions': the next `make book` builds it again.
	@$(MAKE) --no-print-directory test VENV=$(NEWEST); status=$$?; rm -f $(SITE)/.built; exit $$status

links: $(READY) ## ask every address outside the book whether it is still there (needs the network)
	@$(BIN)/jupyter-book build . --builder linkcheck

audit: $(READY) ## compare the pinned versions with the published advisories (needs the network)
	@$(BIN)/pip-audit --requirement requirements.txt --no-deps --disable-pip --strict --progress-spinner off

check-binder: ## do what Binder does with the repository, and run every chapter there (minutes; writes _build/binder)
	@test -n "$(PYTHON)" || { echo "make: no Python found. Install Python 3.11 and run make again."; exit 1; }
	@$(PYTHON) -m tools.environment.check_binder $(ONLY)

bench: $(READY) ## time optimizer steps side by side, as ratios (minutes; writes _build/bench.json)
	@mkdir -p _build
	@$(BIN)/python -m tools.measure.bench --json _build/bench.json

bench-cuda: $(READY) ## the same on a graphics card (minutes; writes _build/bench_cuda.json)
	@mkdir -p _build
	@$(BIN)/python -m tools.measure.bench_cuda --compile --json _build/bench_cuda.json

record: $(READY) ## compute recorded evidence again and keep it (ONLY=digits for one; hours in all, resumes)
	@$(BIN)/python -m tools.measure.record $(ONLY)

test-records: $(READY) ## compute recorded evidence again: does it agree, do the chapters' claims hold with it? (hours)
	@$(BIN)/python -m tools.measure.record --compare $(ONLY)

other-seeds: $(READY) ## run chapters with three other sets of seeds and tell which claims hang on theirs (ONLY=03_rmsprop)
	@$(BIN)/python -m tools.measure.other_seeds $(ONLY)

notebooks: $(READY) ## make a copy of the chapters to read and to run in notebooks/, and open it in JupyterLab
	@$(BIN)/python -m tools.notebooks.reading
	@$(BIN)/jupyter lab --notebook-dir=notebooks --LabApp.default_url=/lab/tree/03_rmsprop.ipynb

exercises: $(READY) ## make a working copy in exercises/, without solutions, and open it in JupyterLab
	@$(BIN)/python -m tools.notebooks.exercises
	@$(BIN)/jupyter lab --notebook-dir=exercises

execute: $(READY) ## run all chapters and save their outputs, reproducibly (ONLY=03_rmsprop for one)
	@$(BIN)/python -m tools.notebooks.execute $(ONLY)

statistics: $(READY) ## run all chapters and record what they took (chapters/runs.json)
	@$(BIN)/python -m tools.measure.run_statistics

serve: $(SITE)/.built ## serve the built site on http://localhost:8000 (PORT=... for another)
	@echo "Serving $(SITE) on http://localhost:$(PORT) (stop with Ctrl+C)"
	@$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory $(SITE)

dist: $(SITE)/.built ## pack the site and the notebooks for places without a network, to dist/
	@$(BIN)/python -m tools.publish.dist

colab: $(READY) ## make the copies of the chapters that Colab opens (_build/colab)
	@$(BIN)/python -m tools.publish.colab

pdf: $(SITE)/.built ## print the whole book to dist/ (minutes; needs Chromium or Chrome)
	@$(BIN)/python -m tools.publish.pdf

diff: $(READY) ## show what has changed in the chapters' notebooks, cell by cell (BASE=main for another commit)
	@PATH="$(CURDIR)/$(BIN):$$PATH" nbdiff --ignore-metadata --ignore-details $(or $(BASE),HEAD) chapters

lint: $(READY) ## check format, style, types, the direction of imports, and the workflows
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports
	@$(BIN)/shellcheck .ci/run .binder/postBuild
	@$(BIN)/actionlint -shellcheck $(BIN)/shellcheck .github/workflows/*.yml
	@$(BIN)/zizmor --offline --quiet --no-progress .github

format: $(READY) ## format code and notebooks
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

lock: $(READY) ## compile requirements.txt from pyproject.toml
	@$(BIN)/python -m tools.environment.lock

clean: ## remove the environment and everything built
	rm -rf $(VENV) $(INTEROP) $(NEWEST) _build build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -name .ipynb_checkpoints -type d -prune -exec rm -rf {} +
