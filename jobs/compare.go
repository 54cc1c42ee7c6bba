package jobs

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"polygamy/datasets"
	"polygamy/relate"
	"polygamy/topology"
)

// CompareOptions are those of the command compare.
type CompareOptions struct {
	A, B       string // fields, CSV or function files
	Graph      string // adjacency of the regions of CSV fields
	Zone       string // of CSV fields
	Resolution string
	First      int // lags, in steps
	Last       int
	Versions   []string // raw, anomaly; empty: both, anomaly first
	Format     string   // table (default) or json

	// Compat repeats the test of the published implementation instead, on its own
	// features: a list of [CompatComparison].
	Compat bool
}

// A Comparison is what compare says of one version of two functions.
type Comparison struct {
	A        string `json:"a"`
	B        string `json:"b"`
	Version  string `json:"version"` // raw, or anomaly: the departure from the weekly routine and the slow level
	Testable bool   `json:"testable"`
	Reason   string `json:"reason,omitempty"` // why it is not

	// Exploratory says that the records are of 8 to 29 weeks: weeks were permuted
	// over the whole record, so that seasons and trends in common count.
	Exploratory bool `json:"exploratory"`

	P         *float64 `json:"p"`         // of the whole sweep and all lags, the search paid for
	Effective float64  `json:"effective"` // independent tests that the search amounts to
	Lag       int      `json:"lag"`       // steps by which b follows a at the strongest association
	Level     string   `json:"level"`     // threshold class there
	From      string   `json:"from"`      // first and last level at which the finding holds at 0.05; empty if it does not
	To        string   `json:"to"`
	Levels    []Tested `json:"levels"` // at the best lag
	Lags      []Tested `json:"lags"`   // at the best level; one if no lags were asked for
}

// Tested is the test of one level and lag.
type Tested struct {
	Level    string `json:"level"`
	Lag      int    `json:"lag"`
	Testable bool   `json:"testable"`
	Reason   string `json:"reason,omitempty"`
	Dense    bool   `json:"dense"` // marks more than half of the cells
	Windows  int    `json:"windows"`
	Weeks    int    `json:"weeks"`

	Score     float64 `json:"score"`     // tau, -1 to 1
	Strength  float64 `json:"strength"`  // rho, 0 to 1
	Precision float64 `json:"precision"` // share of b's features that are a's
	Recall    float64 `json:"recall"`    // share of a's features that are b's
	Kappa     float64 `json:"kappa"`     // excess signed strength: beyond the shared routine
	Lift      float64 `json:"lift"`      // overlap over the expected one
	Z         float64 `json:"z"`         // of the signed overlap
	Guard     float64 `json:"guard"`     // inflation of the variance by long memory; above 1.5 in doubt

	PP    int `json:"pp"` // cells that are positive features of both
	NN    int `json:"nn"`
	PN    int `json:"pn"` // positive of a, negative of b
	NP    int `json:"np"`
	FPos  int `json:"a_positive"` // features
	FNeg  int `json:"a_negative"`
	GPos  int `json:"b_positive"`
	GNeg  int `json:"b_negative"`
	Cells int `json:"cells"` // covered by both

	P   *float64 `json:"p"`
	PD  *float64 `json:"p_d"` // of the signed overlap, two-sided
	PPP *float64 `json:"p_pp"`
	PNN *float64 `json:"p_nn"`
	PPN *float64 `json:"p_pn"`
	PNP *float64 `json:"p_np"`
}

// Compare tests whether two fields are related.
func Compare(ctx context.Context, o CompareOptions, w io.Writer) error {
	if err := checkFormat(o.Format); err != nil {
		return err
	}
	if o.First > o.Last {
		return usageErrorf("lags from %d to %d: the first is the smaller", o.First, o.Last)
	}
	if o.Compat && (len(o.Versions) > 0 || o.First != 0 || o.Last != 0) {
		return usageErrorf("--compat repeats the published test, which has no lags and no versions; leave --lags and --version out")
	}
	if len(o.Versions) == 0 {
		o.Versions = []string{"anomaly", "raw"}
	}
	var functions [2]*datasets.Function
	for i, name := range []string{o.A, o.B} {
		var err error
		if functions[i], err = o.read(name); err != nil {
			return err
		}
	}
	if o.Compat {
		return o.compareCompat(ctx, functions[0], functions[1], w)
	}
	var results []*Comparison
	for _, version := range o.Versions {
		if ctx.Err() != nil {
			return outputError(errInterrupted)
		}
		c, err := o.compare(ctx, functions[0], functions[1], version)
		if err != nil {
			return err
		}
		results = append(results, c)
	}
	if o.Format == "json" {
		return outputError(printJSON(w, results))
	}
	for _, c := range results {
		if _, err := io.WriteString(w, c.text()); err != nil {
			return outputError(err)
		}
	}
	return nil
}

