package jobs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parquet-go/parquet-go"

	"polygamy/datasets"
	"polygamy/relate"
	"polygamy/topology"
)

// A runKind is a version of functions and a threshold class that a run tests.
type runKind struct{ version, class string }

// runKinds are the anomaly at every level of the sweep, for discovery, and the
// paper's classes of the functions themselves, to compare.
func runKinds() []runKind {
	return []runKind{{"anomaly", "sweep"}, {"raw", "salient"}, {"raw", "extreme"}}
}

// An indexed is a dataset with its functions and their features.
type indexed struct {
	input  *runInput
	fresh  bool // made by this run
	folder string
	datasetIndex
}

// A datasetIndex is the file that lists what a run keeps of a dataset. It is
// written last: where it is, everything that it names is.
type datasetIndex struct {
	Dataset   string            `json:"dataset"`
	Key       string            `json:"key"`
	Rows      int64             `json:"rows"`
	Used      int64             `json:"used"`
	Warnings  []string          `json:"warnings"`
	Functions []indexedFunction `json:"functions"`
}

type indexedFunction struct {
	Function   string        `json:"function"`
	Resolution string        `json:"resolution"`
	Group      string        `json:"group"`
	Regions    int           `json:"regions"`
	File       string        `json:"file"`  // below the folder of the run
	Kinds      []indexedKind `json:"kinds"` // as runKinds
}

type indexedKind struct {
	Levels []string `json:"levels"`
	Marks  string   `json:"marks"` // file, below the folder of the run; empty if there are none
	Reason string   `json:"reason,omitempty"`
}

// spentTime sums up what workers do.
type spentTime struct {
	mu                  sync.Mutex
	load, index, relate time.Duration
	tests               int64
}

func (s *spentTime) add(to *time.Duration, begin, end time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*to += end.Sub(begin)
}

// index loads the datasets that the folder does not hold yet, and finds the
// features of their functions.
func (r *runner) index(ctx context.Context) error {
	for i, in := range r.inputs {
		if in.err != nil {
			continue
		}
		x := &indexed{input: in, folder: filepath.Join("functions", fileName(in.name), in.key)}
		data, err := readIfThere(filepath.Join(r.o.Out, x.folder, indexName))
		if err != nil {
			return err
		}
		if data != nil && json.Unmarshal(data, &x.datasetIndex) == nil && x.Key == in.key {
			r.indexed = append(r.indexed, x)
			continue
		}
		r.o.Progress.Stage(fmt.Sprintf("dataset %d of %d, %s", i+1, len(r.inputs), in.name), 0)
		err = r.indexDataset(ctx, x)
		var out *exitError
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &out) && out.code == ExitPartial:
			return err
		case err != nil:
			in.err = err
			continue
		}
		r.indexed = append(r.indexed, x)
	}
	return nil
}

const indexName = "index.json"

// loadSystems loads the region systems when the first dataset needs them.
func (r *runner) loadSystems(ctx context.Context) {
	if r.systems == nil {
		r.systems, r.bad = datasets.LoadSystems(ctx, r.store, r.catalog)
	}
}

// indexDataset loads a dataset and finds the features of its functions, one
// function after the other while the next are made.
func (r *runner) indexDataset(ctx context.Context, x *indexed) error {
	r.loadSystems(ctx)
	name := x.input.name
	if r.bad != nil && !r.catalog.Datasets[name].Place.City {
		return fmt.Errorf("dataset %s: %w", name, r.bad)
	}
	begin := r.o.Now()
	l, err := datasets.Load(ctx, r.store, r.catalog, name, r.systems, datasets.LoadOptions{Workers: r.o.Workers, Progress: r.o.Progress.Rows})
	if err != nil {
		return err
	}
	r.spent.add(&r.spent.load, begin, r.o.Now())
	x.fresh = true
	x.datasetIndex = datasetIndex{Dataset: name, Key: x.input.key, Rows: l.Report.Rows, Used: l.Report.Used, Warnings: []string{}}
	found, err := r.indexFunctions(ctx, x, l)
	if err != nil {
		return err
	}
	for _, f := range found {
		x.Functions = append(x.Functions, f.entry)
		l.Report.Functions = append(l.Report.Functions, f.report)
		if f.warning != "" {
			l.Report.Warnings = append(l.Report.Warnings, f.warning)
		}
	}
	x.Warnings = append(x.Warnings, l.Report.Warnings...)
	group(x.Functions, found)
	if err := r.writeParts(ctx, x, found); err != nil {
		return err
	}
	if err := r.keep(ctx, filepath.Join(r.o.Out, x.folder, "report.json"), l.Report); err != nil {
		return err
	}
	return r.keep(ctx, filepath.Join(r.o.Out, x.folder, indexName), x.datasetIndex)
}

