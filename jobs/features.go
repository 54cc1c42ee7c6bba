package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"polygamy/datasets"
	"polygamy/topology"
)

// FeaturesOptions says what `polygamy features` computes and prints. Texts
// are those of the flags of the same names.
type FeaturesOptions struct {
	Field      string   // path of the field, CSV, gzipped or not
	Graph      string   // path of the adjacency of its regions; empty: no region touches another
	Resolution string   // hour, day, week, month or year; empty: inferred
	Zone       string   // IANA name; empty means UTC
	ZoneGiven  bool     // Zone is not the default
	Season     string   // auto, none, month, quarter or year; empty means auto
	Thresholds []string // classes; empty: sweep, or those of the reference profile
	Profile    string   // corrected or reference; empty means corrected
	What       string   // one of Whats; empty means summary
	Format     string   // table, csv or json; empty means table
	Plot       string   // path of a picture to write, .svg or .png; empty: none
}

// Profiles, Whats and Formats list the choices of FeaturesOptions.
func Profiles() []string { return []string{"corrected", "reference"} }

// Whats lists what can be printed about a field.
func Whats() []string {
	return []string{"summary", "pairs", "thresholds", "sweep", "cells", "features"}
}

// Formats lists the forms of output.
func Formats() []string { return []string{"table", "csv", "json"} }

// Features reads a field, finds its trees and features, and prints what o
// asks for to w. It writes the picture, if one is asked for, before that.
func Features(ctx context.Context, o FeaturesOptions, w io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	a, err := o.read()
	if err != nil {
		return err
	}
	if err := a.compute(ctx, o); err != nil {
		if ctx.Err() != nil {
			return outputError(errInterrupted)
		}
		return err
	}
	if o.Plot != "" {
		if err := a.plot(o.Plot); err != nil {
			return outputError(err)
		}
	}
	if o.What == "summary" {
		return outputError(a.summary().print(ctx, w, o.Format))
	}
	t, err := a.table(o.What)
	if err != nil {
		return err
	}
	return outputError(t.print(ctx, w, o.Format))
}

// check fills in defaults and refuses what is no choice.
func (o *FeaturesOptions) check() error {
	choose := func(flag string, value *string, choices []string) error {
		if *value == "" {
			*value = choices[0]
		}
		if !slices.Contains(choices, *value) {
			return usageErrorf("--%s %s: choose one of %s", flag, *value, strings.Join(choices, ", "))
		}
		return nil
	}
	for _, text := range o.Thresholds {
		if _, err := topology.ParseClass(text); err != nil {
			return usageErrorf("--threshold: %v", err)
		}
	}
	if o.Profile == "reference" && (o.What == "sweep" || o.What == "features") {
		return usageErrorf("--what %s: the reference profile has summary, pairs, thresholds and cells only", o.What)
	}
	return cmp.Or(
		choose("profile", &o.Profile, Profiles()),
		choose("what", &o.What, Whats()),
		choose("format", &o.Format, Formats()),
		checkPlotName(o.Plot),
	)
}

// A fieldAnalysis is a field with what was found in it.
type fieldAnalysis struct {
	name    string
	field   *datasets.Field
	domain  topology.Domain
	seasons []topology.Season
	rule    datasets.SeasonRule
	graph   bool

	index     *topology.Index     // corrected profile
	reference *topology.Reference // reference profile
	classes   []topology.Thresholds
	sweeps    [][2]int // corrected: classes[first:end] that came from one nested class
}

