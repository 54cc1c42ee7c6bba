package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"polygamy/datasets"
	"polygamy/relate"
	"polygamy/topology"
)

// DecoysOptions are those of the command decoys.
type DecoysOptions struct {
	Inputs      []string // function files, and folders of them
	Resolutions []string // such as hour-city; empty: all
	Versions    []string // raw, anomaly; empty: anomaly
	Classes     []string // threshold classes of topology.ParseClass; empty: sweep
	Q           float64  // false discovery rate that is accepted; 0 means 0.05
	Weeks       int      // by which the decoy run moves the second function; 0 means 52
	Workers     int      // 0 means one per CPU; the result does not depend on it
	Format      string   // table (default) or json
	Progress    io.Writer
}

// Decoys is what the command decoys finds. The null is the world's own: one
// function is moved by whole weeks, so that everything seasonal survives and
// every coincidence in time is gone.
type Decoys struct {
	Functions int      `json:"functions"`
	Datasets  int      `json:"datasets"`
	Q         float64  `json:"q"`
	Weeks     int      `json:"weeks"`    // by which the decoy run moves function 2, or less in short records
	LeftOut   []Reason `json:"left_out"` // functions that could not be asked, and why

	Real  Discoveries `json:"real"`
	Decoy Discoveries `json:"decoy"`

	// The estimated false discovery proportions, decoy discoveries over real
	// ones; null without any real one.
	DatasetPairsFDP  *float64 `json:"dataset_pairs_fdp"`
	FunctionPairsFDP *float64 `json:"function_pairs_fdp"`
	TestsFDP         *float64 `json:"tests_fdp"`

	Rates []DecoyRate `json:"rates"`
}

// A Reason is why something could not be tested, and how often. Its first
// number is left out, so that reasons can be counted.
type Reason struct {
	Reason string `json:"reason"`
	Count  int    `json:"count"`
}

// Discoveries are what control of false discoveries selects in one run.
type Discoveries struct {
	Tests         int         `json:"tests"`          // that could be done
	Dense         int         `json:"dense"`          // of these, on features of most of the cells: never a discovery
	Untestable    []Reason    `json:"untestable"`     // the others
	DatasetPairs  int         `json:"dataset_pairs"`  // selected
	FunctionPairs int         `json:"function_pairs"` // selected
	Leaves        int         `json:"leaves"`         // tests selected
	Found         []Discovery `json:"found"`          // these tests, by p
}

// A Discovery is a test that is selected.
type Discovery struct {
	A          string  `json:"a"`
	B          string  `json:"b"`
	Resolution string  `json:"resolution"`
	Version    string  `json:"version"`
	Class      string  `json:"class"`
	Weeks      int     `json:"weeks"` // by which b was moved
	P          float64 `json:"p"`
}

// A DecoyRate is the share of decoys that are called related, of one kind of
// test over all shifts.
type DecoyRate struct {
	Resolution string  `json:"resolution"`
	Version    string  `json:"version"`
	Class      string  `json:"class"`
	Pairs      int     `json:"pairs"`  // of functions, with at least one decoy
	Decoys     int     `json:"decoys"` // tests; they are not independent
	Share05    float64 `json:"share_05"`
	// Error05 is the standard error of Share05, if the decoys of one pair of
	// datasets at one shift, which share most of their events, are one story.
	Error05    float64     `json:"error_05"`
	Share01    float64     `json:"share_01"`
	Share001   float64     `json:"share_001"`
	ByWeeks    []ShiftRate `json:"by_weeks"`
	Untestable []Reason    `json:"untestable"`
}

// A ShiftRate is the share of the decoys of one shift with p at most 0.05.
type ShiftRate struct {
	Weeks   int     `json:"weeks"`
	Decoys  int     `json:"decoys"`
	Share05 float64 `json:"share_05"`
}

// decoyWeeks are the shifts of decoys, both ways: by no simple fraction of the
// year, and by one and two years.
var decoyWeeks = [...]int{8, 15, 26, 37, 52, 60, 75, 90, 104}

const (
	yearWeeks   = 52 // after which the calendar is nearly the same
	windowWeeks = 6  // by multiples of which shorter records are moved
)

