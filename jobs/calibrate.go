package jobs

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"polygamy/datasets"
)

// CalibrateOptions are those of the command calibrate.
type CalibrateOptions struct {
	DecoysOptions        // but for Q and Weeks
	Pairs         int    // of functions to plant shocks in, for each row of the table; 0 means 40
	Seed          uint64 // of the choice of pairs and of the shocks
}

// A Calibration is what the command calibrate finds: how the test does on the
// user's own functions.
type Calibration struct {
	Functions int         `json:"functions"`
	Datasets  int         `json:"datasets"`
	Seed      uint64      `json:"seed"`
	LeftOut   []Reason    `json:"left_out"`
	Errors    []DecoyRate `json:"errors"` // type I: decoys that are called related
	Powers    []Power     `json:"powers"`
}

// A Power is the share of decoy pairs that are found once shocks have been
// planted in both functions.
type Power struct {
	Resolution string  `json:"resolution"`
	Version    string  `json:"version"`
	Class      string  `json:"class"`
	Where      string  `json:"where"`  // local: in one region each; city: in all regions at once
	Common     float64 `json:"common"` // share of the shocks that both functions have
	Pairs      int     `json:"pairs"`
	Shocks     float64 `json:"shocks"`        // in each function, mean over the pairs
	InCommon   float64 `json:"shocks_common"` // of these in both, mean over the pairs
	Share05    float64 `json:"share_05"`
	Share001   float64 `json:"share_001"`
}

// Shocks are of three steps and 3.5 standard deviations of the region's values
// in the version that is tested, most of them up. At city there are as many as
// 240 in three years of hours; local ones hit one cell in a hundred.
const (
	shockSteps     = 3
	shockSize      = 3.5
	shocksUp       = 0.7
	stepsPerShock  = 156 * 168 / 240
	cellsPerShock  = 300
	plantedPairs   = 40
	fewShocks      = 10 // of which a share in common, and the power at it, tells little
	localShocks    = "local"
	cityWideShocks = "city"
)

// commonShares are the shares of the shocks that both functions have.
var commonShares = [...]float64{0.1, 0.15, 0.25}

// RunCalibrate measures, on the functions of the user, how often decoys are
// called related, and how often decoys in which shocks have been planted are.
func RunCalibrate(ctx context.Context, o CalibrateOptions, w io.Writer) error {
	if err := checkFormat(o.Format); err != nil {
		return err
	}
	if o.Pairs < 0 {
		return usageErrorf("--pairs %d: give a number of pairs, or 0 for %d", o.Pairs, plantedPairs)
	}
	if o.Pairs == 0 {
		o.Pairs = plantedPairs
	}
	o.Weeks = yearWeeks
	c, err := readCorpus(ctx, o.DecoysOptions)
	if err != nil {
		return err
	}
	r := &Calibration{Functions: c.functions, Datasets: len(c.datasets), Seed: o.Seed, Errors: []DecoyRate{}, Powers: []Power{}}
	for i := range c.groups {
		t, err := c.decoyGroup(ctx, &c.groups[i])
		if err != nil {
			return err
		}
		r.Errors = append(r.Errors, t.rates()...)
		powers, err := t.powers(ctx, o)
		if err != nil {
			return err
		}
		r.Powers = append(r.Powers, powers...)
	}
	c.progress.end()
	r.LeftOut = c.leftOut.list()
	if o.Format == "json" {
		return outputError(printJSON(w, r))
	}
	_, err = io.WriteString(w, r.text())
	return outputError(err)
}

// A planting is a decoy to plant shocks in: a pair of files, a kind of test and
// a shift.
type planting struct {
	a, b  functionFile
	kind  int
	weeks int
}

// choose returns as many decoys of a kind that can be tested, each of another
// pair of functions, as are wanted or there are.
func (t *groupTests) choose(kind, wanted int, seed uint64) []planting {
	version, class := t.corpus.kind(kind)
	rng := rand.New(rand.NewPCG(seed, hash(t.group.resolution, version, class)))
	shifts, kinds := allShifts(), t.corpus.kinds()
	var chosen []planting
	for _, i := range rng.Perm(len(t.pairs)) {
		var testable []int
		for s, l := range t.shifts[(i*kinds+kind)*len(shifts):][:len(shifts)] {
			if !math.IsNaN(l.P) {
				testable = append(testable, shifts[s])
			}
		}
		if len(testable) == 0 {
			continue
		}
		files := t.group.files
		chosen = append(chosen, planting{files[t.pairs[i][0]], files[t.pairs[i][1]], kind, testable[rng.IntN(len(testable))]})
		if len(chosen) == wanted {
			break
		}
	}
	return chosen
}

