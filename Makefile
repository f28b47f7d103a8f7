# One command from a fresh clone to the paper's figures: make
#
# Every path below is relative and goes through .venv/bin/python -m, so that
# the project may lie in a folder with spaces or accents, and may be moved.

PYTHON ?= python3
CORES  ?= all
CONFIG ?=
DIR    ?=
ARGS   ?=

PIP := 26.3
UV := 0.13.9
PIP_AUDIT := 2.10.1
RUN := .venv/bin/python -m
# CONFIG is a file, whose name may hold spaces, or several, of which each is put over those before.
# --configfile takes any number of them, so it may not come last: what follows would join it.
CONFIGURED = set --; [ -z "$(CONFIG)" ] || if [ -f "$(CONFIG)" ]; then set -- --configfile "$(CONFIG)"; \
	else for file in $(CONFIG); do [ -f "$$file" ] || { echo "CONFIG: there is no file $$file" >&2; \
	exit 1; }; done; set -- --configfile $(CONFIG); fi;
SNAKEMAKE_OPTIONS = "$$@" --cores $(CORES) $(if $(DIR),--directory "$(DIR)") $(ARGS)

# A module path set for another project would hide the pinned packages. Without bytecode, which
# images for containers often forbid, every start of Python would compile what it imports.
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := reproduce
.PHONY: reproduce paper toy mnist figures verify report crate test test-machines lint format bench docs api stability setup lock audit clean help

reproduce: setup ## Run everything: train, draw the figures, verify the claims (default)
	@$(CONFIGURED) $(RUN) snakemake $(SNAKEMAKE_OPTIONS)

paper toy mnist figures verify report: setup
	@$(CONFIGURED) $(RUN) snakemake $@ $(SNAKEMAKE_OPTIONS)

paper: ## Draw the paper's own figures, 1 to 7, in figures/paper
toy: ## Run only the one- and two-dimensional experiments
mnist: ## Run only the experiments on images
figures: ## Draw the figures
verify: ## Check the results against the claims
report: ## Put verdicts, figures and run times on one page, results/report.html

crate: setup ## Describe the run as an RO-Crate, ro-crate-metadata.json
	@$(RUN) autoscore.report.crate $(if $(DIR),"$(DIR)")

# By files, since those of tests/workflow share what a run has made.
test: setup ## Run the tests
	@$(RUN) pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

test-machines: setup ## Run the tests under each set of kernels that the processor has
	@$(RUN) tests.machines $(ARGS)

lint: setup ## Check style, formatting and types, changing nothing
	@echo "Checking Python"
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@echo "Checking types"
	@$(RUN) mypy
	@echo "Checking Snakemake"
	@$(RUN) snakefmt --check Snakefile workflow
	@$(RUN) snakemake --lint
	@echo "Checking the hosted workflow"
	@.venv/bin/zizmor --offline --quiet .github/workflows

format: setup ## Format the code and mend what can be mended
	@$(RUN) ruff check --fix .
	@$(RUN) ruff format .
	@$(RUN) snakefmt Snakefile workflow

bench: setup .venv/.peers ## Time the library against its peers (ARGS=training: one benchmark alone)
	@$(RUN) benchmarks $(ARGS)
	@$(RUN) docs

docs: setup ## Write the generated parts of the documentation (ARGS=--check: are they up to date?)
	@$(RUN) docs $(ARGS)

api: setup ## Make the library's pages from its docstrings, build/api/index.html
	@.venv/bin/python -W ignore -m pdoc autoscore --docformat numpy --output-directory build/api
	@echo "Open build/api/index.html"

SEEDS ?= 1 2 3

stability: setup ## Compare runs with other global seeds (SEEDS="1 2 3") with the record
	@$(RUN) docs.stability $(SEEDS) --cores $(CORES) $(ARGS)
	@$(RUN) docs

setup: .venv/.complete ## Install the pinned packages in .venv (the others do it when needed)

