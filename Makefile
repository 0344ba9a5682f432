# The same five words on a laptop and in CI.
PYTHON := .venv/bin/python
.PHONY: setup check test bench demo lock format docs pictures clients test-clients fuzz fuzz-native compiled

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

# The clients of others that the journeys talk through, each with its own packages beside the environment.
clients:
	$(PYTHON) -m pip install -q --require-hashes --no-deps --upgrade --target .gnomon/clients -r requirements/clients.txt
	mkdir -p .gnomon/clients-node && cp tests/clients/package*.json .gnomon/clients-node/
	! command -v npm >/dev/null || npm ci --silent --prefix .gnomon/clients-node

test-clients: clients
	$(PYTHON) -m pytest -rs tests/journeys/test_clients_openai.py tests/journeys/test_clients_foreign.py

# Coverage-guided bytes against both HTTP ends, and what that found once more against the compiled modules; what these
# and their sources make of the same; streams of any shape; then requests by the published description. FUZZ_S seconds each.
FUZZ_S ?= 120
FUZZED = PYTHONPATH=$(CURDIR)/src:$(CURDIR):$(CURDIR)/.gnomon/fuzz $(PYTHON)
fuzz: compiled
	$(PYTHON) -m pip install -q --require-hashes --no-deps --upgrade --target .gnomon/fuzz -r requirements/fuzz.txt
	$(FUZZED) tests/fuzz/atheris_http.py $(FUZZ_S) .gnomon/fuzz-corpus
	GNOMON_TEST_COMPILED=1 $(FUZZED) tests/fuzz/atheris_http.py $(FUZZ_S) .gnomon/fuzz-corpus
	$(FUZZED) tests/fuzz/twins.py $(FUZZ_S)
	$(FUZZED) tests/fuzz/beside.py $(FUZZ_S)
	$(FUZZED) tests/fuzz/contract.py $(FUZZ_S)

# The C files under the sanitizers, against their twins in Python, for FUZZ_S seconds.
fuzz-native:
	PYTHONPATH=$(CURDIR)/src:$(CURDIR) $(PYTHON) tests/fuzz/native.py $(FUZZ_S)

# As `./gnomon` builds them where a gateway starts.
compiled:
	./gnomon test --version >/dev/null
