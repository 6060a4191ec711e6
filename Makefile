# datanet: everything a person or CI does with the sources. `make` alone lists it.
GO ?= go
BUILD := build
DEMO  := $(BUILD)/demo
export CGO_ENABLED := 1
# One fuzzer at a time, for this long each.
FUZZTIME ?= 20s

.DEFAULT_GOAL := help
.PHONY: help build demo test lint race bench fuzz clean modules

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

modules:
	@command -v $(GO) >/dev/null || { echo "Go is missing: https://go.dev/dl (1.26 or newer)"; exit 1; }
	@command -v $${CC:-cc} >/dev/null || { echo "a C compiler is missing: on Debian, apt-get install build-essential"; exit 1; }
	@echo "fetching Go modules (first time only)"
	@$(GO) mod download

build: modules ## build the binary into build/datanet
	@echo "building (the first build takes about two minutes)"
	@mkdir -p $(BUILD)
	$(GO) build -trimpath -o $(BUILD)/datanet ./cmd/datanet

demo: build ## a synthetic borough, from the organisations' files to the planners' tables
	@rm -rf $(DEMO)
	$(BUILD)/datanet demo --dir $(DEMO)
	@echo "datanet is $(BUILD)/datanet here; to type it as above: export PATH=\"\$$PWD/$(BUILD):\$$PATH\""

test: modules ## everything that must hold
	@test -z "$$(gofmt -l $$(git ls-files '*.go' 2>/dev/null || find . -name '*.go'))" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) test -timeout 40m ./...

lint: modules ## vet, staticcheck, known vulnerabilities
	$(GO) vet ./...
	$(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
	$(GO) run golang.org/x/vuln/cmd/govulncheck@latest ./... || { test -z "$$CI" && echo "govulncheck did not finish: it needs vuln.go.dev" ; }

race: modules ## the race detector where processes and threads meet
	$(GO) test -race -timeout 40m ./linkage ./pipeline/hub ./pipeline/engine ./pipeline/load

bench: build ## measure an extract of 5 million observations, then benchmarks; read the ratios
	$(BUILD)/datanet bench --rows 5000000
	$(BUILD)/datanet bench --rows 5000000 --people 25000
	$(GO) test -run '^$$' -bench . -benchmem ./...

fuzz: modules ## each fuzzer for FUZZTIME (20s)
	@grep -rlE '^func Fuzz' --include='*_test.go' . | while read -r f; do \
		for name in $$(grep -oE '^func Fuzz[A-Za-z0-9]+' $$f | cut -c6-); do \
			echo "$$(dirname $$f) $$name"; \
			$(GO) test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) ./$$(dirname $$f) || exit 1; \
		done; \
	done

clean: ## remove what was built
	rm -rf $(BUILD)