// hash returns a number that depends on texts alone.
func hash(texts ...string) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q", texts)
	return h.Sum64()
}

// A scenario is how shocks are planted.
type scenario struct {
	where  string
	common float64
}

// inCommon returns how many of the shocks of a function both have.
func (s scenario) inCommon(shocks int) int { return int(math.Round(s.common * float64(shocks))) }

// powers plants shocks in decoys of every kind and tests them.
func (t *groupTests) powers(ctx context.Context, o CalibrateOptions) ([]Power, error) {
	var scenarios []scenario
	for _, where := range []string{localShocks, cityWideShocks} {
		if where == cityWideShocks || len(t.group.regions) > 1 {
			for _, common := range commonShares {
				scenarios = append(scenarios, scenario{where, common})
			}
		}
	}
	var plantings []planting
	for kind := range t.corpus.kinds() {
		plantings = append(plantings, t.choose(kind, o.Pairs, o.Seed)...)
	}
	outcomes := make([][]outcome, len(plantings))
	errs := make([]error, len(plantings))
	do := func(i int) { outcomes[i], errs[i] = t.plant(ctx, plantings[i], scenarios, o.Seed) }
	workers := t.corpus.options.Workers
	if len(t.group.regions) > 1 {
		workers = 1 // a field takes gigabytes, and its trees all cores
	}
	if err := t.corpus.each(ctx, workers, t.group.resolution+": shocks planted", len(plantings), do); err != nil {
		return nil, err
	}
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	var powers []Power
	for kind := range t.corpus.kinds() {
		for s, scenario := range scenarios {
			p := Power{Resolution: t.group.resolution, Where: scenario.where, Common: scenario.common}
			p.Version, p.Class = t.corpus.kind(kind)
			for i, planting := range plantings {
				if planting.kind == kind {
					p.add(outcomes[i][s])
				}
			}
			if p.Pairs > 0 {
				n := float64(p.Pairs)
				p.Shocks, p.InCommon, p.Share05, p.Share001 = p.Shocks/n, p.InCommon/n, p.Share05/n, p.Share001/n
				powers = append(powers, p)
			}
		}
	}
	return powers, nil
}

// An outcome is the test of a decoy with shocks.
type outcome struct {
	p      float64
	shocks int // of each function
	common int // of these
}

