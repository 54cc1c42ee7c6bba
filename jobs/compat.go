package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"polygamy/datasets"
	"polygamy/relate"
	"polygamy/topology"
)

// A CompatComparison is what the published implementation of Data Polygamy
// says of one class of features of two functions, for comparison with it and
// never for discovery. Counts are of cells, named as its output has them.
type CompatComparison struct {
	A      string `json:"a"`
	B      string `json:"b"`
	Class  string `json:"class"` // salient (its "events") or extreme (its "outliers")
	Reason string `json:"reason,omitempty"`

	Steps        int      `json:"steps"` // in both records
	Regions      int      `json:"regions"`
	Score        float32  `json:"score"`
	Strength     float32  `json:"strength"`
	P            *float64 `json:"p"`       // exact, where the reference draws; null if there is a reason
	PLeast       *float64 `json:"p_least"` // over main origins, which the reference draws once a process; p at city
	PMost        *float64 `json:"p_most"`
	Alternatives int      `json:"alternatives"`

	PosPos int `json:"pos_pos"`
	NegNeg int `json:"neg_neg"`
	PosNeg int `json:"pos_neg"`
	NegPos int `json:"neg_pos"`
	PosNon int `json:"pos_non"`
	NegNon int `json:"neg_non"`
	NonPos int `json:"non_pos"`
	NonNeg int `json:"non_neg"`

	Flaws []string `json:"flaws"` // why p does not measure chance
}

// compareCompat writes what the reference says of two functions.
func (o *CompareOptions) compareCompat(ctx context.Context, p *compared, w io.Writer) error {
	results, err := compatComparisons(ctx, p)
	if err != nil {
		return err
	}
	if o.Format == "json" {
		return outputError(printJSON(w, results))
	}
	_, err = io.WriteString(w, compatText(results))
	return outputError(err)
}

// compatComparisons returns the comparisons of the classes of the reference.
func compatComparisons(ctx context.Context, p *compared) ([]*CompatComparison, error) {
	f, g := p.a, p.b
	classes := []topology.Class{{Kind: topology.Salient}, {Kind: topology.Extreme}}
	var results []*CompatComparison
	for _, class := range []string{"salient", "extreme"} {
		results = append(results, &CompatComparison{A: p.name(f), B: p.name(g), Class: class, Flaws: []string{}})
	}
	graph, reason := compatGraph(f, g)
	var events [2][]*relate.CompatEvents
	for i, function := range []*datasets.Function{f, g} {
		if reason != "" {
			break
		}
		var err error
		events[i], err = compatEvents(ctx, function, f.Axis, classes)
		switch {
		case errors.Is(err, topology.ErrReferenceDrops):
			reason = p.name(function) + ": " + strings.TrimPrefix(err.Error(), "topology: ")
		case err != nil:
			return nil, err
		}
	}
	for i, c := range results {
		if c.Reason = reason; reason != "" {
			continue
		}
		r, err := relate.Compat(ctx, events[0][i], events[1][i], graph)
		switch {
		case ctx.Err() != nil:
			return nil, outputError(errInterrupted)
		case err != nil:
			return nil, err
		}
		c.fill(r)
	}
	return results, nil
}

// compatGraph returns the graph of the regions that two functions share, nil
// at city, and why the reference cannot compare them.
func compatGraph(f, g *datasets.Function) (graph *relate.CompatGraph, reason string) {
	if reason := unlike(f, g); reason != "" {
		return nil, reason
	}
	for _, function := range []*datasets.Function{f, g} {
		if function.Version != datasets.Raw {
			return nil, function.Name() + " is an anomaly, which the reference does not know"
		}
	}
	regions := f.Regions.Graph
	if regions.NumRegions() == 1 {
		return nil, ""
	}
	// The order of the edges decides the permutations: regions ascend, as in
	// all but a few lines of the reference's graph files.
	var edges [][2]int
	for r := range regions.NumRegions() {
		for _, s := range regions.Neighbours(r) {
			if r < int(s) {
				edges = append(edges, [2]int{r, int(s)})
			}
		}
	}
	graph, err := relate.NewCompatGraph(regions.NumRegions(), edges)
	if err != nil {
		return nil, strings.TrimPrefix(err.Error(), "relate: ")
	}
	return graph, ""
}

