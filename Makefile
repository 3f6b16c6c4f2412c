# `make help` lists the targets. Every one makes what it needs (tools/bootstrap) and can be repeated and interrupted.

INVENTORY ?= inventories/local
DEST ?= build/render

RUN := tools/run
DEV := tools/run --dev
PLAYBOOK := $(RUN) ansible-playbook --inventory $(INVENTORY)
STAGES := $(DEV) python tools/stages.py
# How much is enough is asked of both together (make coverage).
MEASURED := --cov --cov-report= --cov-fail-under=0

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: $(shell sed -n 's/^\([a-z0-9-]*\):.*/\1/p' $(firstword $(MAKEFILE_LIST)))

##@ Start here

quickstart: ## From nothing to a green DAG on a Kubernetes of its own on this machine
	@$(RUN) ansible-playbook --inventory inventories/local playbooks/quickstart.yml

test: ## Every check and test, from a bare machine; the summary is the last thing printed
	@$(STAGES) test

test-full: ## `make test`, every other molecule scenario, mutations, runs killed anywhere, a search for secrets, and benchmarks
	@$(STAGES) test-full

help: ## This list
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@printf '\n%s\n' 'Any other command in the same environment: tools/run ansible-playbook playbooks/status.yml'

##@ Evaluation cluster

cluster-up: ## Start the evaluation cluster, or leave it as it is
	@$(RUN) ansible-playbook --inventory inventories/local playbooks/local_cluster.yml --tags cluster

addons: ## Add KEDA to it, with which tests scale (its first build takes a quarter of an hour or more)
	@$(RUN) ansible-playbook --inventory inventories/local playbooks/local_cluster.yml --tags cluster \
		--extra-vars '{"local_cluster_addons": ["coredns", "local-path", "metrics-server", "keda"]}'

cluster-down: ## Stop it and remove all that it left on the machine
	@$(RUN) ansible-playbook --inventory inventories/local playbooks/local_cluster.yml --extra-vars local_cluster_state=absent

cluster-status: ## Tell what runs of it; fails unless it is ready
	@$(RUN) ansible-playbook --inventory inventories/local playbooks/local_cluster.yml --extra-vars local_cluster_state=status

images: ## Build the images that inventories/local names, and load them into the cluster
	@$(RUN) ansible-playbook --inventory inventories/local playbooks/local_cluster.yml --tags images

api-up: ## Start etcd and kube-apiserver alone: seconds, no root, enough for tests of modules
	@$(RUN) ansible-playbook --inventory inventories/local playbooks/local_cluster.yml --extra-vars local_cluster_components=api

api-down: ## Stop them
	@$(RUN) ansible-playbook --inventory inventories/local playbooks/local_cluster.yml \
		--extra-vars local_cluster_components=api --extra-vars local_cluster_state=absent

##@ Airflow

render: ## Write one YAML file per object, without a cluster (INVENTORY=inventories/prod DEST=/some/dir)
	@$(PLAYBOOK) playbooks/render.yml --extra-vars 'render_dest=$(abspath $(DEST))'

screenshot: ## Take docs/images/quickstart.png of the quickstart's running UI
	@$(DEV) python tools/screenshot.py

##@ Checks and tests, one by one

lint: ## All static checks
	@$(STAGES) lint

lint-ansible: ## ansible-lint, profile production
	@$(DEV) ansible-lint

lint-python: ## ruff: rules and format
	@$(DEV) ruff check .
	@$(DEV) ruff format --check .

lint-shell: ## shellcheck
	@$(DEV) shellcheck .ci/run tools/bootstrap tools/lock tools/run roles/local_images/files/helpers/apt-install \
		$(wildcard roles/local_images/files/images/*/*.sh roles/local_images/files/images/*/*/*.sh roles/local_images/files/images/*/*/prepare)

lint-types: ## mypy, strict
	@$(DEV) mypy --no-incremental plugins tools

lint-docs: ## antsibull-docs: the documentation of every plugin and role
	@$(DEV) antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=self .

