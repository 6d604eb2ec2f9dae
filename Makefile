# The commands a newcomer needs. `make help` lists them.

CARGO ?= cargo
RUN_FLAGS ?=

.DEFAULT_GOAL := help
.PHONY: run test bench chaos fuzz lint fmt help

run: var/shop ## Start auth, data and gateway in one process, with your copy of the sample shop
	$(CARGO) run --locked --package mainstay -- serve --contracts var/shop --data-dir var/mainstay --seed var/shop/seed.json $(RUN_FLAGS)

var/shop:
	mkdir -p var && cp -R proto/shop var/shop

test: ## Run every test on SQLite and PostgreSQL; brings what it needs
	tests/run

bench: ## Build release, run Mainstay beside its peers, count instructions, write tests/bench/RESULTS.md; fail where an aim is missed
	tests/bench/run

chaos: ## Build release, do the worst to servers, disks, networks and clocks for ten minutes, write tests/chaos/RESULTS.md
	tests/chaos/run

fuzz: ## Look for input that breaks what reads it: contracts, rules, filters, orders, masks, page tokens, plans, routes, JSON, frames; a minute each
	tests/fuzz/run

lint: ## Check formatting, clippy, licences and bans
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) test --quiet --package mainstay-tests --locked -- laws::

fmt: ## Format the code
	$(CARGO) fmt --all

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
