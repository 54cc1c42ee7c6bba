// Package tripfile writes Parquet files that look like a city's taxi trips,
// for tests and benchmarks that need more rows than a repository can hold.
package tripfile

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"time"

	"github.com/parquet-go/parquet-go"
)

// Columns of known size.
const (
	Zones      = 263    // zone is from 1 to Zones
	Medallions = 13_437 // ids in a file of many rows
)

// A month of trips, January 2013, has this many rows: a city's taxis make
// about as many.
const (
	rowsPerMonth   = 10_000_000
	secondsOfMonth = 31 * 24 * 3600
)

// maxJitter is how many seconds a row may be out of the order of time.
const maxJitter = 20 * 60

const rowsPerRowGroup = 1_000_000

// A trip is a row. Texts and numbers of few different values have
// dictionaries, as other writers give them.
type trip struct {
	PickupAt  int64   `parquet:"pickup_at,timestamp(microsecond:local)"`
	Zone      int32   `parquet:"zone,dict"`
	Lon       float64 `parquet:"lon"`
	Lat       float64 `parquet:"lat"`
	Vendor    string  `parquet:"vendor,dict"`
	Distance  float64 `parquet:"distance,dict"`
	Fare      float64 `parquet:"fare,optional,dict"` // 0 is written as missing
	Tip       float64 `parquet:"tip,dict"`
	Total     float64 `parquet:"total,dict"`
	Medallion string  `parquet:"medallion,dict"`
}

// Write writes a file of the given number of rows. Equal arguments give equal
// bytes.
//
// Rows begin at 2013-01-01 00:00, ten million a month, and are at most 20
// minutes out of the order of their times. The columns are pickup_at
// (microseconds of a wall clock, all of them whole seconds), zone (1 to
// [Zones], some much more frequent than others), lon and lat (normal, around
// midtown Manhattan), vendor, distance (miles), fare (one in a hundred is
// missing), tip and total (dollars with two decimals) and medallion (one of
// [Medallions] ids). A row group has a million rows.
func Write(w io.Writer, rows int, seed uint64) error {
	if rows < 0 {
		return fmt.Errorf("tripfile: %d rows; ask for 0 or more", rows)
	}
	out := parquet.NewGenericWriter[trip](w,
		parquet.Compression(&parquet.Snappy),
		parquet.MaxRowsPerRowGroup(rowsPerRowGroup),
		// The default names the version of the library, if the program knows it.
		parquet.CreatedBy("polygamy", "1", "tripfile"))
	random := newGenerator(seed)
	batch := make([]trip, min(rows, 1<<12))
	for row := 0; row < rows; row += len(batch) {
		batch = batch[:min(len(batch), rows-row)]
		for i := range batch {
			batch[i] = random.trip(row + i)
		}
		if _, err := out.Write(batch); err != nil {
			return fmt.Errorf("tripfile: row %d: %w", row, err)
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("tripfile: %w", err)
	}
	return nil
}

type generator struct {
	*rand.Rand
	medallions []string
}

func newGenerator(seed uint64) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0)), medallions: make([]string, Medallions)}
	for i := range g.medallions {
		g.medallions[i] = fmt.Sprintf("%016X%016X", g.Uint64(), g.Uint64())
	}
	return g
}

var firstPickup = time.Date(2013, 1, 1, 0, 0, 0, 0, time.UTC).Unix()

var vendors = []string{"CMT", "VTS", "DDS"}

func (g *generator) trip(row int) trip {
	order := int64(row) * secondsOfMonth / rowsPerMonth
	seconds := firstPickup + max(0, order-g.Int64N(maxJitter+1))
	// The density of u*u falls as one over a square root: the most frequent
	// zone has 6 % of the rows and the rarest 0.2 %. Zones is prime, so the
	// multiplication scatters the frequent ones.
	u := g.Float64()
	zone := int(u*u*Zones)*101%Zones + 1
	distance := math.Round(math.Min(100*2*g.ExpFloat64(), 100*50)+10) / 100
	fare := 2.5 + math.Ceil(distance*5)/2
	// The meter of a vendor adds cents, so that fares are not all halves.
	vendor := g.IntN(len(vendors))
	fare = cents(fare + float64(g.IntN(10))/100)
	tip := 0.0
	if g.IntN(5) < 3 {
		tip = cents(fare * float64(5+g.IntN(26)) / 100)
	}
	t := trip{
		PickupAt: seconds * 1e6,
		Zone:     int32(zone),
		// float64 keeps the product from being fused with the sum, which some
		// processors round differently.
		Lon:       math.Round((-73.98+float64(0.04*g.NormFloat64()))*1e6) / 1e6,
		Lat:       math.Round((40.75+float64(0.03*g.NormFloat64()))*1e6) / 1e6,
		Vendor:    vendors[vendor],
		Distance:  distance,
		Fare:      fare,
		Tip:       tip,
		Total:     cents(fare + tip + 0.5),
		Medallion: g.medallions[g.IntN(len(g.medallions))],
	}
	if g.IntN(100) == 0 {
		t.Fare = 0
	}
	return t
}

// cents returns the double nearest to x rounded to two decimals.
func cents(x float64) float64 { return math.Round(x*100) / 100 }
