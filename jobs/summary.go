package jobs

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"

	"polygamy/topology"
)

// A fieldSummary is the page that describes a field.
type fieldSummary struct {
	File       string          `json:"file"`
	Profile    string          `json:"profile"`
	Resolution string          `json:"resolution"`
	Zone       string          `json:"zone"`
	First      string          `json:"first"` // start of the first and last step, local
	Last       string          `json:"last"`
	Regions    int             `json:"regions"`
	Steps      int             `json:"steps"`
	Covered    int             `json:"covered"` // cells with a value
	Seasons    int             `json:"seasons"`
	Values     *valueSummary   `json:"values"` // null if no cell has a value
	Trees      []treeSummary   `json:"trees"`
	Classes    []classSummary  `json:"classes"`
	Notes      []string        `json:"notes"`
	Best       string          `json:"-"` // class that the list of features is of
	Features   []featureOnPage `json:"features"`
}

type valueSummary struct {
	Min    float64 `json:"min"`
	Q1     float64 `json:"q1"`
	Median float64 `json:"median"`
	Q3     float64 `json:"q3"`
	Max    float64 `json:"max"`
	Mean   float64 `json:"mean"`
}

// A treeSummary counts the extrema of one direction over all seasons.
type treeSummary struct {
	Tree           string         `json:"tree"`
	Extrema        int            `json:"extrema"`
	MostPersistent []extremumLine `json:"most_persistent"`
}

type extremumLine struct {
	Region      string  `json:"region"`
	Time        string  `json:"time"`
	Value       float64 `json:"value"`
	Saddle      float64 `json:"saddle"`
	Persistence float64 `json:"persistence"`
}

// A classSummary is one level over all seasons.
type classSummary struct {
	Class            string  `json:"class"`
	SuperLow         *number `json:"super_low"` // range of the levels over the seasons, null if none
	SuperHigh        *number `json:"super_high"`
	SubLow           *number `json:"sub_low"`
	SubHigh          *number `json:"sub_high"`
	PositiveFeatures *int    `json:"positive_features"` // null in the reference profile, which has none
	NegativeFeatures *int    `json:"negative_features"`
	PositiveCells    int     `json:"positive_cells"`
	NegativeCells    int     `json:"negative_cells"`
	Conflicts        *int    `json:"conflict_cells"`
	Density          float64 `json:"density"` // share of the covered cells that are marked
	Dense            bool    `json:"dense"`   // above one half
}

type number = float64

// featureOnPage is a feature of the rarest class that has some.
type featureOnPage struct {
	Sign        string  `json:"sign"`
	Region      string  `json:"region"`
	Time        string  `json:"time"`
	Value       float64 `json:"value"`
	Persistence float64 `json:"persistence"`
	Start       string  `json:"start"`
	End         string  `json:"end"`
	Regions     int     `json:"regions"`
	Cells       int     `json:"cells"`
}

// listed is the number of extrema and features that a page lists.
const listed = 5

func (a *fieldAnalysis) summary() *fieldSummary {
	s := &fieldSummary{
		File:       a.name,
		Profile:    Profiles()[0],
		Resolution: a.field.Axis.Resolution.String(),
		Zone:       "UTC",
		First:      a.local(0),
		Last:       a.local(a.field.Axis.Len() - 1),
		Regions:    len(a.field.Regions),
		Steps:      a.field.Axis.Len(),
		Seasons:    len(a.treeSeasons()),
		Notes:      a.notes(),
		Features:   []featureOnPage{},
	}
	if a.field.Axis.Zone != nil {
		s.Zone = a.field.Axis.Zone.String()
	}
	if a.reference != nil {
		s.Profile = Profiles()[1]
	}
	s.Values, s.Covered = summarizeValues(a.field.Values)
	for _, d := range directions {
		s.Trees = append(s.Trees, a.summarizeTree(d))
	}
	s.Classes = a.summarizeClasses(s.Covered)
	if a.index != nil {
		s.Best, s.Features = a.rarestFeatures()
	}
	return s
}

func summarizeValues(values []float64) (*valueSummary, int) {
	sorted := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(sorted) == 0 {
		return nil, 0
	}
	slices.Sort(sorted)
	at := func(p float64) float64 { // linear at rank p*(n-1), as most programs have it
		h := p * float64(len(sorted)-1)
		i := int(h)
		j := min(i+1, len(sorted)-1)
		return sorted[i] + (h-float64(i))*(sorted[j]-sorted[i])
	}
	return &valueSummary{
		Min: sorted[0], Q1: at(0.25), Median: at(0.5), Q3: at(0.75), Max: sorted[len(sorted)-1],
		Mean: stat.Mean(sorted, nil),
	}, len(sorted)
}