// read reads a field as a function.
func (o *CompareOptions) read(name string) (*datasets.Function, error) {
	if strings.HasSuffix(name, ".arrow") {
		f, err := readFunction(name)
		if err != nil {
			return nil, inputError(err)
		}
		return f, nil
	}
	field := FeaturesOptions{Field: name, Graph: o.Graph, Zone: o.Zone, Resolution: o.Resolution}
	a, err := field.read()
	if err != nil {
		return nil, err
	}
	dataset, _, _ := strings.Cut(filepath.Base(name), ".")
	f := &datasets.Function{
		Dataset: dataset, Spec: datasets.FunctionSpec{Kind: datasets.Mean, Column: "value"}, Axis: a.field.Axis, Values: a.field.Values,
		Regions: &datasets.RegionSystem{Name: "regions", IDs: a.field.Regions, Names: a.field.Regions, Graph: a.domain.Graph()},
	}
	if counts(f.Values) {
		f.Spec = datasets.FunctionSpec{Kind: datasets.Count}
	}
	return f, nil
}

// counts reports whether all values are whole numbers from 0 on, as counts
// are: their spread grows with their level.
func counts(values []float64) bool {
	return !slices.ContainsFunc(values, func(x float64) bool { return x < 0 || x != math.Trunc(x) && !math.IsNaN(x) })
}

// compare tests one version of two functions.
func (o *CompareOptions) compare(ctx context.Context, f, g *datasets.Function, version string) (*Comparison, error) {
	c := &Comparison{A: f.Name(), B: g.Name(), Version: version, Levels: []Tested{}, Lags: []Tested{}}
	if c.Reason = unlike(f, g); c.Reason != "" {
		return c, nil
	}
	if f.Axis.Resolution > datasets.Week {
		c.Reason = fmt.Sprintf("steps of a %s have no weeks to rotate", f.Axis.Resolution)
		return c, nil
	}
	var marks [2][]*relate.Marks
	var memories [2][]*relate.Memory
	var levels []string
	for i, function := range []*datasets.Function{f, g} {
		switch wanted, err := datasets.ParseVersion(version); {
		case err != nil:
			return nil, usageErrorf("--version: %v", err)
		case function.Version == wanted:
		case wanted == datasets.Raw:
			c.Reason = function.Name() + " is an anomaly, whose file does not hold the raw values"
			return c, nil
		default:
			if function, err = function.Anomaly(); err != nil {
				c.Reason = err.Error()
				return c, nil
			}
		}
		var err error
		if marks[i], levels, err = sweepMarks(ctx, function); err != nil {
			return nil, err
		}
		for _, m := range marks[i] {
			memories[i] = append(memories[i], relate.NewMemory(m))
		}
	}
	if len(marks[0]) == 0 || len(marks[1]) == 0 {
		c.Reason = "one of them has no values"
		return c, nil
	}
	var lags []int
	for lag := o.First; lag <= o.Last; lag++ {
		lags = append(lags, lag)
	}
	s := relate.Lags(marks[0], marks[1], memories[0], memories[1], len(f.Regions.IDs), lags)
	c.fill(s, levels, lags)
	return c, nil
}

// unlike says why the cells of two functions are not the same ones, if so.
func unlike(f, g *datasets.Function) string {
	switch {
	case f.Axis.Resolution != g.Axis.Resolution:
		return fmt.Sprintf("their steps differ: %s and %s", f.Axis.Resolution, g.Axis.Resolution)
	case !slices.Equal(f.Regions.IDs, g.Regions.IDs):
		return fmt.Sprintf("their regions differ: %d and %d", len(f.Regions.IDs), len(g.Regions.IDs))
	}
	return ""
}

// sweepMarks returns the marks of a function at every level of the default
// sweep.
func sweepMarks(ctx context.Context, f *datasets.Function) (marks []*relate.Marks, levels []string, err error) {
	first, period, slots, err := datasets.WeekSlots(f.Axis)
	if err != nil {
		return nil, nil, inputError(err)
	}
	d := topology.NewDomain(f.Regions.Graph, f.Axis.Len())
	index, err := new(topology.Builder).Build(ctx, d, f.Values, nil)
	if err != nil {
		return nil, nil, inputError(err)
	}
	if index.Covered() == 0 {
		return nil, nil, nil
	}
	thresholds := index.Thresholds(f.Values, topology.Class{Kind: topology.SweepShares, Shares: topology.DefaultShares()})
	layout := topology.NewSlotLayout(d, period, slots)
	for level, m := range index.Sweep(f.Values, thresholds, layout).Maps() {
		marks = append(marks, relate.NewMarks(m.Clone(), len(f.Regions.IDs), first))
		levels = append(levels, thresholds[level].Class)
	}
	return marks, levels, nil
}