// add counts an outcome. One that can no longer be tested is not found.
func (p *Power) add(o outcome) {
	p.Pairs++
	p.Shocks += float64(o.shocks)
	p.InCommon += float64(o.common)
	p.Share05 += float64(boolInt(o.p <= 0.05))
	p.Share001 += float64(boolInt(o.p <= 0.001))
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// plant tests a decoy with shocks of each scenario.
func (t *groupTests) plant(ctx context.Context, at planting, scenarios []scenario, seed uint64) ([]outcome, error) {
	var fields [2]*plantable
	for i, file := range []functionFile{at.a, at.b} {
		f, err := readFunction(file.path)
		if err != nil {
			return nil, inputError(err)
		}
		v, _ := versionOf(f, t.corpus.versions[at.kind/len(t.corpus.classes)].String())
		if fields[i], err = newPlantable(v, i*at.weeks); err != nil {
			return nil, err
		}
	}
	var outcomes []outcome
	for _, s := range scenarios {
		version, class := t.corpus.kind(at.kind)
		rng := rand.New(rand.NewPCG(seed, hash(at.a.name, at.b.name, t.group.resolution, version, class, s.where, fmt.Sprint(s.common))))
		f, g, shocks := plantShocks(fields[0], fields[1], s, rng)
		var m [2]*marked
		for i, x := range []*datasets.Function{f, g} {
			var err error
			if m[i], err = markFunction(ctx, x, t.corpus.classes[at.kind%len(t.corpus.classes)]); err != nil {
				return nil, err
			}
		}
		outcomes = append(outcomes, outcome{math.NaN(), shocks, s.inCommon(shocks)})
		if m[0].reason == "" && m[1].reason == "" {
			outcomes[len(outcomes)-1].p = leafOf(m[0].test(m[1], at.weeks)).P
		}
	}
	return outcomes, nil
}

// A plantable is a function to plant shocks in, and where its cells are once it has
// been moved.
type plantable struct {
	*datasets.Function
	first  int       // slot of step[0], counted from the origin that all share
	step   []int32   // of each slot; -1 where there is none
	spread []float64 // standard deviation of each region's values; 0 without any
}

// newPlantable returns the plantable of a function that is moved by weeks.
func newPlantable(f *datasets.Function, weeks int) (*plantable, error) {
	week, period, slots, err := datasets.WeekSlots(f.Axis)
	if err != nil {
		return nil, inputError(err)
	}
	p := &plantable{Function: f, first: (week + weeks) * period, spread: make([]float64, len(f.Regions.IDs))}
	for t, slot := range slots {
		for int(slot) >= len(p.step) {
			p.step = append(p.step, -1)
		}
		if slot >= 0 {
			p.step[slot] = int32(t)
		}
	}
	regions := len(p.spread)
	for r := range regions {
		n, mean, squares := 0.0, 0.0, 0.0 // after Welford
		for i := r; i < len(f.Values); i += regions {
			if x := f.Values[i]; x == x { // not NaN
				n++
				d := x - mean
				mean += d / n
				squares += d * (x - mean)
			}
		}
		p.spread[r] = math.Sqrt(squares / max(n, 1))
	}
	return p, nil
}

// planted returns a copy of the function, to add shocks to.
func (p *plantable) planted() *plantable {
	f := *p.Function
	f.Values = slices.Clone(f.Values)
	copied := *p
	copied.Function = &f
	return &copied
}

// hit adds a shock to regions from a slot on. Missing values stay missing.
func (p *plantable) hit(slot int, regions []int, sign float64) {
	for s := slot - p.first; s < min(slot-p.first+shockSteps, len(p.step)); s++ {
		if p.step[s] < 0 {
			continue
		}
		row := p.Values[int(p.step[s])*len(p.spread):][:len(p.spread)]
		for _, r := range regions {
			row[r] += sign * shockSize * p.spread[r]
		}
	}
}

// plantShocks returns copies of two functions with shocks in the time that both
// have, and how many each got. A share of them is at one time, in one place
// and of one sign in both.
func plantShocks(a, b *plantable, s scenario, rng *rand.Rand) (f, g *datasets.Function, shocks int) {
	a, b = a.planted(), b.planted()
	var alive []int // regions that vary in both
	for r := range a.spread {
		if a.spread[r] > 0 && b.spread[r] > 0 {
			alive = append(alive, r)
		}
	}
	first := max(a.first, b.first)
	slots := min(a.first+len(a.step), b.first+len(b.step)) - first
	if slots <= 0 || len(alive) == 0 {
		return a.Function, b.Function, 0
	}
	shocks = max(1, slots/stepsPerShock)
	if s.where == localShocks {
		shocks = max(1, slots*len(alive)/cellsPerShock)
	}
	draw := func() (slot int, regions []int, sign float64) {
		regions, sign = alive, 1
		if slot = first + rng.IntN(slots); s.where == localShocks {
			at := rng.IntN(len(alive))
			regions = alive[at : at+1]
		}
		if rng.Float64() >= shocksUp {
			sign = -1
		}
		return slot, regions, sign
	}
	common := s.inCommon(shocks)
	for i := range shocks {
		slot, regions, sign := draw()
		a.hit(slot, regions, sign)
		if i >= common {
			slot, regions, sign = draw()
		}
		b.hit(slot, regions, sign)
	}
	return a.Function, b.Function, shocks
}

// text is the result as a page to read.
func (r *Calibration) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s, seed %d\n", plural(r.Functions, "function"), plural(r.Datasets, "dataset"), r.Seed)
	for _, r := range r.LeftOut {
		fmt.Fprintf(&b, "  left out: %d, %s\n", r.Count, r.Reason)
	}
	fmt.Fprintf(&b, "\nerrors of the first kind: ")
	writeRates(&b, r.Errors)
	fmt.Fprintf(&b, "\npower: share of decoys found, of both functions' shocks so many in common\n")
	fmt.Fprintf(&b, "%-20s %-8s %-10s %-6s %13s %7s %7s %8s %8s\n", "resolution", "version", "class", "where", "common", "shocks", "pairs", "at 0.05", "at 0.001")
	few := false
	for _, p := range r.Powers {
		common, note := fmt.Sprintf("%.0f %% = %.0f", 100*p.Common, p.InCommon), ""
		if p.InCommon < fewShocks {
			few, note = true, "  few"
		}
		fmt.Fprintf(&b, "%-20s %-8s %-10s %-6s %13s %7.0f %7d %8.2f %8.2f%s\n", p.Resolution, p.Version, p.Class, p.Where, common, p.Shocks, p.Pairs, p.Share05, p.Share001, note)
	}
	if few {
		fmt.Fprintf(&b, "  few: fewer than %d shocks in common say next to nothing about power; longer records, finer steps and more regions have more\n", fewShocks)
	}
	return b.String()
}