// notes says what a reader must know to trust the page.
func (a *fieldAnalysis) notes() []string {
	notes := []string{}
	if !a.field.City && !a.graph {
		notes = append(notes, "no --graph: no region touches another, so a feature stays in its region")
	}
	if a.field.City && a.graph {
		notes = append(notes, "the file is one city-wide series, so --graph is not used")
	}
	if n := a.field.AmbiguousTimes; n > 0 {
		notes = append(notes, fmt.Sprintf("%s a wall-clock time that comes twice, because clocks went back; where the file tells it once, its second hour is missing", rowsHave(n)))
	}
	if n := a.field.NonexistentTimes; n > 0 {
		notes = append(notes, fmt.Sprintf("%s a wall-clock time that clocks skipped; moved forward", rowsHave(n)))
	}
	if parts := a.parts(); parts > len(a.seasons) {
		notes = append(notes, fmt.Sprintf("gaps cut the %s into %d parts; the highest maximum and the lowest minimum of each part are a pair, whatever lies beyond the gap", count(len(a.seasons), "season"), parts))
	}
	notes = append(notes, a.tiedTails()...)
	for _, c := range a.classes {
		note := c.Class + ": " + c.Reason
		if n := len(notes); c.Reason != "" && (n == 0 || !strings.HasSuffix(notes[n-1], ": "+c.Reason)) {
			notes = append(notes, note)
		}
	}
	return notes
}

func rowsHave(n int) string {
	if n == 1 {
		return "1 row has"
	}
	return fmt.Sprintf("%d rows have", n)
}

// parts returns the number of connected parts of the domain, over all seasons.
func (a *fieldAnalysis) parts() int {
	if a.index == nil {
		return 0 // the reference closes gaps
	}
	n := 0
	for _, s := range a.index.Seasons() {
		for i := range s.Super.Len() {
			if s.Super.Pair(i).Parent < 0 {
				n++
			}
		}
	}
	return n
}

// tiedTails says where ties make a tail much fatter than its share: counts
// that are mostly 0 have no rare valleys.
func (a *fieldAnalysis) tiedTails() []string {
	values, covered := summarizeValues(a.field.Values)
	if a.index == nil || covered == 0 {
		return nil
	}
	if values.Min == values.Max {
		return []string{"every value is " + roundedText(values.Min)}
	}
	var notes []string
	for _, d := range directions {
		for _, c := range a.classes {
			var share float64
			if n, _ := fmt.Sscanf(c.Class, "tail:%g", &share); n == 0 || strings.HasSuffix(c.Class, "/season") {
				continue
			}
			level := c.Of(d)[0].Value
			cells := 0
			for _, x := range a.field.Values {
				if d == topology.Super && x >= level || d == topology.Sub && x <= level {
					cells++
				}
			}
			if fair := math.Ceil(share * float64(covered) / 100); float64(cells) > 1.5*fair {
				side := map[topology.Direction]string{topology.Super: "upper", topology.Sub: "lower"}[d]
				notes = append(notes, fmt.Sprintf("so many values are exactly %s that the %s tail of %g %% holds %.1f %% of the cells", roundedText(level), side, share, 100*float64(cells)/float64(covered)))
				break
			}
		}
	}
	return notes
}

// summarizeTree lists the most persistent extrema of all seasons.
func (a *fieldAnalysis) summarizeTree(d topology.Direction) treeSummary {
	t := treeSummary{Tree: d.String(), MostPersistent: []extremumLine{}}
	add := func(region, step int, birth, death, persistence float64) {
		t.MostPersistent = append(t.MostPersistent, extremumLine{
			Region: a.field.Regions[region], Time: a.local(step), Value: birth, Saddle: death, Persistence: persistence,
		})
	}
	if a.reference != nil {
		for i := range a.reference.Seasons {
			s := &a.reference.Seasons[i]
			t.Extrema += len(s.Of(d))
			for _, p := range s.Of(d)[:min(listed, len(s.Of(d)))] {
				region, step := s.Cell(p.Extremum)
				add(region, step, float64(p.Birth), float64(p.Death), float64(p.Persistence))
			}
		}
	} else {
		for _, s := range a.index.Seasons() {
			tree := s.Tree(d)
			t.Extrema += tree.Len()
			for i := range min(listed, tree.Len()) {
				p := tree.Pair(i)
				add(a.domain.Region(p.Extremum), s.Season.First+a.domain.Step(p.Extremum), p.Birth, p.Death, p.Persistence())
			}
		}
	}
	slices.SortStableFunc(t.MostPersistent, func(x, y extremumLine) int { return cmp.Compare(y.Persistence, x.Persistence) })
	t.MostPersistent = t.MostPersistent[:min(listed, len(t.MostPersistent))]
	return t
}

