# `make check` is what continuous integration runs after the tests. PYTHON: an environment with the lock's test group.
PYTHON ?= $(firstword $(wildcard /opt/paas-tests/venv/bin/python /opt/paas-dev/bin/python .venv/bin/python) python3)
UV ?= uv

.PHONY: check lint types structure test bench docs screenshots lock

check: lint types structure

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types:
	$(PYTHON) -m mypy
	$(PYTHON) -m mypy app.py
	cd deploy && $(PYTHON) -m mypy --strict --package installer

structure:
	$(PYTHON) -m pytest -q tests/test_architecture.py tests/test_documentation.py

test:
	tests/run

bench:
	$(PYTHON) -m tests.bench

screenshots:
	$(PYTHON) -m tests.screenshots build/screenshots

docs:
	$(PYTHON) -m docs.generate

lock:
	$(UV) lock --python /usr/bin/python3
