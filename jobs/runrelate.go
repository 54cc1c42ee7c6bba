package jobs

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"polygamy/datasets"
	"polygamy/relate"
)

// A pairResult is what a run knows of a pair of datasets at one resolution.
type pairResult struct {
	a, b       *indexed
	resolution string
	file       string // below the folder of the run
	fresh      bool   // tested by this run
	rows       []pairRow

	parts [][]pairRow // of each pair of functions
	left  atomic.Int64
}

// A pairRow is a relationship before the run as a whole is known, and its
// decoy.
type pairRow struct {
	Relationship
	decoy decoyRow
}

// A decoyRow is a relationship again, with the second function moved.
type decoyRow struct {
	P     *float64 `parquet:"p,optional,snappy"` // null without a test
	Dense bool     `parquet:"dense,snappy"`
}

// readPair reads what an earlier run has written of a pair, nil if none has.
func (r *runner) readPair(p *pairResult) error {
	rows, err := readRows[Relationship](filepath.Join(r.o.Out, p.file))
	if err != nil || rows == nil {
		return err
	}
	decoys, err := readRows[decoyRow](filepath.Join(r.o.Out, p.file+decoysSuffix))
	if err != nil {
		return err
	}
	if len(decoys) != len(rows) {
		return inputError(fmt.Errorf("%s has %d rows and its decoys %d; remove both and run again", filepath.Join(r.o.Out, p.file), len(rows), len(decoys)))
	}
	for i := range rows {
		p.rows = append(p.rows, pairRow{rows[i], decoys[i]})
	}
	return nil
}

const decoysSuffix = ".decoys"

// writePair writes the rows of a pair, the file that says that it is done last.
func (r *runner) writePair(ctx context.Context, p *pairResult) error {
	rows, decoys := make([]Relationship, len(p.rows)), make([]decoyRow, len(p.rows))
	for i := range p.rows {
		rows[i], decoys[i] = p.rows[i].Relationship, p.rows[i].decoy
	}
	if err := writeRows(ctx, r, p.file+decoysSuffix, decoys); err != nil {
		return err
	}
	return writeRows(ctx, r, p.file, rows)
}

// A markedFunction is a function with its features, of every kind.
type markedFunction struct {
	dataset string
	entry   *indexedFunction
	kinds   []*marked // as runKinds
}

// relate tests the pairs of datasets that the folder does not hold yet, one
// resolution after the other, so that the features of one are in memory.
func (r *runner) relate(ctx context.Context) error {
	pending := map[string][]*pairResult{} // by resolution
	for i, a := range r.indexed {
		for _, b := range r.indexed[i+1:] {
			for _, resolution := range commonResolutions(a, b) {
				p := &pairResult{a: a, b: b, resolution: resolution}
				key := hashOf(runFormat, a.Key, b.Key, r.lagsAt(resolution))
				p.file = filepath.Join("pairs", fileName(a.Dataset)+"+"+fileName(b.Dataset), resolution+"-"+key+".parquet")
				if err := r.readPair(p); err != nil {
					return err
				}
				if p.rows == nil {
					p.fresh = true
					pending[resolution] = append(pending[resolution], p)
				}
				r.pairs = append(r.pairs, p)
			}
		}
	}
	for _, resolution := range slices.Sorted(maps.Keys(pending)) {
		if err := r.relateAt(ctx, resolution, pending[resolution]); err != nil {
			return err
		}
	}
	return nil
}

// commonResolutions are those at which both datasets have functions.
func commonResolutions(a, b *indexed) []string {
	has := map[string]int{}
	for i, x := range []*indexed{a, b} {
		for _, f := range x.Functions {
			has[f.Resolution] |= 1 << i
		}
	}
	var list []string
	for _, resolution := range slices.Sorted(maps.Keys(has)) {
		if has[resolution] == 3 {
			list = append(list, resolution)
		}
	}
	return list
}

// lagsAt returns the lags that are searched at a resolution: of hours and days
// of the whole city. Lags of weeks would take weeks from every record.
func (r *runner) lagsAt(resolution string) []int {
	most := 0
	if resolution == "hour-city" || resolution == "day-city" {
		most = r.settings.Lags
	}
	lags := make([]int, 0, 2*most+1)
	for lag := -most; lag <= most; lag++ {
		lags = append(lags, lag)
	}
	return lags
}

