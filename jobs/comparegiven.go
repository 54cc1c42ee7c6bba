package jobs

import (
	"context"
	"fmt"
	"math"

	"polygamy/datasets"
	"polygamy/relate"
	"polygamy/topology"
)

// Given is the comparison on the cells where a third function has no feature
// at the level in question: what the two have in common besides it. At a level
// where features of one sign are more than half of the third's cells, as the
// dry hours of rain are, they are its usual state and stay; those of the other
// sign are left out.
type Given struct {
	C        string `json:"c"`
	Testable bool   `json:"testable"`
	Reason   string `json:"reason,omitempty"`

	P *float64 `json:"p"` // of all levels and lags, the search paid for

	// At the level of the comparison: the sign of c that is too frequent to be
	// left out, spike or valley, and its share of c's cells.
	Dense      string   `json:"dense_sign,omitempty"`
	DenseShare *float64 `json:"dense_share"`

	// At the level and lag of the comparison, on the cells that c covers: all of
	// them, and those where it has no feature.
	Before *Tested `json:"before"`
	After  *Tested `json:"after"`

	KappaLeft    *float64 `json:"kappa_left"`    // share of the excess signed strength
	CellsLeft    *float64 `json:"cells_left"`    // share of the cells
	FeaturesLeft *float64 `json:"features_left"` // share of the features of a and b
}

// given compares away from the features of each of the third functions.
func (q *question) given(ctx context.Context, c *Comparison) error {
	for _, third := range q.inputs.given {
		g := &Given{C: q.inputs.name(third)}
		c.Given = append(c.Given, g)
		if g.Reason = q.unlikeThird(third); g.Reason != "" {
			continue
		}
		if reason := valueless(third.Values); reason != "" {
			g.Reason = "it " + reason
			continue
		}
		version, reason := versionOf(third, q.version)
		if reason != "" {
			g.Reason = "it " + reason
			continue
		}
		s, err := newSwept(ctx, version, defaultSweep())
		switch {
		case err != nil:
			return err
		case len(s.maps) == 0:
			g.Reason = "it " + noAnomaly
			continue
		}
		g.leaveDense(s.maps, q.level)
		if err := q.without(ctx, g, s.marks()); err != nil {
			return err
		}
	}
	return nil
}

// leaveDense takes features off the maps of a third function whose sign is
// dense: without them next to nothing would be left to compare. level is that
// of the comparison.
func (g *Given) leaveDense(maps []*topology.FeatureMap, level int) {
	for i, m := range maps {
		positive, negative, covered := m.Counts()
		for _, sign := range []struct {
			name  string
			cells int
			plane []uint64
		}{{signNames[false], positive, m.Positive}, {signNames[true], negative, m.Negative}} {
			if 2*sign.cells <= covered {
				continue
			}
			clear(sign.plane)
			if i == level {
				g.Dense, g.DenseShare = sign.name, known(float64(sign.cells)/float64(covered))
			}
		}
	}
}

// unlikeThird says why the cells of a third function are not those of the two,
// nor times of the whole city, if so.
func (q *question) unlikeThird(third *datasets.Function) string {
	if third.Axis.Resolution == q.f.Axis.Resolution && len(third.Regions.IDs) == 1 {
		return unlikeZones(q.f, third)
	}
	return unlikeWeeks(q.f, third)
}

// without fills g in, given the marks of the third function at every level. The
// error is that of ctx.
func (q *question) without(ctx context.Context, g *Given, third []*relate.Marks) error {
	tests, least, dense := 0, math.Inf(1), true
	for level, t := range third {
		f, h := q.marks[0][level], q.marks[1][level]
		// Each level has windows of its own: a third whose features at one level
		// fill most of a week would take it from all the others.
		quietF, quietH := f.Without(t, q.regions()), h.Without(t, q.regions())
		s, after, err := q.searchLevel(ctx, quietF, quietH, level)
		if err != nil {
			return err
		}
		if s.Testable && dense && !s.Dense { // as in a search, dense levels count if all are
			tests, least, dense = 0, math.Inf(1), false
		}
		if s.Testable && s.Dense == dense {
			tests++
			least = min(least, s.P)
		}
		if level != q.level {
			continue
		}
		_, before, err := q.searchLevel(ctx, f.Within(t, q.regions()), h.Within(t, q.regions()), level)
		if err != nil {
			return err
		}
		g.Before, g.After, g.Reason = &before, &after, q.reason(s, quietF, quietH)
	}
	if g.Testable = tests > 0; g.Testable {
		g.Reason, g.P = "", known(min(1, float64(tests)*least))
	}
	share := func(after, before float64) *float64 {
		if before == 0 {
			return nil
		}
		return known(after / before)
	}
	a, b := g.After, g.Before
	g.CellsLeft = share(float64(a.Cells), float64(b.Cells))
	g.FeaturesLeft = share(float64(a.features()), float64(b.features()))
	if a.Kappa != nil && b.Kappa != nil {
		g.KappaLeft = share(*a.Kappa, *b.Kappa)
	}
	return nil
}

// searchLevel tests marks of one level at all lags, and returns what is found
// at the lag of the comparison.
func (q *question) searchLevel(ctx context.Context, f, g *relate.Marks, level int) (*relate.Search, Tested, error) {
	s, err := q.null.Lags(ctx, []*relate.Marks{f}, []*relate.Marks{g}, []*relate.Memory{relate.NewMemory(f)}, []*relate.Memory{relate.NewMemory(g)}, q.regions(), q.lags)
	if err != nil {
		return nil, Tested{}, err
	}
	return s, q.tested(s.Results[q.lag], f, g, level, q.lag), nil
}

// features returns the cells that are features of each function, added up.
func (t *Tested) features() int { return t.FPos + t.FNeg + t.GPos + t.GNeg }

// text is a line of a page.
func (g *Given) text() string {
	if g.Before == nil {
		return fmt.Sprintf("  given %s: not tested: %s\n", g.C, g.Reason)
	}
	dense := ""
	if g.Dense != "" {
		other := map[string]string{"spike": "valleys", "valley": "spikes"}[g.Dense]
		dense = fmt.Sprintf("    warning: it is dense: its %ss are %.0f %% of its cells, most of them of one value; only its %s were left out\n", g.Dense, 100**g.DenseShare, other)
	}
	line := fmt.Sprintf("  given %s, at %s: ", g.C, g.Before.Level)
	if g.Before.Testable && g.After.Testable {
		line += fmt.Sprintf("kappa %s -> %s", shown("%.3f", g.Before.Kappa), shown("%.3f", g.After.Kappa))
		if g.KappaLeft != nil && *g.KappaLeft >= 0 && *g.KappaLeft <= 1 {
			line += fmt.Sprintf(" (%.0f %% left)", 100**g.KappaLeft)
		}
		line += ", "
	}
	line += fmt.Sprintf("strength %.2f -> %.2f", g.Before.Strength, g.After.Strength)
	if g.Before.P != nil || g.After.P != nil {
		line += fmt.Sprintf(", p %s -> %s", shown("%.2g", g.Before.P), shown("%.2g", g.After.P))
	}
	if g.CellsLeft != nil && g.FeaturesLeft != nil {
		line += fmt.Sprintf("\n    %.0f %% of the cells and %.0f %% of the features left", 100**g.CellsLeft, 100**g.FeaturesLeft)
	}
	if !g.Testable {
		return line + "; not tested on what is left: " + g.Reason + "\n" + dense
	}
	return line + fmt.Sprintf("; p of all levels %s\n", shown("%.3g", g.P)) + dense
}