// RunDecoys tests all pairs of functions of different datasets that have equal
// regions and steps, once as they are and again with the second function moved
// by whole weeks.
func RunDecoys(ctx context.Context, o DecoysOptions, w io.Writer) error {
	if err := checkFormat(o.Format); err != nil {
		return err
	}
	if o.Q == 0 {
		o.Q = 0.05
	}
	if !(o.Q > 0 && o.Q < 1) {
		return usageErrorf("--q %g: a rate of false discoveries is between 0 and 1", o.Q)
	}
	if o.Weeks == 0 {
		o.Weeks = yearWeeks
	}
	if o.Weeks < windowWeeks {
		return usageErrorf("--weeks %d: a decoy is moved by a window at least, %d weeks", o.Weeks, windowWeeks)
	}
	c, err := readCorpus(ctx, o)
	if err != nil {
		return err
	}
	d := &Decoys{Functions: c.functions, Datasets: len(c.datasets), Q: o.Q, Weeks: o.Weeks, Rates: []DecoyRate{}}
	var actual, decoy []leaf
	for i := range c.groups {
		tests, err := c.decoyGroup(ctx, &c.groups[i])
		if err != nil {
			return err
		}
		actual, decoy = append(actual, tests.actual...), append(decoy, tests.decoy...)
		d.Rates = append(d.Rates, tests.rates()...)
	}
	c.progress.end()
	d.LeftOut = c.leftOut.list()
	if d.Real, err = discover(actual, o.Q); err != nil {
		return err
	}
	if d.Decoy, err = discover(decoy, o.Q); err != nil {
		return err
	}
	d.DatasetPairsFDP = share(d.Decoy.DatasetPairs, d.Real.DatasetPairs)
	d.FunctionPairsFDP = share(d.Decoy.FunctionPairs, d.Real.FunctionPairs)
	d.TestsFDP = share(d.Decoy.Leaves, d.Real.Leaves)
	if o.Format == "json" {
		return outputError(printJSON(w, d))
	}
	_, err = io.WriteString(w, d.text())
	return outputError(err)
}

// share returns a/b, nil for b = 0.
func share(a, b int) *float64 {
	if b == 0 {
		return nil
	}
	s := float64(a) / float64(b)
	return &s
}

// A functionCorpus is a list of function files in groups of equal cells.
type functionCorpus struct {
	options   DecoysOptions
	versions  []datasets.Version
	classes   []topology.Class
	groups    []functionGroup
	functions int
	datasets  map[string]bool
	leftOut   reasons
	progress  countLine

	resolutions map[string]bool // of files with weeks, taken or not
}

// A functionGroup is the files of functions with equal steps and regions, in
// the order of their names.
type functionGroup struct {
	resolution string // such as hour-city
	clock      string // zone of hours, see clockOf
	regions    []string
	files      []functionFile
}

type functionFile struct{ path, dataset, name string }

// readCorpus finds the function files and what they hold.
func readCorpus(ctx context.Context, o DecoysOptions) (*functionCorpus, error) {
	c := &functionCorpus{options: o, datasets: map[string]bool{}, resolutions: map[string]bool{}, leftOut: reasons{}, progress: countLine{w: o.Progress}}
	if c.options.Workers <= 0 {
		c.options.Workers = runtime.GOMAXPROCS(0)
	}
	if err := c.setKinds(); err != nil {
		return nil, err
	}
	paths, err := functionFiles(o.Inputs)
	if err != nil {
		return nil, err
	}
	for i, path := range paths {
		if ctx.Err() != nil {
			return nil, outputError(errInterrupted)
		}
		c.progress.show("functions read", i, len(paths))
		f, err := readFunction(path)
		if err != nil {
			return nil, inputError(err)
		}
		if err := c.add(path, f); err != nil {
			return nil, err
		}
	}
	if err := c.check(len(paths)); err != nil {
		return nil, err
	}
	for i := range c.groups {
		slices.SortFunc(c.groups[i].files, func(a, b functionFile) int { return strings.Compare(a.name+"\x00"+a.path, b.name+"\x00"+b.path) })
	}
	return c, nil
}

// setKinds reads the versions and classes to test.
func (c *functionCorpus) setKinds() error {
	o := &c.options
	if len(o.Versions) == 0 {
		o.Versions = []string{datasets.Anomaly.String()}
	}
	if len(o.Classes) == 0 {
		o.Classes = []string{"sweep"}
	}
	for _, name := range o.Versions {
		v, err := datasets.ParseVersion(name)
		if err != nil {
			return usageErrorf("--version: %v", err)
		}
		c.versions = append(c.versions, v)
	}
	for _, name := range o.Classes {
		class, err := topology.ParseClass(name)
		switch {
		case err != nil:
			return usageErrorf("--class: %v", err)
		case class.Kind == topology.SweepEven:
			// It leaves out equal levels, so that two functions may have different ones.
			return usageErrorf("--class %s: two functions may have different numbers of even levels; name the tails, such as sweep:1,5,25", name)
		}
		c.classes = append(c.classes, class)
	}
	return cmp.Or(checkOnce("version", o.Versions), checkOnce("class", o.Classes))
}

