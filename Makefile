# Every target does all of its own set-up, on a fresh Debian 12 with any Node from 20 on, and is quick the second time.
# What Node runs lives in package.json; this file only sees to it that everything is there first.

# The Node that npm has brought (24), else the system's; looked up when a recipe runs, not before.
NODE = $(shell [ -x node_modules/.bin/node ] && echo node_modules/.bin/node || echo node)
NPM_RUN := npm run --silent
INSTALLED := node_modules/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test test-long check bench distributor fuzz-distributor setup clean build system-demo system-test

help: ## what this Makefile can do
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: system-demo build ## a live channel to look at; prints its URLs, ends with Ctrl-C
	@exec $(NODE) dist/cli/penstock.js demo

test: system-test $(INSTALLED) ## set-up, check, and every test but those of `test-long`
	@npm test --silent

test-long: system-test $(INSTALLED) ## tests that take minutes each: many restarts, players for long, the other browser
	@$(NPM_RUN) test:long

check: $(INSTALLED) ## format, lint, types, unused code, unit tests
	@$(NPM_RUN) check

bench: system-demo build distributor ## all benchmarks, the quick way; results go to out/bench/
	@mkdir -p out/bench
	@for name in $$($(NODE) -p 'Object.keys(require("./package.json").scripts).filter((s) => /^bench:/.test(s)).join(" ")'); \
	do $(NPM_RUN) "$$name" -- --quick --json "out/bench/$${name#bench:}.json" || exit 1; done

distributor: ## the native distributor, with DPDK where its packages are, in native/distributor/build
	@scripts/setup-system distributor
	@scripts/build-distributor

fuzz-distributor: ## fuzz the parser and the control protocol, RUNS=1000000 inputs each
	@scripts/setup-system fuzz
	@scripts/fuzz-distributor $(RUNS)

setup: system-test build ## the set-up alone: system packages, npm packages, build

clean: ## remove what builds, tests and benchmarks made (npm's packages stay)
	rm -rf dist out coverage native/distributor/build*

build: $(INSTALLED)
	@$(NPM_RUN) build

system-demo:
	@scripts/setup-system demo

system-test:
	@scripts/setup-system test

# The stamp lies in what it vouches for: npm ci removes the folder first, so a broken install leaves no stamp.
$(INSTALLED): package-lock.json .npmrc
	@scripts/setup-system node
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