func (o *FeaturesOptions) read() (*fieldAnalysis, error) {
	a := &fieldAnalysis{name: o.Field}
	var options datasets.FieldOptions
	var err error
	if o.Resolution != "" {
		if options.Resolution, err = datasets.ParseResolution(o.Resolution); err != nil {
			return nil, usageErrorf("--resolution: %v", err)
		}
	}
	if o.Zone != "" {
		if options.Zone, err = time.LoadLocation(o.Zone); err != nil {
			return nil, usageErrorf("--zone %s: no such time zone; use an IANA name such as America/New_York", o.Zone)
		}
	}
	if a.rule = datasets.SeasonAuto; o.Season != "" {
		if a.rule, err = datasets.ParseSeasonRule(o.Season); err != nil {
			return nil, usageErrorf("--season: %v", err)
		}
	}
	if o.Profile == "reference" {
		if o.Season != "" {
			return nil, usageErrorf("--season %s: the reference profile has seasons of its own; leave the flag out", o.Season)
		}
		a.rule = datasets.SeasonReference
	}
	var graph *topology.Graph
	if o.Graph != "" {
		file, err := openFile(o.Graph)
		if err != nil {
			return nil, inputError(err)
		}
		defer file.Close()
		if graph, err = datasets.ReadGraph(file, o.Graph); err != nil {
			return nil, inputError(err)
		}
		options.Regions, options.GraphName = graph.NumRegions(), o.Graph
		a.graph = true
	}
	if strings.HasSuffix(o.Field, ".arrow") {
		if o.Graph != "" || o.Resolution != "" || o.ZoneGiven {
			return nil, usageErrorf("%s says what its regions, steps and zone are; leave --graph, --resolution and --zone out", o.Field)
		}
		if a.field, graph, err = readFunctionField(o.Field); err != nil {
			return nil, inputError(err)
		}
		a.graph = !a.field.City
	} else {
		file, err := openFile(o.Field)
		if err != nil {
			return nil, inputError(err)
		}
		defer file.Close()
		if a.field, err = datasets.ReadFieldCSV(file, o.Field, options); err != nil {
			return nil, inputError(err)
		}
	}
	switch {
	case a.field.City:
		a.domain = topology.Path(a.field.Axis.Len())
	case graph != nil:
		a.domain = topology.NewDomain(graph, a.field.Axis.Len())
	default:
		if graph, err = topology.NewGraph(len(a.field.Regions), nil); err != nil {
			return nil, inputError(err)
		}
		a.domain = topology.NewDomain(graph, a.field.Axis.Len())
	}
	a.seasons = datasets.Seasons(a.field.Axis, a.rule)
	return a, nil
}

// openFile opens a file to read, which a folder is not.
func openFile(name string) (*os.File, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err == nil && info.IsDir() {
		file.Close()
		return nil, fmt.Errorf("%s is a folder; name a file", name)
	}
	return file, nil
}

