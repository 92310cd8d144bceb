# What there is to do. `make ci` is what has to pass.

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
BRANCH   ?= $(shell git rev-parse --abbrev-ref HEAD 2>/dev/null || echo unknown)
DATE     ?= $(shell date -u +%Y-%m-%dT%H:%M:%SZ)

V = github.com/prometheus/common/version
LDFLAGS = -s -w -X $(V).Version=$(VERSION) -X $(V).Revision=$(REVISION) -X $(V).Branch=$(BRANCH) -X $(V).BuildDate=$(DATE)

.PHONY: help build demo test race lint format fuzz bench golden ci

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

build: ## Build the exporter, with its version
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o igsend_exporter .

demo: ## Run the exporter on a simulated IGSend API
	go run . demo

test: ## Run every test
	go test ./...

race: ## Run every test under the race detector
	go test -race ./...

lint: ## Lint
	go tool -modfile=.ci/tools/go.mod golangci-lint run ./...

format: ## Format
	go tool -modfile=.ci/tools/go.mod gofumpt -w .

fuzz: ## Fuzz the decoder for a minute
	go test ./igsend -run '^$$' -fuzz FuzzDecode -fuzztime 1m

bench: ## Measure, as README.md tells
	go test ./collector -run '^$$' -bench . -benchtime 10x

golden: ## Write the golden files again; read the diff
	GOLDEN=update go test . ./collector ./config

ci: ## Run everything that has to pass
	.ci/run