func (a *fieldAnalysis) summarizeClasses(covered int) []classSummary {
	classes := make([]classSummary, len(a.classes))
	for i, t := range a.classes {
		classes[i].Class = t.Class
		classes[i].SuperLow, classes[i].SuperHigh = levelRange(t.Super)
		classes[i].SubLow, classes[i].SubHigh = levelRange(t.Sub)
	}
	a.forEachMap(func(class int, sign func(region, step int) int) bool {
		c := &classes[class]
		for r := range a.field.Regions {
			for step := range a.field.Axis.Len() {
				switch sign(r, step) {
				case 1:
					c.PositiveCells++
				case -1:
					c.NegativeCells++
				}
			}
		}
		if covered > 0 {
			c.Density = float64(c.PositiveCells+c.NegativeCells) / float64(covered)
		}
		c.Dense = c.Density > 0.5
		return true
	})
	if a.index == nil {
		return classes
	}
	a.forEachSweep(func(first int, sweep *topology.Sweep) bool {
		for level, m := range sweep.Maps() {
			positive, negative, conflicts := 0, 0, m.Conflicts
			for i := range a.seasons {
				positive += sweep.Levels[level].Super[i].Features
				negative += sweep.Levels[level].Sub[i].Features
			}
			c := &classes[first+level]
			c.PositiveFeatures, c.NegativeFeatures, c.Conflicts = &positive, &negative, &conflicts
		}
		return true
	})
	return classes
}

func levelRange(levels []topology.Threshold) (low, high *float64) {
	for _, l := range levels {
		if math.IsNaN(l.Value) {
			continue
		}
		if low == nil || l.Value < *low {
			low = &l.Value
		}
		if high == nil || l.Value > *high {
			high = &l.Value
		}
	}
	return low, high
}

// unusual is the largest share of the cells that a list of features is made
// of: what holds more is not an event.
const unusual = 0.25

// rarestFeatures returns the most persistent features of the rarest class
// that has some.
func (a *fieldAnalysis) rarestFeatures() (class string, features []featureOnPage) {
	for _, c := range a.classes {
		all := a.index.Features(a.domain, a.field.Values, c)
		for _, d := range directions {
			of := func(f topology.Feature) bool { return f.Direction == d }
			cells := 0
			for _, f := range all {
				if of(f) {
					cells += f.Cells
				}
			}
			if float64(cells) > unusual*float64(a.index.Covered()) {
				all = slices.DeleteFunc(all, of)
			}
		}
		if len(all) == 0 {
			continue
		}
		slices.SortStableFunc(all, func(x, y topology.Feature) int { return cmp.Compare(y.Persistence, x.Persistence) })
		for _, f := range all[:min(2*listed, len(all))] {
			features = append(features, featureOnPage{
				Sign: f.Sign(), Region: a.field.Regions[f.Region], Time: a.local(f.Step), Value: f.Value, Persistence: f.Persistence,
				Start: a.local(f.Start), End: a.local(f.End), Regions: f.Regions, Cells: f.Cells,
			})
		}
		return c.Class, features
	}
	return "", []featureOnPage{}
}

// print writes the page, a JSON object, or CSV with the columns item,value.
func (s *fieldSummary) print(ctx context.Context, w io.Writer, format string) error {
	switch format {
	case "json":
		text, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s\n", text)
		return err
	case "csv":
		return s.items().print(ctx, w, format)
	}
	b := bufio.NewWriter(w)
	s.printPage(b)
	return b.Flush()
}

// items flattens the numbers of the page.
func (s *fieldSummary) items() *table {
	t := newTable("item", "value")
	t.rows = func(yield func([]any) bool) {
		rows := [][]any{
			{"file", s.File}, {"profile", s.Profile}, {"resolution", s.Resolution}, {"zone", s.Zone}, {"first", s.First}, {"last", s.Last},
			{"regions", s.Regions}, {"steps", s.Steps}, {"covered", s.Covered}, {"seasons", s.Seasons},
		}
		if v := s.Values; v != nil {
			rows = append(rows, []any{"min", v.Min}, []any{"q1", v.Q1}, []any{"median", v.Median}, []any{"q3", v.Q3}, []any{"max", v.Max}, []any{"mean", v.Mean})
		}
		for _, tree := range s.Trees {
			rows = append(rows, []any{tree.Tree + " extrema", tree.Extrema})
		}
		for _, c := range s.Classes {
			rows = append(rows, []any{c.Class + " positive cells", c.PositiveCells}, []any{c.Class + " negative cells", c.NegativeCells}, []any{c.Class + " density", c.Density})
		}
		for _, row := range rows {
			if !yield(row) {
				return
			}
		}
	}
	return t
}

