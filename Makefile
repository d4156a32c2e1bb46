# Everything a person or CI does with this repository. Targets call `.venv/bin/pilote` and the tools beside it.
PYTHON ?= python3
BIN := .venv/bin
STATIC := services/control/console/static/manifest.json

# Set in many images. Without what Python keeps of modules, each process of the tests compiles all of them: 20 s of CPU.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup run test test-integration audit-dependencies sbom bench ablation growth steps load protos release-protos clean

setup: .venv/.ready $(STATIC)

.venv/.ready: pyproject.toml constraints.txt
	PYTHON=$(PYTHON) ./.ci/venv
	touch $@

# What the console's pages load in browsers.
$(STATIC): .ci/assets $(shell find services/control/console/assets -type f) | .venv/.ready
	./.ci/assets

run: setup
	$(BIN)/pilote demo

test: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	PATH="$(CURDIR)/$(BIN):$$PATH" protos/build check
	$(BIN)/python .ci/audit-dependencies --lenient
	$(BIN)/pytest -n auto --dist loadfile

# Whether anything that is pinned has a known vulnerability; says so where that could not be found out.
audit-dependencies: setup
	$(BIN)/python .ci/audit-dependencies

# What Pilote is made of, as CycloneDX, into .build.
sbom: setup
	.ci/sbom

test-integration: setup
	$(BIN)/pytest -n auto --dist loadfile -m integration
	$(BIN)/pytest -n auto --dist loadfile -m thorough --hypothesis-profile=thorough
	$(BIN)/pytest -n auto --dist loadfile --engine envoy tests/e2e

load: setup
	$(BIN)/python -m loadtests.load $(SCENARIO) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(RATE),--rate $(RATE))

bench: setup
	$(BIN)/python -m loadtests.bench
	$(BIN)/python -m loadtests.audit
	$(BIN)/python -m loadtests.console
	$(BIN)/python -m loadtests.visible
	$(BIN)/python -m loadtests.intake
	$(BIN)/python -m loadtests.doors
	$(BIN)/python -m loadtests.insights
	$(BIN)/python -m loadtests.kpis

# What each check and each step of a call costs, and whether what a call costs grows with what a company has; ENGINE=envoy
# for the other engine.
ablation: setup
	$(BIN)/python -m loadtests.ablation $(if $(ENGINE),--engine $(ENGINE))

growth: setup
	$(BIN)/python -m loadtests.growth $(if $(ENGINE),--engine $(ENGINE))

steps: setup
	$(BIN)/python -m loadtests.steps $(if $(ENGINE),--engine $(ENGINE))

protos: setup
	PATH="$(CURDIR)/$(BIN):$$PATH" protos/build generate

release-protos: setup
	PATH="$(CURDIR)/$(BIN):$$PATH" protos/build release

clean:
	rm -rf .venv .build .pilote .bench services/control/console/static
