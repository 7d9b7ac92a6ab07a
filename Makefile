# make demo   from nothing to results/demo/eval.json, a preview and the demo's accuracy
# make test   what continuous integration runs before make test-slurm
# make test-slurm   the workflow on a SLURM that is brought up for it; as root, with Debian's slurm-wlm and munge
# All install into .venv first, if that has not been done.
PYTHON ?= python3
CORES ?= all
BIN := .venv/bin

.PHONY: install demo test test-slurm lint unit workflows clean

install: .venv/.installed

.venv/.installed: pyproject.toml constraints.txt l2l/weights/weights.yaml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "l2l needs Python 3.11 or newer, $(PYTHON) is older: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo,dev]'
	$(BIN)/l2l weights fetch mediapipe
	@touch $@

demo: install
	$(BIN)/snakemake --cores $(CORES) results/demo/eval.json results/demo/accuracy.json results/demo/preview.mp4

test: lint unit workflows

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check workflow
	$(BIN)/snakemake --lint

unit: install
	$(BIN)/pytest -m "not workflow and not slurm"

workflows: install
	$(BIN)/pytest -m workflow

test-slurm: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[slurm]'
	$(BIN)/pytest -m slurm tests/slurm

# What is computed goes; recordings and downloads stay.
clean:
	rm -rf results/demo data/demo data/raw/demo
