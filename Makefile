# Two targets do everything on a fresh machine that has Go, make, a C++ compiler
# (for tests against DuckDB) and a network:
#   make demo   runs the program on the real data in notebooks/corpus
#   make test   installs the pinned checkers into the user's cache and runs all tests

STATICCHECK_VERSION := v0.8.2
# The checkers live in the user's cache folder.
TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/polygamy
STATICCHECK := $(TOOLS)/staticcheck-$(STATICCHECK_VERSION)

FUZZ_TIME := 10s
FUZZ := ./topology:FuzzTrees ./topology:FuzzReadIndex ./datasets:FuzzReadFieldCSV ./datasets:FuzzReadCatalog \
	./datasets:FuzzTimeFormat ./datasets:FuzzParseNumber ./datasets:FuzzOpenTable ./datasets:FuzzReadFeatures ./datasets:FuzzLocate ./datasets:FuzzStates ./datasets:FuzzSums

.PHONY: all build demo test check unit race bench fuzz calibration sql bench-duckdb cplusplus help
all: build

help:
	@sed -n '1,4s/^# *//p' Makefile

build:
	CGO_ENABLED=0 go build -trimpath -o bin/polygamy ./jobs/polygamy

demo: build
	bin/polygamy check --catalog notebooks/corpus/catalog.yaml
	@echo
	bin/polygamy ingest --catalog notebooks/corpus/catalog.yaml --out bin/out
	bin/polygamy compare bin/out/functions/collisions/hour-city/count.arrow \
		bin/out/functions/weather_jfk_hourly/hour-city/sum.precip_in.arrow --version anomaly
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

test: check unit race bench fuzz sql

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

# Simulations of one goroutine have no races to find, and take minutes with the
# detector on; unit runs them.
race:
	go test -race -skip 'Calibration|^TestNull(Rates|RatesOfRegions|Tails)$$|^TestPower$$' ./...

# Each benchmark once: that it runs, not how fast.
bench:
	go test -run '^$$' -bench . -benchtime 1x ./...

fuzz:
	@set -e; for target in $(FUZZ); do \
		echo "go test -fuzz $${target#*:} $${target%:*}"; \
		go test -run '^$$' -fuzz "^$${target#*:}\$$" -fuzztime $(FUZZ_TIME) $${target%:*}; \
	done

# Rates and power of the test in simulated worlds, for relate/docs/calibration.md:
# about ten minutes of two cores.
calibration:
	go test ./relate -count=1 -timeout 3h -run '^TestCalibrationTable$$' -calibration docs/calibration.md

# DuckDB comes as a C++ library, which the module jobs/sql alone needs. The
# first build downloads 50 MB and takes a minute. Results are not kept: Go does
# not see that a file outside the module has changed.
sql: cplusplus
	cd jobs/sql && go vet ./... && go test -count=1 ./...

# Needs a minute, 2 GB of memory and 1 GB of disk.
bench-duckdb: cplusplus
	cd jobs/sql && go test -run '^$$' -bench . -benchtime 5x ./...

cplusplus:
	@command -v "$$(go env CXX)" >/dev/null || { echo "jobs/sql needs a C++ compiler, for DuckDB, and $$(go env CXX) is not there: install g++ or clang++, or set CXX" >&2; exit 1; }
	@test "$$(go env CGO_ENABLED)" = 1 || { echo "jobs/sql needs cgo, for DuckDB: set CGO_ENABLED=1 and install a C compiler" >&2; exit 1; }
