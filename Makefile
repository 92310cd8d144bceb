# `make` lists the targets. `make check` is fast and needs no root; `make ci` runs everything that must pass.

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
BRANCH   ?= $(shell git rev-parse --abbrev-ref HEAD 2>/dev/null || echo unknown)
DATE     ?= $(shell date -u +%Y-%m-%dT%H:%M:%SZ)

V = github.com/prometheus/common/version
LDFLAGS = -s -w -X $(V).Version=$(VERSION) -X $(V).Revision=$(REVISION) -X $(V).Branch=$(BRANCH) -X $(V).BuildDate=$(DATE)

.PHONY: help build demo check test race lint format fuzz bench golden ci

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

build: ## Build the exporter and set its version
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o igsend_exporter .

demo: ## Run the exporter on a simulated IGSend API
	go run . demo

check: ## Check format, modules and vet, and run every test; needs no root
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	go mod tidy -diff
	go vet ./...
	go test ./...

test: ## Run every test
	go test ./...

race: ## Run every test with the race detector
	go test -race ./...

lint: ## Run golangci-lint
	go tool -modfile=tools/lint/go.mod golangci-lint run ./...

format: ## Format the Go files
	go tool -modfile=tools/lint/go.mod gofumpt -w .

fuzz: ## Fuzz the decoder of answers for a minute
	go test ./igsend -run '^$$' -fuzz FuzzDecode -fuzztime 1m

bench: ## Run the benchmark that README.md describes
	go test ./collector -run '^$$' -bench . -benchtime 10x

golden: ## Update the golden files; read the diff afterwards
	GOLDEN=update go test . ./collector ./config

ci: ## Run everything that must pass, as root on Debian or Ubuntu
	.ci/run