// A foundFunction is what a run finds of one function.
type foundFunction struct {
	entry     indexedFunction
	report    datasets.FunctionReport
	warning   string
	functions []FunctionRow
	sweep     []SweepRow
	features  []FeatureRow
	middle    *relate.Marks // of the anomaly, at the middle level
}

// indexFunctions makes the functions of a dataset that the run wants and finds
// their features. The functions in memory are those that workers are at, and
// one more.
func (r *runner) indexFunctions(ctx context.Context, x *indexed, l *datasets.Loaded) ([]*foundFunction, error) {
	type wanted struct {
		system *datasets.RegionSystem
		step   datasets.Resolution
		spec   datasets.FunctionSpec
	}
	var list []wanted
	for _, s := range l.Regions() {
		for _, step := range l.Resolutions(s) {
			for _, spec := range l.Functions() {
				if r.wants(step, s.Name) {
					list = append(list, wanted{s, step, spec})
				}
			}
		}
	}
	r.o.Progress.Stage(x.input.name+": functions", len(list))
	found := make([]*foundFunction, len(list))
	errs := make([]error, len(list)+1)
	type task struct {
		i int
		f *datasets.Function
	}
	tasks := make(chan task)
	var workers sync.WaitGroup
	for range min(r.o.Workers, max(len(list), 1)) {
		workers.Go(func() {
			builder := new(topology.Builder)
			for t := range tasks {
				found[t.i], errs[t.i] = r.indexFunction(ctx, x, builder, t.f)
				r.memory.give(len(t.f.Values))
				r.o.Progress.Done(1)
			}
		})
	}
	for i, want := range list {
		begin := r.o.Now()
		f, err := l.Function(want.spec, want.step, want.system)
		r.spent.add(&r.spent.load, begin, r.o.Now())
		if err != nil {
			errs[len(list)] = fmt.Errorf("dataset %s: %w", x.input.name, err)
			break
		}
		if ctx.Err() != nil {
			break
		}
		r.memory.take(len(f.Values))
		tasks <- task{i, f}
	}
	close(tasks)
	workers.Wait()
	if err := cmp.Or(append([]error{ctx.Err()}, errs...)...); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(f *foundFunction) bool { return f.entry.File == "" }), nil
}