// checkOnce returns an error if a value of a flag is given twice.
func checkOnce(flag string, values []string) error {
	for i, value := range values {
		if slices.Contains(values[:i], value) {
			return usageErrorf("--%s %s is given twice", flag, value)
		}
	}
	return nil
}

// check returns an error if there is nothing to test.
func (c *functionCorpus) check(files int) error {
	inputs, wanted := strings.Join(c.options.Inputs, " "), ""
	switch {
	case c.functions == 0:
		if len(c.options.Resolutions) > 0 {
			wanted = " at " + strings.Join(c.options.Resolutions, " or ")
		}
		if len(c.resolutions) > 0 {
			wanted += "; there are " + strings.Join(slices.Sorted(maps.Keys(c.resolutions)), ", ")
		}
		return inputError(fmt.Errorf("%s: none of %s is of hours, days or weeks%s; 'polygamy ingest' writes such files", inputs, plural(files, "function file"), wanted))
	case len(c.datasets) == 1:
		return inputError(fmt.Errorf("%s: all functions are of the dataset %s; functions are tested against those of another dataset", inputs, slices.Collect(maps.Keys(c.datasets))[0]))
	}
	return nil
}

// functionFiles returns the files named and those below the folders named.
func functionFiles(inputs []string) (paths []string, err error) {
	for _, input := range inputs {
		err := filepath.WalkDir(input, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && (path == input || strings.HasSuffix(path, ".arrow")) {
				paths = append(paths, path)
			}
			return err
		})
		if wrong := (*fs.PathError)(nil); errors.As(err, &wrong) {
			return nil, inputError(fmt.Errorf("%s: %w", wrong.Path, wrong.Err))
		}
		if err != nil {
			return nil, inputError(err)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

// add puts a function into the group of its cells.
func (c *functionCorpus) add(path string, f *datasets.Function) error {
	resolution := f.Axis.Resolution.String() + "-" + f.Regions.Name
	weeks := f.Axis.Resolution <= datasets.Week
	if weeks {
		c.resolutions[resolution] = true
	}
	if len(c.options.Resolutions) > 0 && !slices.Contains(c.options.Resolutions, resolution) {
		return nil
	}
	if !weeks {
		c.leftOut[fmt.Sprintf("steps of a %s have no weeks to move by", f.Axis.Resolution)]++
		return nil
	}
	i := slices.IndexFunc(c.groups, func(g functionGroup) bool {
		return g.resolution == resolution && g.clock == clockOf(f) && slices.Equal(g.regions, f.Regions.IDs)
	})
	if i < 0 {
		i = len(c.groups)
		c.groups = append(c.groups, functionGroup{resolution: resolution, clock: clockOf(f), regions: f.Regions.IDs})
	}
	g := &c.groups[i]
	if j := slices.IndexFunc(g.files, func(other functionFile) bool { return other.name == f.Name() }); j >= 0 {
		return inputError(fmt.Errorf("%s and %s are both %s at %s; give one of them", g.files[j].path, path, f.Name(), resolution))
	}
	g.files = append(g.files, functionFile{path, f.Dataset, f.Name()})
	c.functions++
	c.datasets[f.Dataset] = true
	return nil
}

// A marked is one version and class of a function, at all levels of the class.
type marked struct {
	null     relate.Null // of its steps
	marks    []*relate.Marks
	memories []*relate.Memory
	reason   string // why there are none
}

// moved returns the marks as if they had come that many weeks later.
func (m *marked) moved(weeks int) []*relate.Marks {
	list := make([]*relate.Marks, len(m.marks))
	for i, x := range m.marks {
		later := *x
		later.First += weeks
		list[i] = &later
	}
	return list
}

// test tests two functions, the second one moved.
func (m *marked) test(other *marked, weeks int) *relate.Search {
	tester := relate.Tester{Null: m.null}
	return tester.Sweep(m.marks, other.moved(weeks), m.memories, other.memories)
}

// common returns the number of weeks that a test in windows has if the second
// function is moved; 0 if there is no such test.
func (m *marked) common(other *marked, weeks int) (n int) {
	windows := m.null.Windows(m.marks[0], other.moved(weeks)[0])
	if len(windows) < 2 { // the whole record
		return 0
	}
	for _, w := range windows {
		n += len(w)
	}
	return n
}

// decoyShift returns by how many weeks the second function is moved for the
// decoy run: by most, or else by as many whole windows as leave enough weeks
// with data to test; to the side that leaves more. 0 if there is none.
func (m *marked) decoyShift(other *marked, most int) int {
	for weeks := most; weeks > 0; weeks = (weeks - 1) / windowWeeks * windowWeeks {
		later, earlier := m.common(other, weeks), m.common(other, -weeks)
		switch {
		case max(later, earlier) == 0:
		case earlier > later:
			return -weeks
		default:
			return weeks
		}
	}
	return 0
}

// markFunction finds the features of a class of a function.
func markFunction(ctx context.Context, f *datasets.Function, class topology.Class) (*marked, error) {
	s, err := newSwept(ctx, f, class)
	if err != nil {
		return nil, err
	}
	m := &marked{null: nullFor(relate.Null{}, f.Axis.Resolution, f.Version.String()), marks: s.marks(), reason: s.reason}
	m.memories = memoriesOf(m.marks)
	return m, nil
}

// markGroup marks all versions and classes of the functions of a group: those
// of file i at i*kinds.
func (c *functionCorpus) markGroup(ctx context.Context, g *functionGroup) ([]*marked, error) {
	all := make([]*marked, 0, len(g.files)*c.kinds())
	for i, file := range g.files {
		c.progress.show(g.resolution+": functions marked", i, len(g.files))
		f, err := readFunction(file.path)
		if err != nil {
			return nil, inputError(err)
		}
		for _, v := range c.versions {
			values, reason := versionOf(f, v.String())
			for _, class := range c.classes {
				m := &marked{reason: "it " + reason}
				if reason == "" {
					if m, err = markFunction(ctx, values, class); err != nil {
						return nil, err
					}
				}
				if m.reason != "" {
					c.leftOut.add(m.reason)
				}
				all = append(all, m)
			}
		}
	}
	return all, nil
}

// kinds is the number of versions and classes of each function.
func (c *functionCorpus) kinds() int { return len(c.versions) * len(c.classes) }

// kind returns the names of a version and class.
func (c *functionCorpus) kind(k int) (version, class string) {
	return c.versions[k/len(c.classes)].String(), c.options.Classes[k%len(c.classes)]
}

// A leaf is one test of a run.
type leaf struct {
	Discovery
	datasets [2]string
	dense    bool
	reason   string // why P is NaN
}

// leafOf returns the test of a kind of a pair of functions. An exploratory
// test, and one of features that are not unusual at any level, is no candidate
// for discovery; both are known before the association is looked at.
func leafOf(s *relate.Search) (l leaf) {
	l.P, l.reason = s.P, s.Reason
	if s.Exploratory && s.Testable {
		l.P, l.reason = math.NaN(), fmt.Sprintf("%d common weeks with data: exploratory, no candidate for a discovery", s.Results[0].Rows)
	}
	l.dense = s.Dense
	return l
}

// groupTests are the tests of one group.
type groupTests struct {
	corpus *functionCorpus
	group  *functionGroup
	pairs  [][2]int // of files
	actual []leaf   // shape [pairs*kinds]
	decoy  []leaf
	shifts []leaf // of all shifts, shape [pairs*kinds*shifts]
}

// allShifts are the shifts of decoys.
func allShifts() []int {
	var list []int
	for _, w := range slices.Backward(decoyWeeks[:]) {
		list = append(list, -w)
	}
	return append(list, decoyWeeks[:]...)
}

// newGroupTests lists the pairs of functions of different datasets.
func (c *functionCorpus) newGroupTests(g *functionGroup) *groupTests {
	t := &groupTests{corpus: c, group: g}
	for i := range g.files {
		for j := i + 1; j < len(g.files); j++ {
			if g.files[i].dataset != g.files[j].dataset {
				t.pairs = append(t.pairs, [2]int{i, j})
			}
		}
	}
	return t
}

// decoyGroup does all tests of a group.
func (c *functionCorpus) decoyGroup(ctx context.Context, g *functionGroup) (*groupTests, error) {
	t := c.newGroupTests(g)
	if len(t.pairs) == 0 {
		c.leftOut[fmt.Sprintf("no function of another dataset has their steps and regions, %s", g.resolution)] += len(g.files)
		return t, nil
	}
	functions, err := c.markGroup(ctx, g)
	if err != nil {
		return nil, err
	}
	shifts, n := allShifts(), len(t.pairs)*c.kinds()
	t.actual, t.decoy, t.shifts = make([]leaf, n), make([]leaf, n), make([]leaf, n*len(shifts))
	testAll := func(i int) {
		a, b := t.functions(functions, i)
		t.actual[i] = t.leaf(a, b, i, 0)
		t.decoy[i] = t.actual[i]
		if a.reason == "" && b.reason == "" {
			if weeks := a.decoyShift(b, c.options.Weeks); weeks != 0 {
				t.decoy[i] = t.leaf(a, b, i, weeks)
			} else {
				t.decoy[i].P, t.decoy[i].dense, t.decoy[i].reason = math.NaN(), false, "the records have too few weeks in common to move one against the other"
			}
		}
		for s, weeks := range shifts {
			t.shifts[i*len(shifts)+s] = t.leaf(a, b, i, weeks)
		}
	}
	return t, c.each(ctx, c.options.Workers, g.resolution+": pairs tested", n, testAll)
}

// functions returns those of test i, of all kinds of all files.
func (t *groupTests) functions(all []*marked, i int) (a, b *marked) {
	kinds := t.corpus.kinds()
	pair, k := t.pairs[i/kinds], i%kinds
	return all[pair[0]*kinds+k], all[pair[1]*kinds+k]
}

// leaf is test i, with the second function moved.
func (t *groupTests) leaf(a, b *marked, i, weeks int) leaf {
	l := leaf{reason: cmp.Or(a.reason, b.reason)}
	if l.P = math.NaN(); l.reason == "" {
		l = leafOf(a.test(b, weeks))
	}
	kinds := t.corpus.kinds()
	first, second := t.group.files[t.pairs[i/kinds][0]], t.group.files[t.pairs[i/kinds][1]]
	l.datasets = [2]string{first.dataset, second.dataset}
	l.A, l.B, l.Resolution, l.Weeks = first.name, second.name, t.group.resolution, weeks
	l.Version, l.Class = t.corpus.kind(i % kinds)
	return l
}

// each calls do for 0 to n-1, on so many workers.
func (c *functionCorpus) each(ctx context.Context, workers int, label string, n int, do func(i int)) error {
	var next, done atomic.Int64
	var running sync.WaitGroup
	for range min(workers, n) {
		running.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				do(i)
				c.progress.show(label, int(done.Add(1)), n)
			}
		})
	}
	running.Wait()
	if ctx.Err() != nil {
		return outputError(errInterrupted)
	}
	return nil
}

