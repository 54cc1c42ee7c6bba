# Two targets do everything on a fresh machine that has Go, make and a network:
#   make demo   runs the program on the real data in notebooks/corpus
#   make test   installs the pinned checkers into the user's cache and runs all tests

STATICCHECK_VERSION := v0.8.2
# The checkers live in the user's cache folder.
TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/polygamy
STATICCHECK := $(TOOLS)/staticcheck-$(STATICCHECK_VERSION)

FUZZ_TIME := 10s
FUZZ := ./topology:FuzzTrees ./topology:FuzzReadIndex ./datasets:FuzzReadFieldCSV ./datasets:FuzzReadCatalog \
	./datasets:FuzzTimeFormat ./datasets:FuzzParseNumber ./datasets:FuzzOpenTable ./datasets:FuzzLocate ./datasets:FuzzStates ./datasets:FuzzSums

.PHONY: all build demo test check unit race bench fuzz help
all: build

help:
	@sed -n '1,3s/^# *//p' Makefile

build:
	CGO_ENABLED=0 go build -trimpath -o bin/polygamy ./jobs/polygamy

demo: build
	bin/polygamy check --catalog notebooks/corpus/catalog.yaml
	@echo
	bin/polygamy ingest --catalog notebooks/corpus/catalog.yaml --out bin/out
	bin/polygamy features notebooks/corpus/taxi-passengers.csv.gz --zone America/New_York --plot bin/taxi-passengers.svg
	@echo
	bin/polygamy features notebooks/corpus/collisions.csv.gz --zone America/New_York \
		--graph notebooks/corpus/neighborhood-graph.txt --plot bin/collisions.png
	@echo
	@echo "Look at bin/taxi-passengers.svg and bin/collisions.png, at the load reports above (bin/out/reports"
	@echo "as JSON) and the functions in bin/out/functions, then try:"
	@echo "  bin/polygamy inspect notebooks/corpus/nyc/flights/"
	@echo "  bin/polygamy features notebooks/corpus/taxi-passengers.csv.gz --zone America/New_York --threshold tail:1 --what features"
	@echo "  bin/polygamy features notebooks/corpus/taxi-passengers.csv.gz --zone America/New_York --threshold salient --what thresholds"
	@echo "  bin/polygamy features --help"

test: check unit race bench fuzz

check: $(STATICCHECK)
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	go vet ./...
	$(STATICCHECK) ./...
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 go build -o /dev/null ./jobs/polygamy

# The Go checksum database verifies what is downloaded.
$(STATICCHECK):
	mkdir -p $(TOOLS)
	GOBIN=$(TOOLS)/install GOFLAGS=-mod=mod go install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)
	mv $(TOOLS)/install/staticcheck $@

unit:
	go test ./...

race:
	go test -race ./...

# Each benchmark once: that it runs, not how fast.
bench:
	go test -run '^$$' -bench . -benchtime 1x ./...

fuzz:
	@set -e; for target in $(FUZZ); do \
		echo "go test -fuzz $${target#*:} $${target%:*}"; \
		go test -run '^$$' -fuzz "^$${target#*:}\$$" -fuzztime $(FUZZ_TIME) $${target%:*}; \
	done
