# make demo and make test are all a newcomer needs; the rest is for people who work on it.
SHELL := /bin/bash
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
TOOL = $(GO) tool -modfile=tools.mod
FUZZTIME ?= 30s

.PHONY: help build demo test lint unit fuzz bench bench-transfer bench-trace bench-stack bench-watch man clean
help:
	@echo 'make demo    send a file between two processes; hold conversations with a server'
	@echo 'make test    install what the tests need and run them all'
	@echo 'make build   bin/dialtone'
	@echo 'make fuzz    every fuzz target for FUZZTIME (30s)'
	@echo 'make bench   speed, beside other servers; then bench-trace'
	@echo 'make bench-transfer   speed of send and receive, beside cp, rsync, scp, curl, croc'
	@echo 'make bench-trace   speed of trace, beside tshark, tcptrace, gopacket'
	@echo 'make bench-watch   speed of watch, beside ss (root)'
	@echo 'make bench-stack   speed of our own TCP/IP, beside netstack and the kernel'
	@echo 'make man     man pages into man/'

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/dialtone ./cmd/dialtone

demo: build
	@doc/demo.sh bin/dialtone

test: lint unit fuzz

lint:
	@unformatted="$$($(TOOL) gofumpt -l .)"; if [ -n "$$unformatted" ]; then echo "gofumpt wants to change:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	GOOS=darwin $(GO) vet ./...
	GOOS=windows $(GO) vet ./...
	$(TOOL) staticcheck ./...
	cd bench && $(GO) vet ./... && $(GO) tool -modfile=../tools.mod staticcheck ./...
	cd host/interop && $(GO) vet ./... && $(GO) tool -modfile=../../tools.mod staticcheck ./...
	cd bench/stack && $(GO) vet ./... && $(GO) tool -modfile=../../tools.mod staticcheck ./...

unit:
	./.ci/prepare
	$(TOOL) gotestsum --format pkgname-and-test-fails -- -race -timeout 15m ./...
	@# A whole GiB each way by the classic protocols: an eighth under the race detector.
	$(TOOL) gotestsum --format pkgname-and-test-fails -- -run '^TestClassicGigabyte$$' ./app/transfer
	cd bench && $(GO) tool -modfile=../tools.mod gotestsum --format pkgname-and-test-fails -- -race ./...
	cd host/interop && $(GO) tool -modfile=../../tools.mod gotestsum --format pkgname-and-test-fails -- -race ./...
	cd bench/stack && $(GO) tool -modfile=../../tools.mod gotestsum --format pkgname-and-test-fails -- ./...

fuzz:
	FUZZTIME=$(FUZZTIME) GO=$(GO) ./.ci/fuzz

# A module of its own, so that peers do not weigh on go.mod; BENCHFLAGS=-short is a first look.
bench: build
	cd bench && $(GO) run . -dialtone ../bin/dialtone $(BENCHFLAGS)
	cd bench && $(GO) run ./trace -dialtone ../bin/dialtone $(filter -short -v,$(BENCHFLAGS))

# Installs its peers, as far as they can be had; the long and lossy paths need root.
bench-transfer: build
	cd bench && $(GO) run ./transfer -dialtone ../bin/dialtone $(BENCHFLAGS)

# Installs tshark and tcptrace, as far as they can be had; live capture needs root.
bench-trace: build
	cd bench && $(GO) run ./trace -dialtone ../bin/dialtone $(BENCHFLAGS)

# Makes a network namespace with 20,000 sockets; needs root.
bench-watch: build
	cd bench && $(GO) run ./watch -dialtone ../bin/dialtone $(BENCHFLAGS)

# A module of its own, as netstack weighs much; the kernel's rows need root. Let nothing
# else run meanwhile.
bench-stack:
	cd bench/stack && $(GO) run . $(BENCHFLAGS)

man:
	$(GO) run -tags man ./cmd/dialtone man

clean:
	rm -rf bin man
