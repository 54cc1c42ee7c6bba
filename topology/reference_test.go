package topology

import (
	"context"
	"math"
	"testing"
)

// TestCorrectedDiffers shows where the corrected rules part from the
// reference's, on its own vectors, and why.
func TestCorrectedDiffers(t *testing.T) {
	cases := make(map[string]goldenCase)
	for _, c := range goldenCases(t) {
		if _, seen := cases[c.Name]; !seen {
			cases[c.Name] = c
		}
	}
	for _, tc := range []struct {
		name, why string
		direction Direction
		reference string // extremum-saddle values of the pairs, most persistent first
		corrected string
	}{
		{"path4_missing_cell", "a missing cell is absent, not 0", Sub, "0-10 5-7", "5-10"},
		{"path4_ignored_root", "no root with the value of a region that is left out", Super, "6-0 5-1", "6-1 5-1"},
		{"gap", "steps on both sides of a gap are not neighbours", Super, "9-0 7-0 5-2 4-3", "9-0 5-1 4-0 7-7"},
		{"one_value", "a single vertex is a component of persistence 0", Sub, "", "2-2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, ok := cases[tc.name]
			if !ok {
				t.Fatal("no such case")
			}
			d, f, seasons, _ := c.field(t)
			index, err := new(Builder).Build(context.Background(), d, f, seasons)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			tree := index.Seasons()[0].Tree(tc.direction)
			for i := range tree.Len() {
				got = joinPair(got, tree.Pair(i).Birth, tree.Pair(i).Death)
			}
			if got != tc.corrected {
				t.Errorf("corrected: %s, want %s: %s", got, tc.corrected, tc.why)
			}
			got = ""
			if r, err := NewReference(context.Background(), d, f, seasons); err == nil {
				for _, p := range r.Seasons[0].Of(tc.direction) {
					got = joinPair(got, float64(p.Birth), float64(p.Death))
				}
			}
			if got != tc.reference {
				t.Errorf("reference: %s, want %s", got, tc.reference)
			}
		})
	}
}

func joinPair(text string, birth, death float64) string {
	if text != "" {
		text += " "
	}
	return text + formatNumber(birth) + "-" + formatNumber(death)
}

// TestReferencePersistenceCut: 0.01 is in the unit of the data, so a function
// in small units keeps one feature a tree.
func TestReferencePersistenceCut(t *testing.T) {
	f := []float64{1, 5, 2, 6, 1, 4, 0}
	small := make([]float64, len(f))
	for i, x := range f {
		small[i] = x / 1000
	}
	for _, tc := range []struct {
		f    []float64
		want int
	}{{f, 3}, {small, 1}} {
		r, err := NewReference(context.Background(), Path(len(f)), tc.f, WholeAxis(len(f)))
		if err != nil {
			t.Fatal(err)
		}
		if got := len(r.Seasons[0].Super); got != tc.want {
			t.Errorf("%v: %d maxima, want %d", tc.f, got, tc.want)
		}
	}
}

// TestReferenceExtremeNeedsSix: no fence over five values or fewer can be
// crossed by one of them, since its percentiles clamp to the ends.
func TestReferenceExtremeNeedsSix(t *testing.T) {
	for n := 1; n <= 6; n++ {
		values := make([]float64, n)
		values[n-1] = 1e6
		q1, q3 := referencePercentile(values, 25), referencePercentile(values, 75)
		crossed := values[n-1] > q3+1.5*(q3-q1)+1e-5
		if crossed != (n == 6) {
			t.Errorf("%d values, the last one huge: crosses the fence: %t", n, crossed)
		}
	}
}

func TestReferencePercentile(t *testing.T) {
	for _, tc := range []struct {
		sorted []float64
		p      float64
		want   float64 // by hand: rank p(n+1)/100
	}{
		{[]float64{1, 2, 3}, 25, 1},
		{[]float64{1, 2, 3, 4}, 25, 1.25},
		{[]float64{1, 2, 3, 4}, 75, 3.75},
		{[]float64{7}, 75, 7},
	} {
		if got := referencePercentile(tc.sorted, tc.p); math.Abs(got-tc.want) > 1e-12 {
			t.Errorf("percentile %g of %v = %g, want %g", tc.p, tc.sorted, got, tc.want)
		}
	}
}
