# The commands of the book. Each sets up .venv first when that is needed.
# README.md has the same commands for those who have no make.
#
#   make book      build the site from the stored outputs
#   make test      prove every cell, exercise, data file and page
#   make quick     prove only what changed since the last commit [BASE=main]
#   make lab       open JupyterLab, in notebooks/
#   make outputs   execute the notebooks and store their outputs [NB=01_tensors]
#   make data      rebuild the data files that are missing or damaged
#   make lint      check the form of the code
#   make lock      compile requirements.in to requirements.txt
#   make links     try the links to other sites; needs the network
#   make pdf       print the book; make epub and make zip: other kinds of it
#
# For a class (book/teaching.md); the first of these installs nbgrader:
#
#   make assignments   make the folder of a class [CLASS=class]
#   make grade         grade what was handed in [CLASS=class] [NB=01_tensors]
#   make test-class    prove the grading: a class of twelve, ten of them hostile
#
# TORCH=cpu asks for PyTorch's small CPU build when .venv is made.

# relative, so that the folder may have any name
BIN := .venv/bin
PYTHON ?= python3
WORKERS ?= 2
CLASS ?= class

# two notebooks share two cores best with one thread each
OMP_NUM_THREADS ?= 1
export OMP_NUM_THREADS
export PYTHONHASHSEED = 0
# where it is set to Agg, notebooks would have no figures
unexport MPLBACKEND

.PHONY: book test quick lab outputs data lint lock links pdf epub zip assignments grade \
	test-class site-packages packages

book: site-packages
	@$(BIN)/python tools/build_site.py

test: packages
	@tools/offline.sh $(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

quick: packages
	@tools/offline.sh $(BIN)/python -m pytest -n $(WORKERS) \
		--touched $(or $(BASE),HEAD) $(ARGS)

lab: packages
	@$(BIN)/python -m jupyterlab --ServerApp.preferred_dir=notebooks

outputs: packages
	@$(BIN)/python tools/outputs.py $(NB)

data: packages
	@$(BIN)/python data/make_all.py $(NAME)

lint: packages
	@$(BIN)/python -m ruff check . && $(BIN)/python -m ruff format --check .

lock: packages
	@$(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 \
		--no-emit-index-url --no-emit-find-links --no-header \
		$(UPGRADE) requirements.in --output-file requirements.txt

links: site-packages
	@$(BIN)/python tools/build_site.py links

pdf epub: packages book
	@$(BIN)/python tools/take_along.py $@

zip: book
	@$(BIN)/python tools/take_along.py zip

assignments: packages
	@$(BIN)/python tools/assignments.py "$(CLASS)"

grade: packages
	@$(BIN)/python tools/assignments.py
	@.venv/class/bin/python tools/grading.py "$(CLASS)" $(NB) $(ARGS)

test-class: packages
	@$(BIN)/python tools/assignments.py
	@TEST_CLASS=1 tools/offline.sh $(BIN)/python -m pytest \
		tests/test_assignments.py $(ARGS)

NO_PYTHON = there is no '$(PYTHON)': install Python 3.11 or newer, or name one \
	with make PYTHON=/path/to/python3.11
site-packages: STAGE = site
packages: STAGE = all
site-packages packages:
	@command -v "$(PYTHON)" >/dev/null || { echo "set-up: $(NO_PYTHON)" >&2; exit 1; }
	@"$(PYTHON)" tools/set_up.py $(STAGE) $(if $(TORCH),--torch $(TORCH))
