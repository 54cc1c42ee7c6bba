package relate

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestMarksFile reads back what was written, and finds every damage.
func TestMarksFile(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 0))
	for _, missing := range []float64{0, 0.2} {
		var levels []*Marks
		rows := make(signRows, 9)
		valid := make([]uint64, 9*2)
		for r := range rows {
			rows[r] = make([]int8, 70)
			for c := range rows[r] {
				if rng.Float64() >= missing {
					valid[r*2+c/64] |= 1 << (c % 64)
				}
			}
		}
		for range 3 {
			for r := range rows {
				for c := range rows[r] {
					rows[r][c] = int8(rng.IntN(3) - 1)
				}
			}
			m := rows.marks(4)
			if missing > 0 {
				m.Valid = valid
				for i, v := range valid {
					m.Positive[i] &= v
					m.Negative[i] &= v
				}
				m.all = rowTotals{}
				m.countRows()
			}
			levels = append(levels, m)
		}
		var b bytes.Buffer
		if err := WriteMarks(&b, levels); err != nil {
			t.Fatal(err)
		}
		back, err := ReadMarks(bytes.Clone(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back, levels) {
			t.Errorf("missing %g: other marks", missing)
		}
		for n := range b.Len() {
			if _, err := ReadMarks(b.Bytes()[:n]); !errors.Is(err, ErrMarksFile) {
				t.Fatalf("the first %d bytes: %v", n, err)
			}
		}
	}
	if WriteMarks(&bytes.Buffer{}, nil) == nil {
		t.Error("no marks were written")
	}
}
