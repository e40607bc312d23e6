# The few words a newcomer types; each sets up what it needs and reuses it.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/installed
DOCS := .venv-docs

.PHONY: help demo test lint unit slow lowest chromium bench figures docs notebook clean

help:
	@echo "make demo   reconstruct bundled speech from every layer, and write a page to listen to"
	@echo "make test   lint, types, doctests and tests: everything CI runs"
	@echo "make lint   lint and types alone"
	@echo "make unit   doctests and tests alone"
	@echo "make slow   the tests that take minutes each: kills, wheels, exports, full disks"
	@echo "make lowest the main scripts with the lowest versions that setup.py declares"
	@echo "make bench  patches per second to each tap, beside a bare convolution's rate"
	@echo "make figures LJSPEECH=DIR  measures layer_1 and layer_3 on LJ050 anew: no figure may move"
	@echo "make docs   the documentation site in site/; a broken link is an error"
	@echo "make notebook  runs docs/notebook.ipynb anew, and keeps what it shows"
	@echo "make clean  remove environments, site and what builds left; results and runs in build/ stay"

$(INSTALLED): setup.py
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: $(INSTALLED)
	$(BIN)/python scripts/demo.py --output_dir=build/demo

# The tests leave a core idle for moments that lint can have.
test: $(INSTALLED) chromium
	$(MAKE) --no-print-directory --jobs=2 lint unit

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

unit: $(INSTALLED) chromium
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadscope --no-loadscope-reorder

slow: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadscope --no-loadscope-reorder -m slow

# uv resolves to the lowest direct dependencies, which pip cannot.
.venv-lowest/installed: setup.py
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.5,<1'
	.venv-lowest/bin/uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct --editable .
	touch $@

lowest: .venv-lowest/installed
	rm -rf build/lowest
	.venv-lowest/bin/python tools/smoke.py --output_dir=build/lowest

# The page is tested in a real browser; without one, and away from CI, those tests are skipped.
chromium:
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null \
	  || (test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	      && apt-get update -qq && apt-get install -y -qq chromium chromium-driver >/dev/null) \
	  || echo "no Chromium: apt-get install chromium chromium-driver to run the browser tests"

bench: $(INSTALLED)
	$(BIN)/python benchmarks/targets.py

figures: $(INSTALLED)
	$(BIN)/python benchmarks/figures.py --data_dir=$(LJSPEECH)

# The site is read from the sources, so its packages are enough: setup.py's extra, without TensorFlow.
$(DOCS)/installed: setup.py
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check 'setuptools>=70'
	$(DOCS)/bin/python -c 'import setuptools; from distutils import core; print(*core.run_setup("setup.py", stop_after="init").extras_require["docs"], sep="\n")' > $(DOCS)/requirements.txt
	$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $(DOCS)/requirements.txt
	touch $@

docs: $(DOCS)/installed
	PATH="$(abspath $(DOCS)/bin):$$PATH" NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict

# The notebook's kernel belongs to the site's packages; what it imports, to the package's.
notebook: $(INSTALLED) $(DOCS)/installed
	PYTHONPATH="$(CURDIR):$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
	  TF_CPP_MIN_LOG_LEVEL=3 $(DOCS)/bin/jupyter nbconvert --to notebook --execute --inplace docs/notebook.ipynb

# Not build/ as a whole: runs and results of days may lie there.
clean:
	rm -rf .venv .venv-lowest $(DOCS) build/lib build/bdist.* site *.egg-info
