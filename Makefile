# The same commands run here and in CI. `make help` lists them.
GO        ?= go
LINT_VERSION = v2.15.0
LINT      = $(shell $(GO) env GOPATH)/bin/golangci-lint
OUT       = out
SPSIM     = $(GO) run ./cmd/spsim
IMAGE     = spsim:dev
IMAGE_MAX = 15000000

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/spsim, static
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/spsim ./cmd/spsim

.PHONY: image
image: ## build the container image spsim:dev (IMAGE=) from a static binary
	@mkdir -p $(OUT)/image/state
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o $(OUT)/image/spsim ./cmd/spsim
	docker build -q -t $(IMAGE) -f cmd/spsim/Dockerfile $(OUT)/image
	@size=$$(docker save $(IMAGE) | gzip -9 | wc -c) && echo "$(IMAGE): $$size bytes compressed, at most $(IMAGE_MAX)" && [ $$size -le $(IMAGE_MAX) ]

.PHONY: conformance
conformance: ## run the action matrix on the embedded default, write out/conformance/
	$(SPSIM) conform --out $(OUT)/conformance

.PHONY: test
test: ## run all tests
	$(GO) test ./...

.PHONY: race
race: ## run all tests under the race detector
	CGO_ENABLED=1 $(GO) test -race -timeout 15m ./...

.PHONY: test-clients
test-clients: ## drive the emulator through every method of the official Python bindings (CASES= words of names)
	.ci/clients $(CASES)

.PHONY: test-container
test-container: ## build the image and test it with Docker; without a Docker engine say so and do nothing
	@if ! docker info >/dev/null 2>&1; then echo 'SKIPPED: no Docker engine answers, so the image cannot be tested'; exit 0; fi; \
	$(MAKE) -s image && \
	SPSIM_IMAGE=$(IMAGE) TESTCONTAINERS_RYUK_DISABLED=true TESTCONTAINERS_HOST_OVERRIDE=127.0.0.1 \
		$(GO) test -count=1 -v ./emulator/container

.PHONY: prove
prove: mutate ## put each known defect in, one at a time, and see the suite find it (PROVE='--sample 1/4' is quicker)
	$(SPSIM) prove $(PROVE)

.PHONY: mutate
mutate: ## take our own guards away, one at a time, and see a scenario fail (MUTATE='--sample 1/4' or '--only driver-undo')
	$(GO) run ./cmd/dev mutate $(MUTATE)

.PHONY: sweep
sweep: ## make every step of every operation go wrong, one at a time, and kill the driver at each (SWEEP='--operations attach')
	$(SPSIM) sweep $(SWEEP)

.PHONY: properties
properties: ## make scenarios up and look for one that breaks a promise (PROPERTIES='--seed 7 --cases 2000'), then run pairs of operations in every order
	$(SPSIM) conform --property --seed 1 --cases 150 $(PROPERTIES)
	$(SPSIM) interleave

.PHONY: lint
lint: ## check style, imports and formatting
	@command -v $(LINT) >/dev/null || { echo "golangci-lint $(LINT_VERSION) is missing: run make lint-install"; exit 1; }
	$(LINT) run ./...

.PHONY: lint-install
lint-install: ## install the pinned linter (some minutes)
	@$(LINT) version 2>/dev/null | grep -q '$(LINT_VERSION:v%=%)' || $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

.PHONY: format
format: ## format the sources
	$(LINT) fmt ./...

.PHONY: bench
bench: ## run the benchmarks, one line each: name, ratio, gate, spread
	$(GO) run ./cmd/dev bench

.PHONY: bench-check
bench-check: ## run the benchmarks and fail when a gate is missed
	$(GO) run ./cmd/dev bench --check

.PHONY: docs
docs: ## write the generated tables of the README, and the generated pages, again
	$(GO) run ./cmd/dev docs

.PHONY: fuzz
fuzz: ## fuzz each parser for a while (FUZZTIME=100000x or 1m), one line each
	@log=$$(mktemp); trap 'rm -f "$$log"' EXIT; \
	grep -rn --include='*_test.go' '^func Fuzz' . | sed -E 's|^(.*)/[^/]+:[0-9]+:func (Fuzz[A-Za-z0-9_]*).*|\1 \2|' | sort | while read -r dir name; do \
		if $(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $${FUZZTIME:-300000x} -fuzzminimizetime 1s "$$dir" >"$$log" 2>&1; then \
			echo "ok    $$dir $$name, $$(grep -o 'execs: [0-9]*' "$$log" | tail -n 1)"; \
		else \
			echo "FAIL  $$dir $$name"; cat "$$log"; exit 1; \
		fi; \
	done

.PHONY: nightly
nightly: fuzz prove ## what takes longer: fuzzing, the whole proof, more property cases, repeated runs, a long soak
	$(GO) test -count=1 -timeout 60m $$(grep -rl --include='*_test.go' '"pgregory.net/rapid"' . | xargs -n1 dirname | sort -u) -rapid.checks=2000
	CGO_ENABLED=1 $(GO) test -race -count=3 -timeout 60m ./scenarios/... ./driver/... ./agentsim/...
	SPSIM_SOAK=20000 $(GO) test -count=1 -timeout 60m -run TestTenDaysOfWorkLeaveNothingBehind ./emulator

.PHONY: clean
clean: ## remove what the targets wrote
	rm -rf bin $(OUT)