lint-changelog: ## antsibull-changelog
	@$(DEV) antsibull-changelog lint

lint-generated: ## Fails where a generated file is not current
	@$(DEV) python tools/role_specs.py --check
	@$(DEV) python tools/generate.py --check

sanity: ## ansible-test sanity, all tests, no ignores
	@$(DEV) python tools/sanity.py

test-unit: ## pytest on values, renders, engine and modules
	@mkdir -p build/coverage
	@COVERAGE_FILE=build/coverage/unit $(DEV) pytest $(MEASURED) tests/unit

test-api: ## Modules and roles against a real kube-apiserver
	@mkdir -p build/coverage
	@COVERAGE_FILE=build/coverage/api $(DEV) pytest $(MEASURED) --numprocesses=2 --dist=loadfile tests/api

coverage: ## Fails where test-unit and test-api left out too much of values, renderer and engine
	@$(DEV) coverage combine --quiet --keep --data-file=build/coverage/all build/coverage/unit build/coverage/api
	@$(DEV) coverage report --data-file=build/coverage/all

mutations: ## Break the rules of the renderer one by one, and see that tests find each
	@$(DEV) python tools/mutations.py

test-e2e: ## Images, modules and instances against the real thing (make cluster-up images addons)
	@$(DEV) pytest -m "not full and not alone" --numprocesses=2 --dist=loadscope --durations=20 tests/e2e

test-alone: ## The rest of these, which nothing may run beside: drains, and a second cluster (make cluster-up images)
	@$(DEV) pytest -m "not full and alone" --durations=20 tests/e2e

molecule: ## molecule test on the evaluation cluster
	@$(DEV) molecule test

molecule-all: ## molecule test --all: every scenario on one cluster
	@$(DEV) molecule test --all

interruptions: ## Runs killed at every point, on an API server and on the evaluation cluster (make cluster-up images)
	@$(DEV) pytest -m full tests/api/test_interruptions.py tests/e2e/test_interruptions.py

secrets-search: ## Every secret of a running Airflow, looked for in all that is shown and left (make cluster-up images)
	@$(DEV) pytest -m full tests/e2e/test_secrets_search.py

matrix: ## Executors × ways of DAGs × places for logs, pairwise, and all that can be wrong (make cluster-up images addons)
	@$(DEV) pytest -m full $(addprefix tests/e2e/test_,matrix.py cloud_logs.py multi_team.py brokers.py bad_sources.py addons.py mysql.py teams.py)

bench: ## Benchmarks: seconds, API requests and module starts of a converge; tasks per minute of a burst
	@$(DEV) pytest --capture=no tests/benchmarks

##@ Development

generate: ## Write defaults, argument specs and READMEs of roles anew
	@$(DEV) python tools/role_specs.py
	@$(DEV) python tools/generate.py

schemas: ## Write what each version of Kubernetes accepts anew, from its Go module (60 MB each)
	@$(DEV) python tools/schemas.py

lock: ## Resolve requirements*.in anew into the locks with hashes (UPGRADE=--upgrade for newer versions)
	@$(DEV) tools/lock $(UPGRADE)

docs: ## The reference of roles and modules as HTML in build/docs/html
	@rm -rf build/docs && mkdir -p build/docs/rst
	@$(DEV) antsibull-docs collection --use-current --squash-hierarchy --fail-on-error --dest-dir build/docs/rst dagops.airflow
	@$(DEV) sphinx-build -q -C -D project=dagops.airflow -D extensions=sphinx_antsibull_ext build/docs/rst build/docs/html
	@echo "$(abspath build/docs/html/index.html)"

artifact: ## Build the collection's artifact into build
	@$(RUN) ansible-galaxy collection build --force --output-path build

clean: ## Remove what the tools made in this checkout; the cache in ~/.cache/dagops-airflow stays
	@rm -rf build .ansible .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find plugins tests tools -name __pycache__ -prune -exec rm -rf {} +
