# The commands of the book. Each sets up .venv first when that is needed.
#
#   make book      build the site from the stored outputs
#   make test      prove every cell, exercise, data file and page
#   make lab       open JupyterLab in notebooks/
#   make outputs   execute the notebooks and store their outputs [NB=01_tensors]
#   make data      rebuild the data files that are missing or damaged
#   make lint      check the form of the code
#   make lock      compile requirements.in to requirements.txt

SHELL := bash
BIN := $(CURDIR)/.venv/bin
WORKERS ?= 2

# two notebooks share two cores best with one thread each
OMP_NUM_THREADS ?= 1
export OMP_NUM_THREADS
export PYTHONHASHSEED = 0

.PHONY: book test lab outputs data lint lock setup

book: setup
	@echo "Building the site ..."
	@$(BIN)/jupyter-book build . -W -n --keep-going -q
	@echo "The site is ready: open $(CURDIR)/_build/html/index.html in a browser."

test: setup
	@tools/offline.sh $(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

lab: setup
	@cd notebooks && $(BIN)/jupyter lab

outputs: setup
	@$(BIN)/python tools/outputs.py $(NB)

data: setup
	@$(BIN)/python data/make_all.py $(NAME)

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

lock: setup
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
		--no-emit-index-url --no-emit-find-links --no-header \
		requirements.in --output-file requirements.txt

setup:
	@PYTHON="$(PYTHON)" tools/setup.sh