// indexFunction writes a function and finds the features of its versions. A
// function without values has no file.
func (r *runner) indexFunction(ctx context.Context, x *indexed, builder *topology.Builder, f *datasets.Function) (*foundFunction, error) {
	begin := r.o.Now()
	defer func() { r.spent.add(&r.spent.index, begin, r.o.Now()) }()
	found := &foundFunction{}
	found.report, found.warning = f.Describe()
	resolution := f.Axis.Resolution.String() + "-" + f.Regions.Name
	found.entry = indexedFunction{Function: f.Spec.String(), Resolution: resolution, Regions: len(f.Regions.IDs)}
	if found.report.Values == 0 {
		return found, nil
	}
	base := filepath.Join(x.folder, resolution, strings.TrimSuffix(filepath.Base(FunctionPath(f)), ".arrow"))
	found.entry.File = base + ".arrow"
	if err := r.write(ctx, found.entry.File, f.Write); err != nil {
		return nil, err
	}
	for _, version := range []string{"anomaly", "raw"} {
		if err := r.indexVersion(ctx, found, base, builder, f, version); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// write writes a file below the folder of the run.
func (r *runner) write(ctx context.Context, name string, write func(io.Writer) error) error {
	return outputError(r.store.Write(ctx, filepath.Join(r.o.Out, name), write))
}

// indexVersion finds the features of a version of a function.
func (r *runner) indexVersion(ctx context.Context, found *foundFunction, base string, builder *topology.Builder, f *datasets.Function, version string) error {
	v, reason := versionOf(f, version)
	if why := valueless(f.Values); why != "" {
		reason = why
	}
	var index *topology.Index
	var err error
	domain := topology.NewDomain(f.Regions.Graph, f.Axis.Len())
	if reason == "" {
		var seasons []topology.Season
		if version == "raw" {
			seasons = datasets.Seasons(v.Axis, datasets.SeasonAuto)
		}
		if index, err = builder.Build(ctx, domain, v.Values, seasons); err != nil {
			return err
		}
		if index.Covered() == 0 {
			reason = noAnomaly
		}
	}
	if reason == "" {
		if err := r.write(ctx, base+"."+version+".trees.arrow", index.Write); err != nil {
			return err
		}
	}
	found.functions = append(found.functions, functionRow(f, v, version, reason, index, found.entry.File))
	for _, kind := range runKinds() {
		if kind.version != version {
			continue
		}
		k := indexedKind{Reason: reason}
		if reason == "" {
			if k, err = r.indexKind(ctx, found, base, kind, v, domain, index); err != nil {
				return err
			}
		}
		found.entry.Kinds = append(found.entry.Kinds, k)
	}
	return nil
}

// mostFeatures is how many features of each sign and level the table features
// holds of a function.
const mostFeatures = 1000

// indexKind finds the features of a class.
func (r *runner) indexKind(ctx context.Context, found *foundFunction, base string, kind runKind, v *datasets.Function, domain topology.Domain, index *topology.Index) (k indexedKind, err error) {
	class, err := topology.ParseClass(kind.class)
	if err != nil {
		return k, err
	}
	first, period, slots, err := slotsOf(v.Axis)
	if err != nil {
		return k, inputError(err)
	}
	thresholds := thresholdsOf(index, v, class)
	if k.Reason = levelless(thresholds); k.Reason != "" {
		return k, nil
	}
	sweep := index.Sweep(v.Values, thresholds, topology.NewSlotLayout(domain, period, slots))
	var marks []*relate.Marks
	for level, m := range sweep.Maps() {
		k.Levels = append(k.Levels, thresholds[level].Class)
		marks = append(marks, relate.NewMarks(m.Clone(), len(v.Regions.IDs), first))
		found.sweep = append(found.sweep, sweepRow(v, kind, &sweep.Levels[level], index.Covered()))
	}
	if kind.class == "sweep" {
		found.middle = marks[len(marks)/2]
	}
	found.features = append(found.features, featureRows(v, kind, domain, index, thresholds[0])...)
	k.Marks = base + "." + kind.version + "." + kind.class + ".arrow"
	for _, m := range marks[1:] {
		m.Valid = marks[0].Valid
	}
	return k, r.write(ctx, k.Marks, func(w io.Writer) error { return relate.WriteMarks(w, marks) })
}

// markedCells returns the number of marked cells.
func markedCells(m *relate.Marks) int {
	n := 0
	for i := range m.Positive {
		n += bits.OnesCount64(m.Positive[i] | m.Negative[i])
	}
	return n
}

// functionRow is the row of a version of a function.
func functionRow(f, v *datasets.Function, version, reason string, index *topology.Index, file string) FunctionRow {
	row := FunctionRow{Dataset: f.Dataset, Function: f.Spec.String(), Version: version, Start: f.Axis.Start(0).UTC(), End: f.Axis.Start(f.Axis.Len()).UTC(),
		Zone: f.Axis.Start(0).Location().String(), Steps: int64(f.Axis.Len()), Regions: int64(len(f.Regions.IDs)), File: file}
	if reason != "" {
		row.Reason = &reason
		return row
	}
	for _, s := range index.Seasons() {
		row.Maxima += int64(s.Tree(topology.Super).Len())
		row.Minima += int64(s.Tree(topology.Sub).Len())
	}
	described, _ := v.Describe()
	row.Values = int64(described.Values)
	row.Min, row.Median, row.Max = &described.Min, &described.Median, &described.Max
	sum, high, low := 0.0, 0, 0
	high, low = -1, -1
	for i, x := range v.Values {
		if math.IsNaN(x) {
			continue
		}
		sum += x / float64(described.Values)
		if high < 0 || x > v.Values[high] {
			high = i
		}
		if low < 0 || x < v.Values[low] {
			low = i
		}
	}
	at := func(i int) *time.Time { t := v.Axis.Start(i / len(v.Regions.IDs)).UTC(); return &t }
	row.Mean, row.HighestAt, row.LowestAt = &sum, at(high), at(low)
	return row
}

// sweepRow is the row of a level.
func sweepRow(v *datasets.Function, kind runKind, level *topology.SweepLevel, covered int) SweepRow {
	row := SweepRow{Dataset: v.Dataset, Function: v.Spec.String(), Version: kind.version, Class: kind.class, Level: level.Thresholds.Class}
	for _, d := range directions {
		cells, features := int64(0), int64(0)
		for _, s := range level.Of(d) {
			cells, features = cells+int64(s.Cells), features+int64(s.Features)
		}
		threshold := (*float64)(nil)
		if list := level.Thresholds.Of(d); len(list) == 1 && !math.IsNaN(list[0].Value) {
			threshold = &list[0].Value
		}
		if d == topology.Super {
			row.Positive, row.PositiveCells, row.PositiveFeatures = threshold, cells, features
		} else {
			row.Negative, row.NegativeCells, row.NegativeFeatures = threshold, cells, features
		}
	}
	row.Share = float64(row.PositiveCells+row.NegativeCells) / float64(max(covered, 1))
	row.Dense = row.Share > 0.5
	return row
}

// featureRows are the rows of the most persistent features of a level.
func featureRows(v *datasets.Function, kind runKind, domain topology.Domain, index *topology.Index, thresholds topology.Thresholds) []FeatureRow {
	features := index.Features(domain, v.Values, thresholds)
	slices.SortStableFunc(features, func(a, b topology.Feature) int { return cmp.Compare(b.Persistence, a.Persistence) })
	var rows []FeatureRow
	taken := map[string]int{}
	for i := range features {
		f := &features[i]
		sign := "positive"
		if f.Direction == topology.Sub {
			sign = "negative"
		}
		if taken[sign]++; taken[sign] > mostFeatures {
			continue
		}
		rows = append(rows, FeatureRow{
			Dataset: v.Dataset, Function: v.Spec.String(), Version: kind.version, Level: thresholds.Class, Sign: sign,
			Region: v.Regions.IDs[f.Region], RegionName: v.Regions.Names[f.Region],
			At: v.Axis.Start(f.Step).UTC(), Start: v.Axis.Start(f.Start).UTC(), End: v.Axis.Start(f.End + 1).UTC(),
			Value: f.Value, Excess: f.MeanExcess, Pers: f.Persistence, Steps: int64(f.Duration()), Regions: int64(f.Regions), Cells: int64(f.Cells),
		})
	}
	return rows
}

// sameMaps is the correlation of the feature maps of two functions above which
// they tell one story.
const sameMaps = 0.98

// group lets the first of nearly identical functions of a resolution stand for
// the others.
func group(entries []indexedFunction, found []*foundFunction) {
	for i := range entries {
		entries[i].Group = entries[i].Function
		for j := range i {
			if entries[j].Resolution == entries[i].Resolution && entries[j].Group == entries[j].Function && alike(found[i].middle, found[j].middle) {
				entries[i].Group = entries[j].Function
				break
			}
		}
		for k := range found[i].functions {
			found[i].functions[k].Group = entries[i].Group
		}
	}
}

// alike reports whether the correlation of two feature maps, 1, 0 or -1 a
// cell, is above sameMaps or below minus that.
func alike(f, g *relate.Marks) bool {
	if f == nil || g == nil || f.First != g.First || f.Rows != g.Rows {
		return false
	}
	var same, opposite int
	for i := range f.Positive {
		fp, fn, gp, gn := f.Positive[i], f.Negative[i], g.Positive[i], g.Negative[i]
		same += bits.OnesCount64(fp&gp | fn&gn)
		opposite += bits.OnesCount64(fp&gn | fn&gp)
	}
	return math.Abs(float64(same-opposite)) > sameMaps*math.Sqrt(float64(markedCells(f))*float64(markedCells(g)))
}

// writeParts writes the rows of a dataset, a file for each table and
// resolution.
func (r *runner) writeParts(ctx context.Context, x *indexed, found []*foundFunction) error {
	byResolution := map[string][]*foundFunction{}
	for _, f := range found {
		byResolution[f.entry.Resolution] = append(byResolution[f.entry.Resolution], f)
	}
	for resolution, list := range byResolution {
		var functions []FunctionRow
		var sweep []SweepRow
		var features []FeatureRow
		for _, f := range list {
			functions, sweep, features = append(functions, f.functions...), append(sweep, f.sweep...), append(features, f.features...)
		}
		part := func(table string) string { return filepath.Join(x.folder, resolution, table+".parquet") }
		if err := errors.Join(writeRows(ctx, r, part("functions"), functions), writeRows(ctx, r, part("sweep"), sweep), writeRows(ctx, r, part("features"), features)); err != nil {
			return err
		}
	}
	return nil
}

// writeRows writes rows as a Parquet file below the folder of the run.
func writeRows[T any](ctx context.Context, r *runner, name string, rows []T) error {
	return r.write(ctx, name, func(w io.Writer) error { return writeParquet(w, rows) })
}

func writeParquet[T any](w io.Writer, rows []T) error {
	p := parquet.NewGenericWriter[T](w)
	if _, err := p.Write(rows); err != nil {
		return err
	}
	return p.Close()
}

// readRows reads the rows of a Parquet file.
func readRows[T any](name string) ([]T, error) {
	data, err := readIfThere(name)
	if err != nil || data == nil {
		return nil, err
	}
	rows, err := parquet.Read[T](bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, inputError(fmt.Errorf("%s: %w", name, err))
	}
	return rows, nil
}