# From anywhere below .venv, `import autoscore` finds workflow/autoscore, also after a move, and
# Snakemake finds what the console prints: the plugin beside it.
IMPORTABLE := import pathlib, sysconfig; \
	pathlib.Path(sysconfig.get_path("purelib"), "autoscore.pth").write_text("../../../../workflow\n")

# With a pip of today, which takes two thirds of the time of one that is three years old. All that
# it installs has the hash that the lock says, but for PyTorch, of which there are several builds.
# Of all modules, which take as long to compile as the rest of the set-up, only those that a run
# imports are compiled here. The stamp comes last: a set-up that was cut short starts again.
.venv/.complete: envs/requirements.lock envs/torch.in envs/torch.lock
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'Python 3.11 or newer is needed, and "$(PYTHON)" is not. Try: make PYTHON=python3.12' >&2; \
		exit 1; }
	@echo "Setting up .venv (about a minute, once)"
	@"$(PYTHON)" -m venv --clear .venv
	@$(RUN) pip install --quiet --quiet --disable-pip-version-check pip==$(PIP)
	@$(RUN) pip install --quiet --quiet --disable-pip-version-check --no-compile \
		--require-hashes --no-deps --requirement envs/requirements.lock
	@$(RUN) pip install --quiet --quiet --disable-pip-version-check --no-compile \
		--requirement envs/torch.in --constraint envs/torch.lock
	@.venv/bin/python -c '$(IMPORTABLE)'
	@.venv/bin/python -c 'import snakemake.cli; from run_autoscore import preloaded; preloaded.load()'
	@touch $@
	@echo "Ready. To use it by hand: source .venv/bin/activate"

# What is there is the constraint: a peer may add packages, but change none.
.venv/.peers: .venv/.complete benchmarks/requirements.txt
	@echo "Installing the peers of the benchmarks"
	@$(RUN) pip freeze > .venv/installed.txt
	@$(RUN) pip install --quiet --quiet --disable-pip-version-check \
		--requirement benchmarks/requirements.txt --constraint .venv/installed.txt
	@touch $@

# In an environment of its own, since .venv cannot be set up while a lock disagrees with its list.
# Keeps the pins that still fit; ARGS=--upgrade renews them all.
COMPILE := .venv/lock/bin/python -m uv pip compile --quiet --universal --python-version 3.11 \
	--fork-strategy fewest --strip-extras --no-annotate --custom-compile-command "make lock"

lock: ## Pin every package below envs/requirements.in and envs/torch.in anew
	@"$(PYTHON)" -m venv .venv/lock
	@.venv/lock/bin/python -m pip install --quiet --quiet --disable-pip-version-check uv==$(UV)
	@$(COMPILE) envs/requirements.in --output-file envs/requirements.lock --generate-hashes $(ARGS)
	@$(COMPILE) envs/torch.in --output-file envs/torch.lock \
		--constraint envs/requirements.lock $(ARGS)

# A package that cannot be looked up fails the audit: silence would pass for a clean one.
audit: ## Look for known weaknesses of the pinned packages
	@"$(PYTHON)" -m venv .venv/audit
	@.venv/audit/bin/python -m pip install --quiet --quiet --disable-pip-version-check \
		pip-audit==$(PIP_AUDIT)
	@for list in requirements torch; do \
		.venv/audit/bin/python -m pip_audit --requirement envs/$$list.lock \
			--no-deps --disable-pip --strict --progress-spinner off $(ARGS) || exit; \
	done

clean: ## Delete what the pipeline made in results/ and figures/
	@for made in results figures; do \
		if [ -d "$(or $(DIR),.)/$$made" ]; then \
			(cd "$(or $(DIR),.)/$$made" && find . -mindepth 1 ! -path ./README.md -delete); \
		fi; \
	done

help: ## Show this list
	@echo "make [target] [CONFIG=file] [CORES=n] [DIR=folder] [ARGS=...] [PYTHON=python3]"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1|\2/p' Makefile | while IFS='|' read -r target text; do \
		printf '%-15s %s\n' "$$target" "$$text"; done