// relateAt tests pairs of datasets at one resolution. Each is written when its
// last pair of functions is done, so that a run that is stopped loses little.
func (r *runner) relateAt(ctx context.Context, resolution string, pending []*pairResult) error {
	step, _, _ := strings.Cut(resolution, "-")
	t := &resolutionTests{runner: r, resolution: resolution, lags: r.lagsAt(resolution)}
	var err error
	if t.step, err = datasets.ParseResolution(step); err != nil {
		return err
	}
	type task struct {
		pair *pairResult
		part int
		a, b *markedFunction
	}
	var tasks []task
	loaded := map[*indexed][]*markedFunction{}
	for _, p := range pending {
		for _, x := range []*indexed{p.a, p.b} {
			if _, ok := loaded[x]; !ok {
				if loaded[x], err = t.markedFunctions(x); err != nil {
					return err
				}
			}
		}
		for _, a := range loaded[p.a] {
			for _, b := range loaded[p.b] {
				tasks = append(tasks, task{p, len(p.parts), a, b})
				p.parts = append(p.parts, nil)
			}
		}
		p.left.Store(int64(len(p.parts)))
	}
	r.o.Progress.Stage(resolution+": pairs of functions", len(tasks))
	errs := make([]error, len(tasks))
	testers := make(chan *relate.Tester, r.o.Workers)
	for range r.o.Workers {
		testers <- new(relate.Tester)
	}
	err = eachOf(ctx, r.o.Workers, len(tasks), func(i int) {
		tester := <-testers
		defer func() { testers <- tester }()
		p := tasks[i].pair
		begin := r.o.Now()
		p.parts[tasks[i].part], errs[i] = t.test(ctx, tester, tasks[i].a, tasks[i].b)
		r.spent.add(&r.spent.relate, begin, r.o.Now())
		if errs[i] == nil && p.left.Add(-1) == 0 {
			p.rows, p.parts = slices.Concat(p.parts...), nil
			errs[i] = r.writePair(ctx, p)
		}
		r.o.Progress.Done(1)
	})
	return cmp.Or(append([]error{err}, errs...)...)
}

// eachOf calls do for 0 to n-1 on so many workers, unless ctx ends it.
func eachOf(ctx context.Context, workers, n int, do func(i int)) error {
	c := &functionCorpus{}
	return c.each(ctx, workers, "", n, do)
}

// markedFunctions reads the features of the functions of a dataset at the
// resolution.
func (t *resolutionTests) markedFunctions(x *indexed) ([]*markedFunction, error) {
	var list []*markedFunction
	for i := range x.Functions {
		entry := &x.Functions[i]
		if entry.Resolution != t.resolution {
			continue
		}
		f := &markedFunction{dataset: x.Dataset, entry: entry}
		for i, k := range entry.Kinds {
			m := &marked{null: nullFor(relate.Null{}, t.step, runKinds()[i].version), reason: k.Reason}
			if k.Marks != "" {
				name := filepath.Join(t.o.Out, k.Marks)
				data, err := readIfThere(name)
				if err == nil {
					m.marks, err = relate.ReadMarks(data)
				}
				if err != nil {
					return nil, inputError(fmt.Errorf("%s: %w; remove its folder and run again", name, err))
				}
				m.memories = memoriesOf(m.marks)
			}
			f.kinds = append(f.kinds, m)
		}
		list = append(list, f)
	}
	return list, nil
}

// resolutionTests are the tests of one resolution.
type resolutionTests struct {
	*runner
	resolution string
	step       datasets.Resolution
	lags       []int
}

