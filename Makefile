# Every target makes its own virtual environment from requirements.lock; a bare machine needs Python >= 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP_FLAGS := -qqq --disable-pip-version-check --retries 2 --log $(VENV)/pip.log
# Figures and tests use the control plane that is built or cached here; real users' `mlstack sandbox` tries a download first.
TEST_ENV := MLSTACK_DOWNLOAD=0 MLSTACK_SANDBOX_BUILD=1

.PHONY: demo test quick lint bench bench-full test-slow test-real lock wheel clean

demo: $(READY)
	@PATH="$(CURDIR)/$(BIN):$$PATH" MLSTACK_SANDBOX_BUILD=1 bash demo/walkthrough.sh

# Three, on two cores, too: clusters are mostly waited for (tests/order.py says who runs what).
test: $(READY)
	@$(TEST_ENV) $(BIN)/python -m pytest -q -n 3 --dist loadfile -m "not slow" --durations=15 tests

quick: $(READY)
	@$(BIN)/python -m pytest -q tests/compose tests/plan tests/app tests/cli tests/actions

test-slow: $(READY)
	@$(TEST_ENV) $(BIN)/python -m pytest -q -m slow tests

# On a real node: kubelet, containers, images (tools/realnode/README.md). Linux and root; ALL=1: the long ones, too.
test-real: $(READY)
	@$(TEST_ENV) $(BIN)/python -m tools.realnode images $(if $(ALL),--all)
	@$(TEST_ENV) MLSTACK_REAL=1 $(BIN)/python -m pytest -q $(if $(ALL),,-m "not slow") -rP --durations=15 tests/real

lint: $(READY)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

bench: $(READY)
	@$(TEST_ENV) $(BIN)/python -m bench

# An hour and a half on a quiet machine: up to 5,000 objects and 100 ms. Interrupted, it goes on where it was.
bench-full: $(READY)
	@$(TEST_ENV) $(BIN)/python -m bench --full --resume

wheel: $(READY)
	@$(BIN)/python -m hatchling build -t wheel

# After a change of pyproject.toml's dependencies. The lock holds hashes and no index addresses.
lock:
	@$(BIN)/pip install -q uv && $(BIN)/uv pip compile -q --universal --generate-hashes --no-annotate --no-emit-index-url \
	  --custom-compile-command "make lock" --python-version 3.11 --group dev -o requirements.lock pyproject.toml

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "mlstack needs Python >= 3.11 with venv (Debian, Ubuntu: apt-get install python3-venv make; or say PYTHON=python3.12)."; exit 1; }
	@echo "Installing pinned dependencies into $(VENV) (about a minute)."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install $(PIP_FLAGS) --require-hashes -r requirements.lock >/dev/null 2>&1 && \
	  $(BIN)/python -m pip install $(PIP_FLAGS) --no-deps --no-build-isolation -e . >/dev/null 2>&1 || \
	  { echo "The first run fills $(VENV) from the package index and could not (no network?); $(VENV)/pip.log says why."; exit 1; }
	@touch $(READY)

clean:
	@rm -rf $(VENV) dist build