// A decoyTally counts decoys, and those with p of at most each of decoyLevels.
type decoyTally struct {
	tested int
	called [len(decoyLevels)]int
}

var decoyLevels = [...]float64{0.05, 0.01, 0.001}

func (t *decoyTally) add(p float64) {
	t.tested++
	for a, alpha := range decoyLevels {
		if p <= alpha {
			t.called[a]++
		}
	}
}

func (t *decoyTally) share(level int) float64 {
	return float64(t.called[level]) / float64(max(t.tested, 1))
}

// rates returns the shares of decoys that are called related, of each kind.
func (t *groupTests) rates() []DecoyRate {
	var list []DecoyRate
	shifts := allShifts()
	kinds := t.corpus.kinds()
	for k := range kinds {
		if len(t.pairs) == 0 {
			break
		}
		r := DecoyRate{Resolution: t.group.resolution}
		r.Version, r.Class = t.corpus.kind(k)
		all := make([]decoyTally, len(shifts))
		stories := map[[2]string][]decoyTally{} // of pairs of datasets
		why := reasons{}
		for i := range t.pairs {
			decoys := r.Decoys
			for s, l := range t.shifts[(i*kinds+k)*len(shifts):][:len(shifts)] {
				if math.IsNaN(l.P) {
					why.add(l.reason)
					continue
				}
				r.Decoys++
				pair := sortedPair(l.datasets[0], l.datasets[1])
				if stories[pair] == nil {
					stories[pair] = make([]decoyTally, len(shifts))
				}
				all[s].add(l.P)
				stories[pair][s].add(l.P)
			}
			if r.Decoys > decoys {
				r.Pairs++
			}
		}
		sum := decoyTally{}
		for s := range shifts {
			sum.tested += all[s].tested
			for a, n := range all[s].called {
				sum.called[a] += n
			}
		}
		r.Share05, r.Share01, r.Share001 = sum.share(0), sum.share(1), sum.share(2)
		for _, pair := range slices.SortedFunc(maps.Keys(stories), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
			for _, story := range stories[pair] {
				d := float64(story.called[0]) - r.Share05*float64(story.tested)
				r.Error05 += d * d
			}
		}
		r.Error05 = math.Sqrt(r.Error05) / float64(max(r.Decoys, 1))
		for s, weeks := range shifts {
			r.ByWeeks = append(r.ByWeeks, ShiftRate{weeks, all[s].tested, all[s].share(0)})
		}
		r.Untestable = why.list()
		list = append(list, r)
	}
	return list
}

