package sql

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"syscall"
	"testing"
	"time"

	"polygamy/datasets"
)

// benchmarkRows is a month of trips.
const benchmarkRows = 10_000_000

// BenchmarkLoad compares what datasets and DuckDB need for the count, the mean
// and the sum of one column of a month of trips by hour and zone, with equal
// numbers of threads. It measures the processor time of the whole process,
// the least of all rounds, which take turns.
func BenchmarkLoad(b *testing.B) {
	file := writeTrips(b, benchmarkRows)
	systems := map[string]*datasets.RegionSystem{"taxi_zone": zoneSystem(b)}
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			least := [2]time.Duration{math.MaxInt64, math.MaxInt64}
			for b.Loop() {
				var ours, theirs totals
				least[0] = min(least[0], processorTime(b, func() { ours = loadTrips(b, file, systems, threads) }))
				db := openDuckDB(b, threads)
				least[1] = min(least[1], processorTime(b, func() {
					// The result is used where it is: reading its rows through
					// database/sql would cost DuckDB a fifth more.
					query := `SELECT count(*), sum(n), sum(mean), sum(total) FROM (
						SELECT date_trunc('hour', pickup_at), zone, count(*) AS n, avg(fare) AS mean, sum(fare) AS total
						FROM ` + quoted(file) + ` GROUP BY ALL)`
					if err := db.QueryRow(query).Scan(&theirs.cells, &theirs.rows, &theirs.means, &theirs.sums); err != nil {
						b.Fatal(err)
					}
				}))
				db.Close()
				if !ours.near(theirs) {
					b.Fatalf("datasets got %+v, DuckDB %+v", ours, theirs)
				}
			}
			b.ReportMetric(float64(least[0].Nanoseconds())/benchmarkRows, "polygamy-ns/row")
			b.ReportMetric(float64(least[1].Nanoseconds())/benchmarkRows, "duckdb-ns/row")
			b.ReportMetric(float64(least[0])/float64(least[1]), "ratio")
			b.ReportMetric(0, "ns/op") // of both together it means nothing
		})
	}
}

// processorTime returns the processor time that the process spends while do
// runs, garbage collection included.
func processorTime(b *testing.B, do func()) time.Duration {
	spent := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	runtime.GC() // of what came before
	before := spent()
	do()
	return spent() - before
}

// totals are sums over the cells of three functions.
type totals struct {
	cells, rows, means, sums float64
}

// near reports whether counts are equal, and the rest but for rounding.
func (t totals) near(u totals) bool {
	return t.cells == u.cells && t.rows == u.rows &&
		math.Abs(t.means-u.means) <= 1e-9*u.means && math.Abs(t.sums-u.sums) <= 1e-9*u.sums
}

// loadTrips loads a file of trips and makes its three functions.
func loadTrips(b *testing.B, file string, systems map[string]*datasets.RegionSystem, workers int) totals {
	c := newYork("trips", tripSpec([]string{"count", "mean(fare)", "sum(fare)"}, file))
	loaded, err := datasets.Load(context.Background(), datasets.Disk{}, c, "trips", systems, datasets.LoadOptions{Workers: workers})
	if err != nil {
		b.Fatal(err)
	}
	var sums [3]float64
	cells := 0.0
	for i, spec := range loaded.Functions() {
		f, err := loaded.Function(spec, datasets.Hour, systems["taxi_zone"])
		if err != nil {
			b.Fatal(err)
		}
		for _, x := range f.Values {
			if math.IsNaN(x) {
				continue
			}
			sums[i] += x
			if spec.Kind == datasets.Count && x > 0 {
				cells++
			}
		}
	}
	return totals{cells: cells, rows: sums[0], means: sums[1], sums: sums[2]}
}