// readFunction reads a function file.
func readFunction(name string) (*datasets.Function, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f, err := datasets.ReadFunction(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// readFunctionField reads a function file as a field with its graph.
func readFunctionField(name string) (*datasets.Field, *topology.Graph, error) {
	f, err := readFunction(name)
	if err != nil {
		return nil, nil, err
	}
	return &datasets.Field{Axis: f.Axis, Regions: f.Regions.IDs, City: len(f.Regions.IDs) == 1, Values: f.Values}, f.Regions.Graph, nil
}

// compute builds the trees and chooses the thresholds.
func (a *fieldAnalysis) compute(ctx context.Context, o FeaturesOptions) error {
	var classes []topology.Class
	for _, text := range o.Thresholds {
		c, err := topology.ParseClass(text)
		if err != nil {
			return usageErrorf("--threshold: %v", err)
		}
		classes = append(classes, c)
	}
	if o.Profile == "reference" {
		return a.computeReference(ctx, classes)
	}
	if classes == nil {
		classes = []topology.Class{defaultSweep()}
	}
	var err error
	if a.index, err = new(topology.Builder).Build(ctx, a.domain, a.field.Values, a.seasons); err != nil {
		return a.locate(err)
	}
	for _, c := range classes {
		first := len(a.classes)
		a.classes = append(a.classes, a.index.Thresholds(a.field.Values, c)...)
		a.sweeps = append(a.sweeps, [2]int{first, len(a.classes)})
	}
	return nil
}

func (a *fieldAnalysis) computeReference(ctx context.Context, classes []topology.Class) error {
	if classes == nil {
		classes = []topology.Class{{Kind: topology.Salient}, {Kind: topology.Extreme}}
	}
	var err error
	if a.reference, err = topology.NewReference(ctx, a.domain, a.field.Values, a.seasons); err != nil {
		return a.locate(err)
	}
	for _, c := range classes {
		t, err := a.reference.Thresholds(c)
		if err != nil {
			return usageErrorf("--threshold: %v", strings.TrimPrefix(err.Error(), "topology: "))
		}
		a.classes = append(a.classes, t)
	}
	return nil
}

// locate says in the words of the file which cell an error of topology is
// about.
func (a *fieldAnalysis) locate(err error) error {
	var value *topology.ValueError
	switch {
	case errors.As(err, &value):
		return inputError(fmt.Errorf("%s: region %s at %s: value %g is too large; leave the cell empty if it is missing",
			a.name, a.field.Regions[value.Region], a.field.TimeText(value.Step), value.Value))
	case errors.Is(err, topology.ErrReferenceDrops):
		return inputError(fmt.Errorf("%s: %s; use the corrected profile", a.name, strings.TrimPrefix(err.Error(), "topology: ")))
	}
	return err
}

var directions = []topology.Direction{topology.Super, topology.Sub}

// table returns the rows of what.
func (a *fieldAnalysis) table(what string) (*table, error) {
	switch what {
	case "pairs":
		return a.pairs(), nil
	case "thresholds":
		return a.thresholds(), nil
	case "cells":
		return a.cells(), nil
	}
	if what == "sweep" {
		return a.sweep(), nil
	}
	return a.features(), nil
}

func (a *fieldAnalysis) pairs() *table {
	t := newTable("season", "tree", "rank", "region", "time", "vertex", "extremum", "saddle", "persistence")
	t.rows = func(yield func([]any) bool) {
		row := func(season topology.Season, d topology.Direction, rank, region, step, vertex int, values ...any) bool {
			return yield(append([]any{season.Code, d.String(), rank, a.field.Regions[region], a.when(step), vertex}, values...))
		}
		if a.reference != nil {
			for i := range a.reference.Seasons {
				s := &a.reference.Seasons[i]
				for _, d := range directions {
					for rank, p := range s.Of(d) {
						region, step := s.Cell(p.Extremum)
						if !row(s.Season, d, rank, region, step, p.Extremum, p.Birth, p.Death, p.Persistence) {
							return
						}
					}
				}
			}
			return
		}
		for _, s := range a.index.Seasons() {
			for _, d := range directions {
				for rank := range s.Tree(d).Len() {
					p := s.Tree(d).Pair(rank)
					if !row(s.Season, d, rank, a.domain.Region(p.Extremum), s.Season.First+a.domain.Step(p.Extremum), p.Extremum, p.Birth, p.Death, p.Persistence()) {
						return
					}
				}
			}
		}
	}
	return t
}

// treeSeasons returns the seasons that have trees.
func (a *fieldAnalysis) treeSeasons() []topology.Season {
	if a.reference == nil {
		return a.seasons
	}
	var seasons []topology.Season
	for i := range a.reference.Seasons {
		seasons = append(seasons, a.reference.Seasons[i].Season)
	}
	return seasons
}

func (a *fieldAnalysis) thresholds() *table {
	t := newTable("season", "tree", "class", "persistence_cut", "threshold")
	t.rows = func(yield func([]any) bool) {
		for i, s := range a.treeSeasons() {
			for _, d := range directions {
				for _, c := range a.classes {
					level := c.Of(d)[i]
					if !yield([]any{s.Code, d.String(), c.Class, level.PersistenceCut, level.Value}) {
						return
					}
				}
			}
		}
	}
	return t
}

// forEachSweep calls do with the levels of every class and their first
// position in a.classes, until do returns false.
func (a *fieldAnalysis) forEachSweep(do func(first int, s *topology.Sweep) bool) {
	layout := topology.NewLayout(a.domain, 64, 0)
	for _, span := range a.sweeps {
		if !do(span[0], a.index.Sweep(a.field.Values, a.classes[span[0]:span[1]], layout)) {
			return
		}
	}
}

func (a *fieldAnalysis) sweep() *table {
	t := newTable("season", "tree", "step", "threshold", "features", "cells")
	t.rows = func(yield func([]any) bool) {
		a.forEachSweep(func(first int, sweep *topology.Sweep) bool {
			for i, s := range a.seasons {
				for _, d := range directions {
					for step, level := range sweep.Levels {
						x := level.Of(d)[i]
						if !yield([]any{s.Code, d.String(), first + step, level.Thresholds.Of(d)[i].Value, x.Features, x.Cells}) {
							return false
						}
					}
				}
			}
			return true
		})
	}
	return t
}

// forEachMap calls do with a function that gives the sign of any cell, for
// every class, until do returns false.
func (a *fieldAnalysis) forEachMap(do func(class int, sign func(region, step int) int) bool) {
	if a.reference != nil {
		for i, c := range a.classes {
			events := a.reference.Events(c)
			if !do(i, func(region, step int) int { return int(events[step*len(a.field.Regions)+region]) }) {
				return
			}
		}
		return
	}
	a.forEachSweep(func(first int, sweep *topology.Sweep) bool {
		for level, m := range sweep.Maps() {
			if !do(first+level, m.Sign) {
				return false
			}
		}
		return true
	})
}

func (a *fieldAnalysis) cells() *table {
	t := newTable("class", "region", "time", "sign")
	t.rows = func(yield func([]any) bool) {
		a.forEachMap(func(class int, sign func(region, step int) int) bool {
			for r, name := range a.field.Regions {
				for step := range a.field.Axis.Len() {
					if s := sign(r, step); s != 0 && !yield([]any{a.classes[class].Class, name, a.when(step), signText(s)}) {
						return false
					}
				}
			}
			return true
		})
	}
	return t
}

func signText(sign int) string {
	if sign > 0 {
		return "+"
	}
	return "-"
}

func (a *fieldAnalysis) features() *table {
	t := newTable("class", "id", "season", "sign", "region", "time", "value", "persistence", "start", "end", "duration", "regions", "cells", "mean_excess")
	t.rows = func(yield func([]any) bool) {
		for _, c := range a.classes {
			for _, f := range a.index.Features(a.domain, a.field.Values, c) {
				row := []any{c.Class, f.ID, f.Season, f.Sign(), a.field.Regions[f.Region], a.when(f.Step), f.Value, f.Persistence,
					a.when(f.Start), a.when(f.End), f.Duration(), f.Regions, f.Cells, f.MeanExcess}
				if !yield(row) {
					return
				}
			}
		}
	}
	return t
}

// A stepTime is the start of a step: in tables to read the local date, in
// data the form that the field's file used.
type stepTime struct{ data, local string }

func (a *fieldAnalysis) when(step int) stepTime {
	return stepTime{data: a.field.TimeText(step), local: a.local(step)}
}

// local returns the start of a step as people write it.
func (a *fieldAnalysis) local(step int) string {
	layout := time.DateOnly
	switch a.field.Axis.Resolution {
	case datasets.Hour:
		layout = "2006-01-02 15:04"
	case datasets.Month:
		layout = "2006-01"
	case datasets.Year:
		layout = "2006"
	}
	return a.field.Axis.Start(step).Format(layout)
}

// missing reports whether a value of a table has nothing to say.
func missing(v any) bool {
	x, ok := v.(float64)
	return ok && math.IsNaN(x)
}