// compatEvents returns the features of a function by the rules of the
// reference. Steps are counted from the first of origin.
func compatEvents(ctx context.Context, f *datasets.Function, origin datasets.Axis, classes []topology.Class) ([]*relate.CompatEvents, error) {
	seasons := datasets.Seasons(f.Axis, datasets.SeasonReference)
	reference, err := topology.NewReference(ctx, topology.NewDomain(f.Regions.Graph, f.Axis.Len()), f.Values, seasons)
	switch {
	case ctx.Err() != nil:
		return nil, outputError(errInterrupted)
	case errors.Is(err, topology.ErrReferenceDrops):
		return nil, err
	case err != nil:
		return nil, inputError(fmt.Errorf("%s: %w", f.Name(), err))
	}
	regions := len(f.Regions.IDs)
	// The reference's record goes from the first to the last value.
	first, end := slices.IndexFunc(f.Values, covered), len(f.Values)
	for first = max(first, 0); end > first && !covered(f.Values[end-1]); {
		end--
	}
	first, end = first/regions, (end+regions-1)/regions
	var events []*relate.CompatEvents
	for _, class := range classes {
		t, err := reference.Thresholds(class)
		if err != nil {
			return nil, err
		}
		e, err := relate.NewCompatEvents(reference.Events(t)[first*regions:end*regions], regions, firstStep(f.Axis, origin)+first)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}

func covered(x float64) bool { return x == x }

// firstStep returns the number of the first step of an axis, counted from that
// of another: hours by the instant, coarser steps by their local dates, which
// two zones begin at different instants.
func firstStep(a, origin datasets.Axis) int {
	start := a.Start(0)
	if a.Resolution != datasets.Hour && origin.Zone != nil {
		year, month, day := start.Date()
		start = time.Date(year, month, day, 12, 0, 0, 0, origin.Zone)
	}
	return origin.Step(start)
}

// fill writes what the reference says.
func (c *CompatComparison) fill(r *relate.CompatResult) {
	c.Reason, c.Steps, c.Regions, c.Alternatives = r.Reason, r.Steps, r.Regions, r.Alternatives
	c.Score, c.Strength = r.Score, r.Strength
	c.PosPos, c.NegNeg, c.PosNeg, c.NegPos = r.PositivePositive, r.NegativeNegative, r.PositiveNegative, r.NegativePositive
	c.PosNon, c.NegNon, c.NonPos, c.NonNeg = r.PositiveNone, r.NegativeNone, r.NonePositive, r.NoneNegative
	c.P, c.PLeast, c.PMost = known(r.P), known(r.P), known(r.P)
	if len(r.PByMain) > 0 {
		c.PLeast, c.PMost = known(slices.Min(r.PByMain)), known(slices.Max(r.PByMain))
	}
	if c.Flaws = r.Flaws(); c.Class == "salient" {
		c.Flaws = append(c.Flaws, "the salient class of the reference is random: its clustering has no seed, and two of its runs share 32 to 70 % of their cells; "+
			"here it is the best clustering")
	}
}

// compatText is a comparison as a page to read.
func compatText(results []*CompatComparison) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s and %s, as the published implementation tests them; not for discovery\n", results[0].A, results[0].B)
	fmt.Fprintf(&b, "  %-8s %7s %8s %9s %9s %9s\n", "class", "score", "strength", "p", "match", "steps")
	var flaws []string
	for _, c := range results {
		if c.Steps == 0 {
			fmt.Fprintf(&b, "  %-8s not compared: %s\n", c.Class, c.Reason)
			continue
		}
		p := "-"
		if c.P != nil {
			p = fmt.Sprintf("%.2g", *c.P)
		}
		fmt.Fprintf(&b, "  %-8s %7.2f %8.2f %9s %9d %9d", c.Class, c.Score, c.Strength, p, c.PosPos+c.NegNeg+c.PosNeg+c.NegPos, c.Steps)
		if c.P != nil && *c.PLeast < *c.PMost {
			fmt.Fprintf(&b, "  p from %.2g to %.2g by main origin", *c.PLeast, *c.PMost)
		}
		if c.Reason != "" {
			b.WriteString("  " + c.Reason)
		}
		b.WriteString("\n")
		for _, flaw := range c.Flaws {
			if !slices.Contains(flaws, flaw) {
				flaws = append(flaws, flaw)
			}
		}
	}
	if len(flaws) > 0 {
		b.WriteString("  what is wrong with these p-values:\n")
	}
	for _, flaw := range flaws {
		fmt.Fprintf(&b, "  - %s\n", flaw)
	}
	b.WriteString("\n")
	return b.String()
}
