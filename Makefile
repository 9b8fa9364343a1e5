# Every target is one line into a script of a telling name; what it does is written there.

CONFIGURATION ?= Release
TAG ?= dev
# One build at a time and no servers left behind: a build is then the same on a laptop and in CI.
export MSBUILDDISABLENODEREUSE := 1
export DOTNET_CLI_TELEMETRY_OPTOUT := 1
export DOTNET_NOLOGO := 1

.DEFAULT_GOAL := help
.PHONY: help build up down run test e2e sim robustness differential bench images crds lint

help: ## show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z0-9-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## compile everything, warnings as errors
	dotnet build Raft.sln -c $(CONFIGURATION) --nologo -v minimal

up: ## a Kubernetes with the operator and a three-member RaftCluster in it; a second time takes seconds (STORE=raft: Kubernetes itself on our datastore)
	@STORE=$(STORE) tests/EndToEnd/up.sh

down: ## stop what `make up` started (WIPE=1 forgets its data too)
	@tests/EndToEnd/down.sh

run: ## three members as local processes, without Kubernetes; Ctrl-C stops them
	@datastore/run-local.sh

test: ## unit, property, simulation, process and operator tests (PROJECT=Consensus for one folder of tests/)
	@tests/run.sh $(PROJECT)

e2e: ## the operator and datastore on a real Kubernetes, broken in every way we know (FILTER=Scaling for one; STORE=raft as with up)
	@STORE=$(STORE) tests/EndToEnd/run.sh $(FILTER)

sim: ## the deterministic simulator: SEED=42 replays and draws one run, SEEDS=1000 tries many (FROM=5000), MUTATIONS=1 breaks every rule, MUTATION='half is' one
	@tests/Simulation/run.sh $(if $(SEED),--seed $(SEED)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(FROM),--from $(FROM)) \
		$(if $(MUTATIONS),--mutations) $(if $(MUTATION),--mutation '$(MUTATION)')

robustness: ## real servers under every fault, their clients' histories checked: MINUTES=60, SEED=n for the same faults again
	@tests/Robustness/run.sh --minutes $(or $(MINUTES),5) $(if $(SEED),--seed $(SEED))

differential: ## random requests to our server and to a real etcd, every answer compared: SEQUENCES=5000 SEED=1, SEED=17 for one again
	@tests/Differential/run.sh --sequences $(or $(SEQUENCES),$(if $(SEED),1,500)) --seed $(or $(SEED),1)

bench: ## against etcd and a server that does nothing, as a table (QUICK=1 in three minutes, KEYS=10000000, MICRO=1 for the microbenchmarks)
	@tests/Benchmarks/run.sh $(if $(MICRO),micro) $(if $(QUICK),--quick) $(if $(KEYS),--keys $(KEYS))

images: ## both container images, tagged TAG (default dev)
	@tests/EndToEnd/images/build.sh $(TAG)

crds: ## write crds/ anew from the entity types in operator/Api
	@operator/Api/generate-crds.sh

lint: ## formatting, analyzers, shell scripts, Helm charts
	@tests/lint.sh
