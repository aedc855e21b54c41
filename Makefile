# Two commands: `make run` opens the app, `make test` runs lint, types and tests. Both set up what they need.
PYTHON ?= python3
# Or lowest.txt or newest.txt: the ends of the ranges in requirements.txt.
PINS ?= constraints.txt
# https://download.pytorch.org/whl/cpu has a torch without CUDA, of a tenth of the size.
TORCH_INDEX ?=
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
CLICKING := tests/browser
# With the clicks that fit beside those that wait: a lane each, so that both cores are busy to the end.
WAITING := tests/rerankers/test_hub.py tests/batch/test_distributed.py tests/interface/test_space.py \
	$(addprefix tests/browser/test_,api.py audit.py cards.py explain.py host.py lab_inside.py probes.py public.py)
ARGS ?=

.PHONY: run test mutants fuzz screenshot browser clean

run: .venv/app
	$(BIN)/python app.py $(ARGS)

# Types and three lanes of tests beside each other: those that click, those that wait for processes of their own, and all
# others, which leave room for both. What they say is printed after the first; Ctrl-C ends all.
test: export OMP_NUM_THREADS = 1
# What one lane has compiled, the others and their apps read.
test: export PYTHONDONTWRITEBYTECODE =
test: .venv/dev browser
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@said=$$(mktemp -d); trap 'kill $$types $$waiting $$others 2>/dev/null; rm -rf $$said' EXIT; \
	trap 'exit 130' INT TERM; failed=0; \
	$(BIN)/mypy & types=$$!; \
	$(PYTEST) $(WAITING) >$$said/waiting 2>&1 & waiting=$$!; \
	nice $(PYTEST) $(addprefix --ignore=,$(CLICKING) $(WAITING)) >$$said/others 2>&1 & others=$$!; \
	$(PYTEST) $(CLICKING) $(addprefix --ignore=,$(filter $(CLICKING)/%,$(WAITING))) || failed=1; \
	for lane in $$waiting $$others; do wait $$lane || failed=1; done; cat $$said/*; \
	wait $$types || { failed=1; echo "mypy has found errors; they stand above"; }; exit $$failed

# Which small faults would no test notice? About 20 minutes; stored in benchmarks/mutants.md.
mutants: .venv/dev
	$(BIN)/python -m tests.mutants $(ARGS)

# 10,000 hostile requests, cards and lists, some through the page; the tests run 150 of them. Stored in tests/fuzz.json.
fuzz: .venv/dev browser
	$(BIN)/python -m tests.fuzz $(ARGS)

screenshot: .venv/dev browser
	$(BIN)/python -m tests.browser.screenshot

# Which Python, before anything is downloaded; any Python can read this line, so that it can say so.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; v >= (3, 11) or sys.exit("error: %s is Python %d.%d; Rerank Lens needs \
	3.11 or later. Name another one: make PYTHON=python3.12" % ((sys.executable,) + v))'
	$(PYTHON) -m venv .venv

# torch first and alone: its wheel is chosen before anything else can ask for another.
.venv/app: requirements.txt $(PINS) | $(BIN)/python
	$(BIN)/pip install --quiet $(if $(TORCH_INDEX),--no-deps --index-url $(TORCH_INDEX)) -c $(PINS) "torch<=2.13.0"
	$(BIN)/pip install --quiet -c $(PINS) -r requirements.txt
	touch $@

.venv/dev: .venv/app requirements-dev.txt
	$(BIN)/pip install --quiet -c $(PINS) -r requirements-dev.txt
	touch $@

lowest.txt: requirements.txt | $(BIN)/python
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --python $(BIN)/python --resolution lowest-direct requirements.txt -o $@

newest.txt:
	touch $@

# Tests click through the page in Chromium, its headless shell where there is one, and call it by curl.
browser:
	@command -v chromium-headless-shell >/dev/null && command -v curl >/dev/null || \
	(apt-get update -qq && apt-get install -y -qq chromium-headless-shell curl fonts-noto-cjk) >/dev/null 2>&1 || \
	(command -v chromium && command -v curl) >/dev/null || \
	{ echo "error: the tests need chromium-headless-shell or chromium, and curl; please install both"; exit 1; }

clean:
	rm -rf .venv