// fill writes what a search found.
func (c *Comparison) fill(s *relate.Search, levels []string, lags []int) {
	c.Testable, c.Reason, c.P, c.Effective, c.Exploratory = s.Testable, s.Reason, known(s.P), s.Effective, s.Exploratory
	bestLevel, bestLag := 0, slices.Index(lags, 0)
	if bestLag < 0 {
		bestLag = 0
	}
	if s.Best >= 0 {
		bestLevel, bestLag = s.Best/len(lags), s.Best%len(lags)
		c.Level, c.Lag = levels[bestLevel], lags[bestLag]
	}
	at := func(level, lag int) Tested { return tested(s.Results[level*len(lags)+lag], levels[level], lags[lag]) }
	for level := range levels {
		t := at(level, bestLag)
		c.Levels = append(c.Levels, t)
		if t.P != nil && s.Effective*(*t.P) <= 0.05 {
			if c.From == "" {
				c.From = t.Level
			}
			c.To = t.Level
		}
	}
	for lag := range lags {
		c.Lags = append(c.Lags, at(bestLevel, lag))
	}
}

// known returns nil for NaN, which JSON does not have.
func known(x float64) *float64 {
	if math.IsNaN(x) {
		return nil
	}
	return &x
}

func tested(r *relate.Result, level string, lag int) Tested {
	n := &r.Counts
	return Tested{
		Level: level, Lag: lag, Testable: r.Testable, Reason: r.Reason, Dense: r.Dense, Windows: r.Windows, Weeks: r.Rows,
		Score: n.Score(), Strength: n.Strength(), Precision: n.Precision(), Recall: n.Recall(),
		Kappa: r.Excess(), Lift: r.Lift(), Z: r.Z, Guard: r.Inflation,
		PP: n.PositivePositive, NN: n.NegativeNegative, PN: n.PositiveNegative, NP: n.NegativePositive,
		FPos: n.PositiveF, FNeg: n.NegativeF, GPos: n.PositiveG, GNeg: n.NegativeG, Cells: n.Cells,
		P: known(r.P), PD: known(r.PD), PPP: known(r.PPositivePositive), PNN: known(r.PNegativeNegative),
		PPN: known(r.PPositiveNegative), PNP: known(r.PNegativePositive),
	}
}

// text is a comparison as a page to read.
func (c *Comparison) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s and %s, %s: ", c.A, c.B, c.Version)
	switch {
	case !c.Testable:
		fmt.Fprintf(&b, "not tested: %s\n\n", c.Reason)
		return b.String()
	case *c.P <= 0.05:
		best := c.Levels[slices.IndexFunc(c.Levels, func(t Tested) bool { return t.Level == c.Level })]
		word := "together"
		if best.Z < 0 {
			word = "against each other"
		}
		verb := "move"
		if c.Exploratory {
			verb = "may move"
		}
		fmt.Fprintf(&b, "they %s %s, p = %.3g", verb, word, *c.P)
		if c.Lag != 0 {
			fmt.Fprintf(&b, ", strongest %d steps later", c.Lag)
		}
		fmt.Fprintf(&b, "; it holds from %s to %s\n", c.From, c.To)
	default:
		fmt.Fprintf(&b, "no more than chance, p = %.3g\n", *c.P)
	}
	fmt.Fprintf(&b, "  %-8s %5s %7s %8s %7s %6s %8s %9s %9s\n", "level", "lag", "score", "strength", "kappa", "lift", "z", "p", "cells")
	line := func(t Tested) {
		p := "-"
		if t.P != nil {
			p = fmt.Sprintf("%.2g", *t.P)
		}
		fmt.Fprintf(&b, "  %-8s %5d %7.2f %8.2f %7.3f %6.2f %8.1f %9s %9d", t.Level, t.Lag, t.Score, t.Strength, t.Kappa, t.Lift, t.Z, p, t.PP+t.NN+t.PN+t.NP)
		if t.Dense {
			b.WriteString("  dense")
		}
		if !t.Testable {
			b.WriteString("  " + t.Reason)
		}
		b.WriteString("\n")
	}
	for _, t := range c.Levels {
		line(t)
	}
	if len(c.Lags) > 1 {
		fmt.Fprintf(&b, "  at %s, by lag:\n", c.Level)
		for _, t := range c.Lags {
			line(t)
		}
	}
	if c.Exploratory {
		fmt.Fprintf(&b, "  exploratory, of %d weeks only: the null is that their order in time is unrelated, so that a season or\n"+
			"  a trend in common counts as moving together\n\n", c.Levels[0].Weeks)
		return b.String()
	}
	fmt.Fprintf(&b, "  the null: given each one's own hour-of-week profile, its level at the scale of six weeks and its map,\n"+
		"  the week-to-week timing of its features is unrelated to the other's (%d windows, %d weeks, guard %.2f)\n\n", c.Levels[0].Windows, c.Levels[0].Weeks, c.Levels[0].Guard)
	return b.String()
}