// test tests two functions, of every kind.
func (t *resolutionTests) test(ctx context.Context, tester *relate.Tester, a, b *markedFunction) ([]pairRow, error) {
	rows := make([]pairRow, 0, len(runKinds()))
	for i, kind := range runKinds() {
		row := pairRow{Relationship: Relationship{
			DatasetA: a.dataset, FunctionA: a.entry.Function, DatasetB: b.dataset, FunctionB: b.entry.Function,
			GroupA: a.entry.Group, GroupB: b.entry.Group, Version: kind.version, Class: kind.class,
			LagFirst: int32(t.lags[0]), LagLast: int32(t.lags[len(t.lags)-1]),
		}}
		f, g := a.kinds[i], b.kinds[i]
		for _, side := range []struct {
			name string
			m    *marked
		}{{a.dataset + "." + a.entry.Function, f}, {b.dataset + "." + b.entry.Function, g}} {
			if side.m.reason != "" && row.Reason == nil {
				reason := side.name + " " + side.m.reason
				row.Reason = &reason
			}
		}
		if row.Reason == nil {
			tester.Null = f.null
			s, err := t.search(ctx, tester, f, g)
			if err != nil {
				return nil, err
			}
			fillRelationship(&row.Relationship, s, a.entry.Kinds[i].Levels, t.lags)
			if err := t.decoy(ctx, tester, &row, f, g); err != nil {
				return nil, err
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// search is the test of two functions at all levels and lags.
func (t *resolutionTests) search(ctx context.Context, tester *relate.Tester, f, g *marked) (*relate.Search, error) {
	atomic.AddInt64(&t.spent.tests, int64(len(f.marks)*len(t.lags)))
	if len(t.lags) == 1 {
		return tester.Sweep(f.marks, g.marks, f.memories, g.memories), nil
	}
	return tester.Lags(ctx, f.marks, g.marks, f.memories, g.memories, 1, t.lags)
}

// decoy tests the pair again with the second function moved by a year or less,
// so that every coincidence is chance.
func (t *resolutionTests) decoy(ctx context.Context, tester *relate.Tester, row *pairRow, f, g *marked) error {
	if t.step > datasets.Week || !row.Testable {
		return nil
	}
	weeks := f.decoyShift(g, yearWeeks)
	if weeks == 0 {
		return nil
	}
	s, err := t.search(ctx, tester, f, &marked{marks: g.moved(weeks), memories: g.memories})
	if err != nil {
		return err
	}
	if s.Testable && !s.Exploratory {
		p := s.P
		row.decoy = decoyRow{&p, s.Dense}
	}
	return nil
}

// fillRelationship writes what a search found.
func fillRelationship(row *Relationship, s *relate.Search, levels []string, lags []int) {
	row.Testable, row.Exploratory, row.Dense = s.Testable, s.Exploratory, s.Dense
	best := s.Best
	if !s.Testable {
		reason := s.Reason // s is the tester's
		row.Reason = &reason
		best = max(0, slices.Index(levels, usualLevel))*len(lags) + max(0, slices.Index(lags, 0))
	} else {
		row.P, row.Effective = known(s.P), known(s.Effective)
		if s.First >= 0 {
			row.LevelFrom, row.LevelTo = &levels[s.First/len(lags)], &levels[s.Last/len(lags)]
		}
	}
	row.Level, row.Lag = &levels[best/len(lags)], int32(lags[best%len(lags)])
	x, n := s.Results[best], &s.Results[best].Counts
	if n.Overlap() > 0 {
		row.Score = known(n.Score())
	}
	row.Strength, row.Precision, row.Recall = n.Strength(), n.Precision(), n.Recall()
	if x.Testable {
		row.Kappa, row.Lift, row.Z, row.Guard = known(x.Excess()), known(x.Lift()), known(x.Z), known(x.Inflation)
		row.PD, row.PPP, row.PNN, row.PPN, row.PNP = known(x.PD), known(x.PPositivePositive), known(x.PNegativeNegative), known(x.PPositiveNegative), known(x.PNegativePositive)
	}
	row.PP, row.NN, row.PN, row.NP = int64(n.PositivePositive), int64(n.NegativeNegative), int64(n.PositiveNegative), int64(n.NegativePositive)
	row.APositive, row.ANegative, row.BPositive, row.BNegative = int64(n.PositiveF), int64(n.NegativeF), int64(n.PositiveG), int64(n.NegativeG)
	row.Cells, row.Windows, row.Rows = int64(n.Cells), int32(x.Windows), int32(x.Rows)
}

// seconds is a duration for a table.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }
