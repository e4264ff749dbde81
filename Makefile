# `make help` lists the targets. Only `make smoke` needs an AWS account.

SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .tools/venv
TOOLS := $(VENV)/installed
PYTHON := $(VENV)/bin/python
CHECKS := .tools/checks
EDITOR := .tools/editor
CDK := infra/cdk
CDK_TOOLS := $(CDK)/node_modules/installed
BROWSER := .tools/browser
CALLS := target/reports/calls
# The whole calls of the functions (test-stacks), and of the adapters' tests (test-rust).
EXCHANGES := target/reports/exchanges
EXPORTS := target/local-cloud/exports.sh
# Runs a command whose local clouds start moto by a fork, in a tenth of the time.
WITH_FORKS := $(PYTHON) tests/local-cloud/moto_forks.py serve
# One set of features for the whole workspace: the SDKs are compiled once, for programs and tests.
CARGO_BUILD := cargo build --locked --workspace
NEXTEST := $(shell command -v cargo-nextest 2>/dev/null)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## The life of one environment on the local cloud (KEEP=1 keeps it running)
	@KEEP=$(KEEP) $(PYTHON) tests/end_to_end/demo.py

.PHONY: cloud
cloud: build ## Run the local cloud in the foreground, and print its endpoint and settings
	@$${CARGO_TARGET_DIR:-target}/debug/local-cloud --exports $(EXPORTS)

.PHONY: deploy-local
deploy-local: build ## Deploy the built functions to the local cloud that `make cloud` runs in another terminal
	@$(PYTHON) tests/end_to_end/deploy_local.py $(EXPORTS)

.PHONY: bench
bench: build ## Figures: times, calls, planning, compared with a boto3 script (target/reports/bench.json)
	@$(PYTHON) tests/bench/bench.py

.PHONY: campaign
campaign: build ## Crashes, faults and reordered requests, exhaustively: a table and target/reports/campaign.json (10,000 schedules of rollouts alone take over an hour)
	@mkdir -p target/reports
	@$${CARGO_TARGET_DIR:-target}/debug/campaign --report target/reports/campaign.json

.PHONY: package
package: $(TOOLS) ## Package the functions for deployment, and print their sizes (about 25 minutes the first time)
	$(PYTHON) infra/package.py

.PHONY: package-cli
package-cli: $(TOOLS) ## Package the command line (target/package/ARCHITECTURE/envkeeper, about 15 minutes the first time)
	$(PYTHON) infra/package_cli.py

.PHONY: figures
figures: ## Write tests/bench/FIGURES.md from the reports of bench, campaign and judge
	$(PYTHON) tests/bench/figures.py

.PHONY: prose
prose: ## Rates of the private vocabulary in comments, documents, texts, test names and Python (target/reports/prose.json)
	python3 tests/prose/count.py --report target/reports/prose.json

.PHONY: smoke
smoke: $(TOOLS) ## Run against a real AWS account. Asks first, costs some cents (STACK=…: the deployment's stack; LOCAL=1: on the local cloud)
	@$(PYTHON) tests/smoke/smoke.py $(if $(STACK),--stack $(STACK)) $(if $(LOCAL),--local)

# The Python tools and the compiler side by side: one after the other, each leaves a core idle for minutes.
.PHONY: test
test: ## All checks of CI, except stale files and advisories (.ci/run)
	@$(MAKE) --jobs 2 --output-sync=line lint compile
	@$(MAKE) test-rust test-browser test-stacks test-permissions judge

.PHONY: compile
compile: ## Compile all programs and tests
ifdef NEXTEST
	cargo nextest run --locked --workspace --no-run
else
	cargo test --locked --workspace --no-run
endif
	$(CARGO_BUILD)

.PHONY: lint
lint: $(TOOLS) test-templates test-cdk licences ## Format, lints, the templates, and the CDK construct
	cargo fmt --check
# In CI each compilation lints its crate as well.
ifndef RUSTC_WORKSPACE_WRAPPER
	cargo clippy --locked --workspace --all-targets -- -D warnings
endif