// discover selects among the tests of a run, as a whole.
func discover(leaves []leaf, q float64) (Discoveries, error) {
	d := Discoveries{Found: []Discovery{}}
	why := reasons{}
	candidates := map[[2]string][]leaf{} // of each pair of datasets
	for _, l := range leaves {
		if math.IsNaN(l.P) {
			why.add(l.reason)
			continue
		}
		d.Tests++
		if l.dense {
			d.Dense++
			continue
		}
		pair := sortedPair(l.datasets[0], l.datasets[1])
		candidates[pair] = append(candidates[pair], l)
	}
	d.Untestable = why.list()
	pairs := slices.SortedFunc(maps.Keys(candidates), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	trees := make([]*relate.Tree, len(pairs))
	p := make([]float64, len(pairs))
	for n, pair := range pairs {
		var err error
		if trees[n], err = newTree(candidates[pair]); err != nil {
			return d, err
		}
		p[n] = trees[n].P()
	}
	ranking, err := relate.NewRanking(p)
	if err != nil {
		return d, err
	}
	for n, pair := range pairs {
		if s := trees[n].Select(q, ranking.Selected(q), ranking.Testable()); s.DatasetPair {
			d.add(candidates[pair], s)
		}
	}
	slices.SortStableFunc(d.Found, func(a, b Discovery) int { return cmp.Compare(a.P, b.P) })
	return d, nil
}

func sortedPair(a, b string) [2]string { return [2]string{min(a, b), max(a, b)} }

// newTree returns the tree of the tests of one pair of datasets.
func newTree(tests []leaf) (*relate.Tree, error) {
	names, p := make([][2]string, len(tests)), make([]float64, len(tests))
	for i, l := range tests {
		names[i], p[i] = sortedPair(l.A, l.B), l.P
	}
	return relate.NewTree(names, p)
}

// add counts what is selected in a pair of datasets.
func (d *Discoveries) add(tests []leaf, s relate.Selection) {
	d.DatasetPairs++
	functions := map[[2]string]bool{}
	for i, l := range tests {
		if s.FunctionPair[i] {
			functions[sortedPair(l.A, l.B)] = true
		}
		if s.Leaf[i] {
			d.Found = append(d.Found, l.Discovery)
			d.Leaves++
		}
	}
	d.FunctionPairs += len(functions)
}

// reasons counts reasons.
type reasons map[string]int

// firstNumber finds the first number of a reason, one that another clause begins
// with, and that of a season.
var firstNumber = regexp.MustCompile(`(^[^\d]*|; |season )\d[\d.]*(e[+-]?\d+)?`)

// add counts a reason without its first number.
func (r reasons) add(reason string) { r[firstNumber.ReplaceAllString(reason, "${1}n")]++ }

// list returns the reasons, the most frequent first.
func (r reasons) list() []Reason {
	list := []Reason{}
	for _, reason := range slices.Sorted(maps.Keys(r)) {
		list = append(list, Reason{reason, r[reason]})
	}
	slices.SortStableFunc(list, func(a, b Reason) int { return b.Count - a.Count })
	return list
}

// A countLine shows how far a long loop is, on one line of a terminal.
type countLine struct {
	w     io.Writer // nil shows nothing
	mutex sync.Mutex
	shown string
}

// show rewrites the line when its text changes, which is at each per cent.
func (c *countLine) show(label string, done, all int) {
	if c.w == nil {
		return
	}
	text := fmt.Sprintf("%s: %d %%", label, 100*done/all)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if text != c.shown {
		c.shown = text
		fmt.Fprintf(c.w, "\r\x1b[K%s", text)
	}
}

// end clears the line.
func (c *countLine) end() {
	if c.w != nil && c.shown != "" {
		fmt.Fprint(c.w, "\r\x1b[K")
	}
}

// namedDecoys is the number of discoveries of each run that the page names.
const namedDecoys = 10

// text is the result as a page to read.
func (d *Decoys) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s, q = %g, decoys moved by %d weeks\n", plural(d.Functions, "function"), plural(d.Datasets, "dataset"), d.Q, d.Weeks)
	for _, r := range d.LeftOut {
		fmt.Fprintf(&b, "  left out: %d, %s\n", r.Count, r.Reason)
	}
	fmt.Fprintf(&b, "\n%-34s %8s %8s   %s\n", "discoveries", "real", "decoy", "estimated false discovery proportion")
	for _, row := range []struct {
		name        string
		real, decoy int
		fdp         *float64
	}{
		{"pairs of datasets", d.Real.DatasetPairs, d.Decoy.DatasetPairs, d.DatasetPairsFDP},
		{"pairs of functions", d.Real.FunctionPairs, d.Decoy.FunctionPairs, d.FunctionPairsFDP},
		{"tests", d.Real.Leaves, d.Decoy.Leaves, d.TestsFDP},
	} {
		fdp := "-"
		if row.fdp != nil {
			fdp = fmt.Sprintf("%.3f", *row.fdp)
		}
		fmt.Fprintf(&b, "%-34s %8d %8d   %s\n", row.name, row.real, row.decoy, fdp)
	}
	fmt.Fprintf(&b, "%-34s %8d %8d\n", "of tests that could be done", d.Real.Tests, d.Decoy.Tests)
	fmt.Fprintf(&b, "%-34s %8d %8d\n", "  dense, never a discovery", d.Real.Dense, d.Decoy.Dense)
	if d.Weeks == yearWeeks && d.Decoy.DatasetPairs > 0 {
		b.WriteString("  holidays that come back on the same weekday are found in decoys of 52 weeks too; --weeks 60 moves them apart\n")
	}
	for _, run := range []struct {
		name string
		list []Reason
	}{{"real", d.Real.Untestable}, {"decoy", d.Decoy.Untestable}} {
		for _, r := range run.list {
			fmt.Fprintf(&b, "  not tested, %s run: %d, %s\n", run.name, r.Count, r.Reason)
		}
	}
	for _, run := range []struct {
		name  string
		found []Discovery
	}{{"found among the real pairs", d.Real.Found}, {"decoys that were found", d.Decoy.Found}} {
		if len(run.found) > 0 {
			fmt.Fprintf(&b, "\n%s, the least p first:\n", run.name)
		}
		for _, f := range run.found[:min(namedDecoys, len(run.found))] {
			fmt.Fprintf(&b, "  %.2g  %s and %s, %s %s %s", f.P, f.A, f.B, f.Resolution, f.Version, f.Class)
			if f.Weeks != 0 {
				fmt.Fprintf(&b, ", moved by %d weeks", f.Weeks)
			}
			b.WriteString("\n")
		}
	}
	b.WriteString("\n")
	writeRates(&b, d.Rates)
	return b.String()
}

// writeRates writes a table of shares of decoys.
func writeRates(b *strings.Builder, rates []DecoyRate) {
	fmt.Fprintf(b, "share of decoys, moved by %s weeks both ways, with p at most\n", strings.Trim(fmt.Sprint(decoyWeeks), "[]"))
	fmt.Fprintf(b, "%-20s %-8s %-10s %7s %8s %15s %8s %8s\n", "resolution", "version", "class", "pairs", "decoys", "0.05 ± error", "0.01", "0.001")
	for _, r := range rates {
		if r.Decoys == 0 {
			continue
		}
		fmt.Fprintf(b, "%-20s %-8s %-10s %7d %8d %8.4f ±%.4f %8.4f %8.4f\n", r.Resolution, r.Version, r.Class, r.Pairs, r.Decoys, r.Share05, r.Error05, r.Share01, r.Share001)
	}
	for _, r := range rates {
		if r.Decoys == 0 {
			fmt.Fprintf(b, "  left out: %s %s %s, no decoy can be tested: %s\n", r.Resolution, r.Version, r.Class, r.Untestable[0].Reason)
		}
	}
}
