# The same five words on a laptop and in CI.
PYTHON := .venv/bin/python
.PHONY: setup check test bench demo lock format docs pictures

setup:
	./gnomon test --version

check:
	$(PYTHON) -m ruff format --check src tests bench docs/images
	$(PYTHON) -m ruff check src tests bench docs/images
	$(PYTHON) -m mypy
	.venv/bin/lint-imports
	$(PYTHON) -m gnomon.cli.docs --check

test:
	./gnomon test

bench: $(patsubst bench/%/run.py,bench-%,$(wildcard bench/*/run.py))

bench-%:
	$(PYTHON) bench/$*/run.py

demo:
	./gnomon demo

format:
	$(PYTHON) -m ruff check --fix src tests bench docs/images
	$(PYTHON) -m ruff format src tests bench docs/images

docs:
	$(PYTHON) -m gnomon.cli.docs

lock:
	sh requirements/lock.sh

pictures:
	$(PYTHON) docs/images/make.py
