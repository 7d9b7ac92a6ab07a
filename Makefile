# make demo   from nothing to results/demo/report.html, a preview and the demo's accuracy
# make test   what continuous integration runs before make test-slurm
# make test-slurm   the workflow on a SLURM that is brought up for it; as root, with Debian's slurm-wlm and munge
# make audit  compare the pinned packages with published faults; asks the package index and its database of advisories
# make hashes write constraints-hashes.txt anew, for this platform, after constraints.txt has changed; asks the package index
# All but the last two install into .venv first, if that has not been done.
PYTHON ?= python3
CORES ?= all
BIN := .venv/bin
# Python compiles a module when it is first imported; compiling all of them takes longer than installing them.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt
# One test process more than cores, for a test also waits: for a clock, a disk, a program that it has started. Each has one
# thread; the tests of a file share what they prepare.
NPROC = $(shell $(PYTHON) -c 'import os; print(len(getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count()))(0)))')
PROCESSES = $(shell expr $(if $(filter all,$(CORES)),$(NPROC),$(CORES)) + 1)
PYTEST = $(BIN)/pytest -n $(PROCESSES) --dist loadscope --no-loadscope-reorder
# Every step is a Python process; where none of them may keep what it compiled, importing torch takes twice as long.
export PYTHONDONTWRITEBYTECODE :=
LINTERS := ruff ruff-format mypy snakefmt snakemake-lint

.PHONY: install demo test test-slurm lint $(LINTERS) unit workflows picture audit hashes clean

install: .venv/.installed

.venv/.installed: pyproject.toml constraints.txt l2l/weights/weights.yaml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "l2l needs Python 3.11 or newer, $(PYTHON) is older: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP) -e '.[demo,dev]'
	$(BIN)/l2l weights fetch mediapipe face_landmarker
	@touch $@

demo: install
	$(BIN)/snakemake --cores $(CORES) results/demo/report.html results/demo/accuracy.json results/demo/preview.mp4

# Unit tests and workflows together: while one process runs a workflow, the others go on.
test: lint
	$(PYTEST) -m "not slurm and not strace"

lint: install
	@$(MAKE) --no-print-directory --output-sync --jobs $(LINTERS)

ruff:
	$(BIN)/ruff check .
ruff-format:
	$(BIN)/ruff format --check .
mypy:
	$(BIN)/mypy --num-workers 2
snakefmt:
	$(BIN)/snakefmt --check workflow
snakemake-lint:
	$(BIN)/snakemake --lint

unit: install
	$(PYTEST) -m "not workflow and not slurm and not strace"

workflows: install
	$(PYTEST) -m workflow

test-slurm: install
	$(PIP) -e '.[slurm]'
	$(BIN)/pytest -m slurm tests/slurm

# The README's moving picture, 8 seconds of the demo's preview. Look at it before it is committed.
picture: demo
	$$($(BIN)/python -c 'from l2l.video.media import ffmpeg_path; print(ffmpeg_path())') -y -loglevel error -ss 3 -t 8 \
	  -i results/demo/preview.mp4 -an -vf fps=10,scale=640:-1 -c:v libwebp_anim -q:v 30 -loop 0 docs/demo.webp

# Tools that nothing else needs, in an environment of their own.
.venv-tools/bin/%:
	$(PYTHON) -m venv .venv-tools
	.venv-tools/bin/python -m pip install --quiet pip-audit uv

# --strict: a package that could not be compared is a failure too.
audit: .venv-tools/bin/pip-audit
	.venv-tools/bin/pip-audit --strict --no-deps --disable-pip -r constraints-hashes.txt

hashes: .venv-tools/bin/uv
	.venv-tools/bin/uv pip compile --quiet --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  --python-version 3.11 -o constraints-hashes.txt constraints.txt

# What is computed goes; recordings and downloads stay.
clean:
	rm -rf results/demo data/demo data/raw/demo
