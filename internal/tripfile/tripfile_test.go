package tripfile

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
)

// row is how the file reads without the writer's type: a missing fare is nil.
type row struct {
	PickupAt  int64    `parquet:"pickup_at"`
	Zone      int32    `parquet:"zone"`
	Lon       float64  `parquet:"lon"`
	Lat       float64  `parquet:"lat"`
	Vendor    string   `parquet:"vendor"`
	Distance  float64  `parquet:"distance"`
	Fare      *float64 `parquet:"fare,optional"`
	Tip       float64  `parquet:"tip"`
	Total     float64  `parquet:"total"`
	Medallion string   `parquet:"medallion"`
}

func write(t *testing.T, rows int, seed uint64) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, rows, seed); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWriteIsDeterministic(t *testing.T) {
	a, b, c := write(t, 20_000, 1), write(t, 20_000, 1), write(t, 20_000, 2)
	if !bytes.Equal(a, b) {
		t.Error("two files of one seed differ")
	}
	if bytes.Equal(a, c) {
		t.Error("files of two seeds are equal")
	}
}

func TestWriteRows(t *testing.T) {
	for _, n := range []int{0, 1, 4096, 4097} {
		file := write(t, n, 1)
		f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatalf("%d rows: %v", n, err)
		}
		if f.NumRows() != int64(n) {
			t.Errorf("the file of %d rows has %d", n, f.NumRows())
		}
	}
	if err := Write(&bytes.Buffer{}, -1, 1); err == nil {
		t.Error("a file of -1 rows was written")
	}
}

func TestWriteRowGroups(t *testing.T) {
	file := write(t, rowsPerRowGroup+1, 1)
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var rows []int64
	for _, g := range f.RowGroups() {
		rows = append(rows, g.NumRows())
	}
	if len(rows) != 2 || rows[0] != rowsPerRowGroup || rows[1] != 1 {
		t.Errorf("row groups of %v rows, want [%d 1]", rows, rowsPerRowGroup)
	}
	if got, want := f.Schema().Fields()[0].Type().String(), "TIMESTAMP(isAdjustedToUTC=false,unit=MICROS)"; got != want {
		t.Errorf("pickup_at is of type %s, want %s", got, want)
	}
}

func TestWriteValues(t *testing.T) {
	const n = 200_000
	file := write(t, n, 7)
	rows, err := parquet.Read[row](bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != n {
		t.Fatalf("%d rows, want %d", len(rows), n)
	}
	start := time.Date(2013, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	end := start + n*secondsOfMonth/rowsPerMonth*1e6
	latest := start
	zones, ids, vendorRows := map[int32]int{}, map[string]int{}, map[string]int{}
	missing, early := 0, 0
	var lon, lat, latSquares float64
	for i, r := range rows {
		if r.PickupAt < start || r.PickupAt > end || r.PickupAt%1e6 != 0 {
			t.Fatalf("row %d: time %d is outside %d to %d, or has parts of a second", i, r.PickupAt, start, end)
		}
		if r.PickupAt < latest-maxJitter*1e6 {
			t.Fatalf("row %d: its time is %d s before that of an earlier row", i, (latest-r.PickupAt)/1e6)
		}
		if r.PickupAt < latest {
			early++
		}
		latest = max(latest, r.PickupAt)
		for _, x := range []float64{r.Distance, r.Tip, r.Total} {
			checkCents(t, i, x)
		}
		if r.Fare == nil {
			missing++
		} else {
			checkCents(t, i, *r.Fare)
			if *r.Fare < 2.5 || r.Total < *r.Fare+r.Tip {
				t.Fatalf("row %d: fare %v, tip %v, total %v", i, *r.Fare, r.Tip, r.Total)
			}
		}
		zones[r.Zone]++
		ids[r.Medallion]++
		vendorRows[r.Vendor]++
		lon, lat, latSquares = lon+r.Lon, lat+r.Lat, latSquares+(r.Lat-40.75)*(r.Lat-40.75)
	}
	least, most := n, 0
	for z := int32(1); z <= Zones; z++ {
		least, most = min(least, zones[z]), max(most, zones[z])
	}
	// Bounds are five standard deviations or more from what is expected.
	for _, check := range []struct {
		what     string
		x        float64
		from, to float64
	}{
		{"zones", float64(len(zones)), Zones, Zones},
		{"rows of the rarest zone", float64(least), 250, 500},
		{"rows of the most frequent zone", float64(most), 0.055 * n, 0.07 * n},
		{"medallions", float64(len(ids)), Medallions - 5, Medallions},
		{"vendors", float64(len(vendorRows)), 3, 3},
		{"missing fares", float64(missing), 0.0085 * n, 0.0115 * n},
		{"rows out of order", float64(early), 0.1 * n, n},
		{"mean longitude", lon / n, -73.981, -73.979},
		{"mean latitude", lat / n, 40.749, 40.751},
		{"deviation of latitude", math.Sqrt(latSquares / n), 0.0295, 0.0305},
	} {
		if !(check.from <= check.x && check.x <= check.to) {
			t.Errorf("%s: %v, want %v to %v", check.what, check.x, check.from, check.to)
		}
	}
}

// checkCents fails unless x is a nonnegative double of two decimals.
func checkCents(t *testing.T, i int, x float64) {
	t.Helper()
	if x < 0 || x != math.Round(x*100)/100 {
		t.Fatalf("row %d: %v is no amount of two decimals", i, x)
	}
}