func (s *fieldSummary) printPage(w io.Writer) {
	fmt.Fprintf(w, "%s: %s x %s, %s to %s (%s)\n", s.File, count(s.Regions, "region"), count(s.Steps, s.Resolution), s.First, s.Last, s.Zone)
	fmt.Fprintf(w, "%s profile, %s; persistence is measured inside a season\n\n", s.Profile, count(s.Seasons, "season"))
	cells := s.Regions * s.Steps
	if s.Values == nil {
		fmt.Fprintf(w, "No cell of %d has a value.\n", cells)
	} else {
		v := s.Values
		fmt.Fprintf(w, "Values   %d of %d cells (%s); min %s, quartiles %s, %s, %s, max %s, mean %s\n", s.Covered, cells, percent(s.Covered, cells),
			roundedText(v.Min), roundedText(v.Q1), roundedText(v.Median), roundedText(v.Q3), roundedText(v.Max), roundedText(v.Mean))
	}
	for _, note := range s.Notes {
		fmt.Fprintf(w, "Note     %s\n", note)
	}
	names := map[string]string{"super": "Maxima", "sub": "Minima"}
	for _, tree := range s.Trees {
		if len(tree.MostPersistent) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s: %d, the most persistent:\n", names[tree.Tree], tree.Extrema)
		t := newTable("region", "time", "value", "saddle", "persistence")
		t.rows = func(yield func([]any) bool) {
			for _, e := range tree.MostPersistent {
				if !yield([]any{e.Region, e.Time, e.Value, e.Saddle, e.Persistence}) {
					return
				}
			}
		}
		t.printTable(w)
	}
	if s.Values != nil {
		s.printClasses(w)
	}
	if len(s.Features) == 0 {
		return
	}
	fmt.Fprintf(w, "\nFeatures of %s, the most persistent:\n", s.Best)
	t := newTable("sign", "region", "extremum", "value", "persistence", "from", "to", "regions", "cells")
	t.rows = func(yield func([]any) bool) {
		for _, f := range s.Features {
			if !yield([]any{f.Sign, f.Region, f.Time, f.Value, f.Persistence, f.Start, f.End, f.Regions, f.Cells}) {
				return
			}
		}
	}
	t.printTable(w)
}

func (s *fieldSummary) printClasses(w io.Writer) {
	fmt.Fprintf(w, "\nThresholds:\n")
	t := newTable("class", "at or above", "features", "cells", "at or below", "features", "cells", "marked", "")
	features := func(n *int) any {
		if n == nil {
			return ""
		}
		return *n
	}
	t.rows = func(yield func([]any) bool) {
		for _, c := range s.Classes {
			var flags []string
			if c.Dense {
				flags = append(flags, "dense")
			}
			if c.Conflicts != nil && *c.Conflicts > 0 {
				flags = append(flags, fmt.Sprintf("%d cells in both", *c.Conflicts))
			}
			row := []any{c.Class, rangeText(c.SuperLow, c.SuperHigh), features(c.PositiveFeatures), c.PositiveCells,
				rangeText(c.SubLow, c.SubHigh), features(c.NegativeFeatures), c.NegativeCells, fmt.Sprintf("%.1f %%", 100*c.Density), strings.Join(flags, ", ")}
			if !yield(row) {
				return
			}
		}
	}
	t.printTable(w)
}

// rangeText is one level, or the range of the levels of all seasons.
func rangeText(low, high *float64) string {
	switch {
	case low == nil:
		return "none"
	case *low == *high:
		return roundedText(*low)
	}
	return roundedText(*low) + " to " + roundedText(*high)
}

// percent does not round to all or nothing.
func percent(part, whole int) string {
	switch p := 100 * float64(part) / float64(whole); {
	case part < whole && p > 99.9:
		return "> 99.9 %"
	case part > 0 && p < 0.1:
		return "< 0.1 %"
	default:
		return fmt.Sprintf("%.1f %%", p)
	}
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", n, noun))
}