.PHONY: test-templates
test-templates: $(TOOLS) $(CHECKS)/installed $(EDITOR)/installed ## Templates, policies, schemas: cfn-lint, cfn-guard, checkov, a policy linter, an editor; and the tests of the Python tools
	$(VENV)/bin/cfn-lint infra/*.yaml infra/examples/*.yaml infra/rules/red/*.yaml
	$(CHECKS)/bin/python -m unittest discover --start-directory tests/validators
	$(PYTHON) -m unittest discover --start-directory tests/authoring
	$(PYTHON) -m unittest discover --start-directory tests/bench
	$(PYTHON) -m unittest discover --start-directory tests/prose
	$(PYTHON) -m unittest discover --start-directory tests/api-models

# Without the tools the tests that need them are skipped.
.PHONY: test-cdk
test-cdk: $(TOOLS) $(CDK_TOOLS) ## The CDK construct: compile, unit tests, and its example by schema and cfn-lint
	if [ -e $(CDK_TOOLS) ]; then cd $(CDK) && npm run --silent build && npm test --silent; fi
	$(PYTHON) -m unittest discover --start-directory tests/cdk

.PHONY: test-cdk-stack
test-cdk-stack: build test-cdk ## The example of the CDK construct on the local cloud, which test-stacks includes
	$(PYTHON) tests/end_to_end/run.py test_cdk.Cdk

.PHONY: package-cdk
package-cdk: test-cdk ## Package the CDK construct for npm and Python (infra/cdk/dist)
	cd $(CDK) && npm run --silent package

.PHONY: licences
licences: $(CHECKS)/installed ## Licences, sources and bans of all crates, by deny.toml
	$(CHECKS)/bin/cargo-deny --locked check licenses bans sources

.PHONY: advisories
advisories: $(CHECKS)/installed ## Known advisories of all crates: needs the RustSec database and a network
	$(CHECKS)/bin/cargo-deny --locked check advisories

.PHONY: test-core
test-core: ## Tests of the pure core without the AWS SDK, a minute from cold
	cargo test --locked --package environment --package ledger --quiet

# The adapters' tests mostly wait. With six tests at a time, some that observe a change found it in the middle.
.PHONY: test-rust
test-rust: $(TOOLS) ## Unit, property, golden and adapter tests
	rm -rf $(EXCHANGES)/adapters
ifdef NEXTEST
	EXCHANGES=$(CURDIR)/$(EXCHANGES)/adapters $(WITH_FORKS) cargo nextest run --locked --workspace --test-threads 4
else
	EXCHANGES=$(CURDIR)/$(EXCHANGES)/adapters $(WITH_FORKS) cargo test --locked --workspace
endif

# Without Chromium the tests are skipped, with the packages to install.
.PHONY: test-browser
test-browser: $(BROWSER)/installed ## The timeline in a headless Chromium: page and widget, three widths, light and dark
	cargo build --locked --workspace --example draw
	$(BROWSER)/bin/python -m unittest discover --start-directory tests/browser

# Not in CI: fonts differ from machine to machine.
.PHONY: screenshots
screenshots: $(BROWSER)/installed ## Write the pictures of the documents, infra/pictures (needs Chromium)
	cargo build --locked --workspace --example draw
	$(BROWSER)/bin/python tests/browser/screenshots.py

.PHONY: test-stacks
test-stacks: build ## Stacks on the local cloud, end to end; each function is limited to its policy
	rm -rf $(CALLS) $(EXCHANGES)/stacks
	$(WITH_FORKS) $(PYTHON) tests/end_to_end/run.py

.PHONY: test-attacks
test-attacks: build ## The attacks alone, which test-stacks includes: roles with one narrow right, on the local cloud
	$(PYTHON) tests/end_to_end/run.py attacks

.PHONY: test-permissions
test-permissions: build ## Compare the functions' policies with the calls that test-stacks recorded, in both directions
	$${CARGO_TARGET_DIR:-target}/debug/permissions $(CALLS)

# Without a prerequisite: test-rust and test-stacks take half an hour, and their recordings remain.
.PHONY: judge
judge: $(TOOLS) ## Compare the calls that test-rust and test-stacks recorded with AWS's API models (target/reports/api-models.json)
	$(PYTHON) tests/api-models/judge.py $(EXCHANGES)

.PHONY: build
build: $(TOOLS) ## Build the functions and the local cloud (the first time takes about ten minutes)
	$(CARGO_BUILD)

.PHONY: tools
tools: $(TOOLS) ## Install the pinned Python tools into .tools (emulators, AWS CLI, cargo-lambda)

# pip compiles the tools' bytecode: without it each start of an emulator would compile again, for three seconds.
$(TOOLS): tests/tools/requirements.txt
	@echo 'Installing the pinned Python tools into .tools (about a minute, 900 MB)'
	python3 -m venv --clear $(VENV)
	$(PYTHON) -m pip install --quiet --no-deps --only-binary :all: --require-hashes --requirement $<
	touch $@

$(CHECKS)/installed: tests/tools/requirements-checks.txt
	@echo 'Installing the pinned checks of templates and policies into .tools'
	python3 -m venv --clear $(CHECKS)
	$(CHECKS)/bin/python -m pip install --quiet --no-deps --only-binary :all: --require-hashes --requirement $<
	touch $@

$(BROWSER)/installed: tests/tools/requirements-browser.txt
	@echo 'Installing the pinned driver of the browser tests into .tools (20 MB)'
	python3 -m venv --clear $(BROWSER)
	$(BROWSER)/bin/python -m pip install --quiet --no-deps --only-binary :all: --require-hashes --requirement $<
	touch $@

# Without Node.js or its registry the editor test is skipped.
$(EDITOR)/installed: tests/authoring/editor/package-lock.json
	@echo 'Installing the language server of the editor test into .tools (27 MB)'
	mkdir -p $(EDITOR)
	cp tests/authoring/editor/package.json $< $(EDITOR)
	cd $(EDITOR) && timeout 120 npm ci --ignore-scripts --no-audit --no-fund && touch installed || echo 'The editor test is skipped: npm could not install it.'

# Without Node.js or its registry the tests of the construct are skipped.
$(CDK_TOOLS): $(CDK)/package-lock.json
	@echo 'Installing the CDK and its compiler of constructs into $(CDK)/node_modules (223 MB)'
	cd $(CDK) && timeout 300 npm ci --ignore-scripts --no-audit --no-fund && touch node_modules/installed || echo 'The tests of the construct are skipped: npm could not install its tools.'

.PHONY: clean
clean: ## Remove build outputs and tools
	cargo clean
	rm -rf .tools $(addprefix $(CDK)/, node_modules lib dist)
