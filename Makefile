# Everything the README promises. Each target sets up .venv by itself; nothing is done twice.

PYTHON ?= $(if $(filter Windows_NT,$(OS)),python,python3)
# Where PyTorch's CPU build is looked for first: on Linux a plain install brings several GB of CUDA
# packages. If it cannot be reached, or TORCH_INDEX is empty, pip's own index is used.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
PORT ?= 8000

BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Python compiles what it imports: to compile all that is installed would take a third of the time.
INSTALL := $(PIP) install --no-compile --constraint constraints.txt

NOTEBOOKS := $(wildcard chapters/*.ipynb exercises/*.ipynb exercises/source/*/*.ipynb)
SOURCES := $(NOTEBOOKS) $(wildcard src/dlbook/*.py src/dlbook/*/*.py src/dlbook/*/*/*.py src/dlbook/figures/live/player/* web/course/*.py \
	web/theme/*.* web/theme/static/* web/theme/static/fonts/* *.md _*.yml *.yml reference/*.md reference/*.bib reference/*/*.md \
	src/dlbook/experiments/*.csv measurements/benchmarks/*.json src/dlbook/exercises/solutions/*.md)
PYTEST := $(BIN)/python -m pytest -n auto
RUN_CELLS := --nbval --nbval-current-env --nbval-kernel-startup-timeout=600
NBVAL := $(RUN_CELLS) $(NOTEBOOKS)
# What computes: a figure is drawn from numbers, and a student's notebook has yet to be answered.
NUMBERS := tests/library --ignore=tests/library/test_figures.py \
	$(RUN_CELLS) $(filter chapters/% exercises/source/%,$(NOTEBOOKS))

export PYTHONUTF8 = 1
# Each worker of the tests would compile the library anew.
unexport PYTHONDONTWRITEBYTECODE

# Two installations side by side would spoil the environment.
.NOTPARALLEL:
.PHONY: book serve zip pdf downloads lighthouse check test test-all rest exhaustive kernels environments \
	publish-check address exercises lab notebooks bench lint format clean constraints

book: _build/html/.built

serve: book
	@$(BIN)/python tools/serve.py $(PORT)

# The whole site as one file, to read from disk.
zip: book
	$(BIN)/python tools/archive.py

# Scores of the built site; needs npm and Chromium, unlike everything else here.
lighthouse: book
	PYTHON=$(BIN)/python tools/lighthouse.sh $(PAGES)

pdf: _build/dlbook.pdf

# For people at work: style, types, the library but for what takes seconds, and what notebooks keep to.
check: lint .venv/.book .venv/.test
	$(PYTEST) -m "not (exhaustive or slow)" tests/library tests/chapters/test_notebooks.py

# What passed is written down, for publish-check to compare.
test: book .venv/.test
	@$(BIN)/python tools/tested.py begin
	$(PYTEST) -m "not exhaustive" tests $(NBVAL)
	@$(BIN)/python tools/tested.py passed

test-all: test rest

# All that `make test` leaves out.
rest: exhaustive kernels

exhaustive: book .venv/.test
	$(PYTEST) -m exhaustive tests $(NBVAL)

publish-check:
	@$(BIN)/python tools/tested.py check

# What a reader can take along, put into the site. Before `make test`, so that it is tested with it.
downloads: pdf zip
	@mkdir -p _build/html/downloads
	cp _build/dlbook.pdf _build/dlbook-site.zip _build/html/downloads/

# Spread the address set in pyproject.toml.
address: .venv/.test
	$(BIN)/python tools/address.py

# The library and the notebooks, as machines with other processors would run them.
kernels: .venv/.book .venv/.test
	$(BIN)/python tools/kernels.py $(NUMBERS)

# The wheel alone, the lowest versions that are allowed, and Colab: each in an environment of its own.
environments: .venv/.test
	$(BIN)/python -m pytest -m exhaustive tests/tools/test_environments.py

# The students' notebooks and the solutions, from the instructor's notebooks.
exercises: .venv/.class
	$(BIN)/python tools/exercises.py

# From the root, at a page that leads on, with a copy of the exercises to work in.
lab: .venv/.book .venv/.lab
	@$(BIN)/python tools/workbook.py
	$(BIN)/python -m jupyterlab start.ipynb $(LAB_OPTIONS)

notebooks: .venv/.book .venv/.test
	@$(BIN)/python tools/address.py
	$(BIN)/python tools/notebooks.py

# Speed and memory, side by side in one run; best on a machine that does nothing else meanwhile.
bench: .venv/.bench
	@mkdir -p _build
	$(BIN)/python -m pytest measurements/benchmarks --benchmark-json=_build/benchmarks.json
	$(BIN)/python measurements/benchmarks/report.py _build/benchmarks.json
	@if command -v node > /dev/null; then $(BIN)/python measurements/benchmarks/javascript.py; \
		else echo "(no Node: JavaScript is not measured)"; fi

lint: .venv/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python --level warning

format: .venv/.lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf _build .pytest_cache .ruff_cache .mypy_cache .hypothesis

_build/html/.built: $(SOURCES) .venv/.book
	$(BIN)/jupyter-book build -W --keep-going -n .
	@touch $@

PRINTER := tools/pdf.py tools/pdf.css tools/whole_book.py
_build/dlbook.pdf: _build/html/.built $(PRINTER) CITATION.cff | .venv/.pdf
	$(BIN)/python tools/pdf.py

.venv/.made:
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.book: pyproject.toml constraints.txt | .venv/.made
	@echo "Installing what the book needs"
	@test -z "$(TORCH_INDEX)" \
		|| $(INSTALL) --retries 1 --timeout 10 --no-deps --index-url $(TORCH_INDEX) torch 2>/dev/null \
		|| echo "(no PyTorch at $(TORCH_INDEX): taking it from pip's own index)"
	$(INSTALL) --editable ".[book]"
	@touch $@

.venv/.%: pyproject.toml constraints.txt | .venv/.made
	$(INSTALL) --editable ".[$*]"
	@touch $@

# Move to the newest versions: install them in an environment of its own, test, write them down.
NEWEST := _build/newest/$(notdir $(BIN))
constraints:
	rm -rf _build/newest
	$(PYTHON) -m venv _build/newest
	$(NEWEST)/python -m pip install --quiet torch==$(or $(TORCH),2.13.0)
	$(NEWEST)/python -m pip install --quiet --editable ".[book,lab,hub,class,pdf,test,bench,lint]"
	$(NEWEST)/jupyter-book build -W --keep-going -n .
	$(NEWEST)/python -m pytest -n auto tests $(NBVAL)
	$(NEWEST)/python -m pip freeze --exclude-editable > _build/newest.txt
	sed 's/+cpu//' _build/newest.txt > constraints.txt
