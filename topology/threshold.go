package topology

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A ClassKind is a way to choose thresholds.
type ClassKind int

const (
	Tail        ClassKind = iota + 1 // the level set holds a share of the covered cells
	SweepShares                      // several tails
	SweepEven                        // k tails with equal changes of the feature map
	Salient                          // the weakest extremum of the persistent cluster
	Extreme                          // beyond the box-plot fence of the persistent extrema
	Level                            // levels given by the user
	Persistence                      // the weakest extremum of a persistence given by the user
)

// A Class says how thresholds are chosen. ParseClass makes one from its text.
type Class struct {
	Kind      ClassKind
	Shares    []float64 // of Tail (one) and SweepShares: % of the covered cells a side, ascending, in (0, 100)
	Steps     int       // of SweepEven: number of levels
	PerSeason bool      // of the three above: shares are of each season's cells, not of the whole record's
	Low, High float64   // of Level: {f <= Low} and {f >= High}; NaN selects nothing
	Cut       float64   // of Persistence, in the unit of f
}

// DefaultShares are the levels of the sweep: the tails that detect
// relationships in practice, from the rare to the common, in % a side.
func DefaultShares() []float64 { return []float64{1, 2, 5, 10, 20} }

// maxEvenShare is the largest tail of an even sweep, in % a side: beyond it
// a feature is no longer unusual.
const maxEvenShare = 20

const classHelp = "use tail:Q, sweep, sweep:K, sweep:Q,Q,..., salient, extreme, level:X, level:LOW,HIGH or persistence:X (Q in %)"

// ParseClass reads a class:
//
//	tail:5           level sets of 5 % of the covered cells a side
//	sweep            tails of 1, 2, 5, 10 and 20 % a side
//	sweep:1,5,25     tails of the given %
//	sweep:12         12 tails up to 20 % in equal steps: equal changes of the feature map
//	salient          the level of the persistent extrema (2-means on persistence)
//	extreme          the box-plot fence of the persistent extrema
//	level:40         {f >= 40}, positive only
//	level:-5,40      {f <= -5} and {f >= 40}
//	persistence:12   the level of the extrema of persistence 12 and more
//
// A tail or sweep may end in /season: shares are then of each season's cells.
func ParseClass(text string) (Class, error) {
	head, perSeason := strings.CutSuffix(text, "/season")
	name, arg, hasArg := strings.Cut(head, ":")
	numbers, err := parseNumbers(arg, hasArg)
	fail := func(why string) (Class, error) {
		return Class{}, fmt.Errorf("threshold class %q: %s; %s", text, why, classHelp)
	}
	if err != nil {
		return fail(err.Error())
	}
	if perSeason && name != "tail" && name != "sweep" {
		return fail("/season belongs to tail and sweep")
	}
	c := Class{PerSeason: perSeason}
	switch name {
	case "tail":
		if len(numbers) != 1 {
			return fail("tail takes one share")
		}
		c.Kind, c.Shares = Tail, numbers
	case "sweep":
		switch {
		case !hasArg:
			c.Kind, c.Shares = SweepShares, DefaultShares()
		case len(numbers) == 1:
			if numbers[0] != math.Trunc(numbers[0]) || numbers[0] < 1 || numbers[0] > 1000 {
				return fail("sweep takes 1 to 1000 levels, or a list of shares")
			}
			c.Kind, c.Steps = SweepEven, int(numbers[0])
		default:
			c.Kind, c.Shares = SweepShares, numbers
		}
	case "salient", "extreme":
		if hasArg {
			return fail(name + " takes no number")
		}
		c.Kind = Salient
		if name == "extreme" {
			c.Kind = Extreme
		}
	case "level":
		c.Kind = Level
		switch len(numbers) {
		case 1:
			c.Low, c.High = math.NaN(), numbers[0]
		case 2:
			if c.Low, c.High = numbers[0], numbers[1]; c.Low > c.High {
				return fail("the low level is above the high one")
			}
		default:
			return fail("level takes one or two values")
		}
	case "persistence":
		if len(numbers) != 1 || numbers[0] < 0 {
			return fail("persistence takes one value that is not negative")
		}
		c.Kind, c.Cut = Persistence, numbers[0]
	default:
		return fail("unknown class")
	}
	if why := wrongShares(c.Shares); why != "" {
		return fail(why)
	}
	return c, nil
}

// wrongShares says what is wrong with the shares of a class, if anything.
func wrongShares(shares []float64) string {
	if len(shares) > 1000 {
		return "a sweep has at most 1000 levels"
	}
	for i, q := range shares {
		if q <= 0 || q >= 100 {
			return fmt.Sprintf("share %g is not between 0 and 100 %%", q)
		}
		if i > 0 && q <= shares[i-1] {
			return "shares must ascend"
		}
	}
	return ""
}

func parseNumbers(arg string, hasArg bool) ([]float64, error) {
	if !hasArg {
		return nil, nil
	}
	var numbers []float64
	for part := range strings.SplitSeq(arg, ",") {
		x, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || !(math.Abs(x) <= maxMagnitude) {
			return nil, fmt.Errorf("%q is not a number", part)
		}
		numbers = append(numbers, x)
	}
	return numbers, nil
}

// A Threshold is the level of one season and direction.
type Threshold struct {
	Value          float64 // NaN: nothing is selected
	PersistenceCut float64 // of the extrema that decide the level; NaN if persistence does not decide it
}

// Thresholds are the levels of one class, or of one step of a sweep.
type Thresholds struct {
	Class      string      // such as "tail:5"; a step of a sweep has the name of its tail
	Super, Sub []Threshold // one a season
	Reason     string      // why a season or all of them have no level; empty if none lacks one
}

// Of returns the thresholds of the given direction, one a season.
func (t *Thresholds) Of(direction Direction) []Threshold {
	if direction == Super {
		return t.Super
	}
	return t.Sub
}

// Thresholds returns the levels of class c for the function f that x is the
// index of: one element for most classes, one a step for a sweep, the
// rarest tail first. A step of an even sweep that would repeat the levels of
// the step before is left out.
//
// Cost: O(N) for tails and the extreme class, O(pairs) for the others.
func (x *Index) Thresholds(f []float64, c Class) []Thresholds {
	switch c.Kind {
	case Tail, SweepShares:
		return x.tails(f, c.Shares, c.PerSeason)
	case SweepEven:
		shares := make([]float64, c.Steps)
		for i := range shares {
			shares[i] = maxEvenShare * float64(i+1) / float64(c.Steps)
		}
		return slices.CompactFunc(x.tails(f, shares, c.PerSeason), func(a, b Thresholds) bool {
			return sameValues(a.Super, b.Super) && sameValues(a.Sub, b.Sub)
		})
	case Salient:
		return []Thresholds{x.byPersistence("salient", salientCut)}
	case Persistence:
		name := "persistence:" + formatNumber(c.Cut)
		return []Thresholds{x.byPersistence(name, func(*Tree) float64 { return c.Cut })}
	case Extreme:
		return []Thresholds{x.extreme(f)}
	case Level:
		t := Thresholds{Class: "level:" + formatNumber(c.High)}
		if !math.IsNaN(c.Low) {
			t.Class = "level:" + formatNumber(c.Low) + "," + formatNumber(c.High)
		}
		for range x.seasons {
			t.Super = append(t.Super, Threshold{Value: c.High, PersistenceCut: math.NaN()})
			t.Sub = append(t.Sub, Threshold{Value: c.Low, PersistenceCut: math.NaN()})
		}
		return []Thresholds{t}
	}
	panic(fmt.Sprintf("topology: class of kind %d", int(c.Kind)))
}

func formatNumber(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func sameValues(a, b []Threshold) bool {
	return slices.EqualFunc(a, b, func(p, q Threshold) bool {
		return p.Value == q.Value || math.IsNaN(p.Value) && math.IsNaN(q.Value)
	})
}

// tails returns the levels whose level sets hold at least the given shares of
// the cells, in %, and no more than they must for ties.
func (x *Index) tails(f []float64, shares []float64, perSeason bool) []Thresholds {
	all := make([]Thresholds, len(shares))
	for i, q := range shares {
		all[i].Class = "tail:" + strconv.FormatFloat(q, 'g', 6, 64) // an even sweep has shares such as 20/3
		if perSeason {
			all[i].Class += "/season"
		}
	}
	add := func(values []float64, n, seasons int) {
		super, sub := tailLevels(values, n, shares)
		for i := range all {
			for range seasons {
				all[i].Super = append(all[i].Super, Threshold{Value: super[i], PersistenceCut: math.NaN()})
				all[i].Sub = append(all[i].Sub, Threshold{Value: sub[i], PersistenceCut: math.NaN()})
			}
			if math.IsNaN(super[i]) {
				all[i].Reason = noValues
			}
		}
	}
	if !perSeason {
		add(f, x.covered, len(x.seasons))
		return all
	}
	for _, t := range x.seasons {
		values := f[t.Season.First*x.regions : t.Season.End*x.regions]
		add(values, countValues(values), 1)
	}
	return all
}

const noValues = "no cell holds a value"

// tailLevels returns the levels of the tails of values, of which n are not
// missing, NaN if none is.
func tailLevels(values []float64, n int, shares []float64) (super, sub []float64) {
	k := len(shares)
	if n == 0 || k == 0 {
		levels := slices.Repeat([]float64{math.NaN()}, 2*k)
		return levels[:k], levels[k:]
	}
	ranks := make([]int, 2*k)
	for i, q := range shares {
		// The product is exact for whole %; rounding must not add a cell.
		cells := int(math.Ceil(q * float64(n) / 100 * (1 - 1e-14)))
		cells = min(max(cells, 1), n)
		ranks[i], ranks[k+i] = n-cells, cells-1
	}
	levels := selectTails(values, n, slices.Max(shares)/100, ranks)
	return levels[:k], levels[k:]
}

// countValues returns how many values are not missing.
func countValues(values []float64) int {
	n := 0
	for _, x := range values {
		n += b2i(x == x)
	}
	return n
}

// salientCut returns the smallest persistence of the upper of two clusters.
func salientCut(t *Tree) float64 {
	persistences := make([]float64, t.Len())
	for i := range persistences {
		persistences[i] = t.Persistence(i)
	}
	return persistences[split2Means(persistences)-1]
}

// byPersistence returns, for every season and direction, the weakest value
// among the extrema whose persistence reaches the cut.
func (x *Index) byPersistence(class string, cut func(*Tree) float64) Thresholds {
	t := Thresholds{Class: class}
	level := func(tree *Tree) Threshold {
		none := Threshold{Value: math.NaN(), PersistenceCut: math.NaN()}
		if tree.Len() == 0 {
			t.Reason = noValues
			return none
		}
		c := cut(tree)
		n := tree.CountPersistent(c)
		if n == 0 {
			t.Reason = fmt.Sprintf("no extremum has a persistence of %g", c)
			return Threshold{Value: math.NaN(), PersistenceCut: c}
		}
		if tree.direction == Super {
			return Threshold{Value: slices.Min(tree.birth[:n]), PersistenceCut: c}
		}
		return Threshold{Value: slices.Max(tree.birth[:n]), PersistenceCut: c}
	}
	for i := range x.seasons {
		t.Super = append(t.Super, level(x.seasons[i].Super))
		t.Sub = append(t.Sub, level(x.seasons[i].Sub))
	}
	return t
}

// minExtrema is how many extrema a box plot needs: with fewer its quartiles
// are noise, and with five or less its fence cannot be crossed at all.
const minExtrema = 20

// extreme returns the box-plot fences of the extrema of the salient pairs.
// To pool seasons, values are measured in each season from its median, in
// units of its interquartile range.
func (x *Index) extreme(f []float64) Thresholds {
	t := Thresholds{Class: "extreme"}
	median, iqr := make([]float64, len(x.seasons)), make([]float64, len(x.seasons))
	for i := range x.seasons {
		s := x.seasons[i].Season
		median[i], iqr[i] = medianAndIQR(f[s.First*x.regions : s.End*x.regions])
	}
	fences := func(direction Direction) []Threshold {
		var pooled []float64
		cuts := make([]float64, len(x.seasons))
		for i := range x.seasons {
			tree := x.seasons[i].Tree(direction)
			cuts[i] = math.NaN()
			if tree.Len() == 0 || !(iqr[i] > 0) {
				continue
			}
			cuts[i] = salientCut(tree)
			for j := range tree.CountPersistent(cuts[i]) {
				pooled = append(pooled, (tree.birth[j]-median[i])/iqr[i])
			}
		}
		levels := make([]Threshold, len(x.seasons))
		fence := math.NaN()
		if len(pooled) >= minExtrema {
			slices.Sort(pooled)
			q1, q3 := quantile(pooled, 0.25), quantile(pooled, 0.75)
			if fence = q3 + 1.5*(q3-q1); direction == Sub {
				fence = q1 - 1.5*(q3-q1)
			}
			if !(math.Abs(fence) <= maxMagnitude) {
				fence = math.NaN()
				t.addReason("the interquartile range is too small to measure extrema by")
			}
		} else {
			t.addReason(fmt.Sprintf("%d persistent extrema in the %s-level trees; the fence needs %d", len(pooled), direction, minExtrema))
		}
		for i := range levels {
			if levels[i] = (Threshold{Value: median[i] + fence*iqr[i], PersistenceCut: cuts[i]}); !(iqr[i] > 0) {
				levels[i].Value = math.NaN()
			}
		}
		return levels
	}
	t.Super, t.Sub = fences(Super), fences(Sub)
	for i := range iqr {
		if !(iqr[i] > 0) {
			t.addReason(fmt.Sprintf("season %d has no spread: its interquartile range is 0", x.seasons[i].Season.Code))
			break
		}
	}
	return t
}

func (t *Thresholds) addReason(reason string) {
	if t.Reason != "" {
		t.Reason += "; "
	}
	t.Reason += reason
}

// medianAndIQR returns NaN for both if no value is present.
func medianAndIQR(values []float64) (median, iqr float64) {
	var share [3]float64
	v := selectRanks(values, func(n int) []int {
		var ranks []int
		for i := range share {
			h := float64(i+1) / 4 * float64(n-1)
			at := int(h)
			if n > 0 {
				ranks = append(ranks, at, min(at+1, n-1))
			}
			share[i] = h - float64(at)
		}
		return ranks
	})
	if len(v) == 0 {
		return math.NaN(), math.NaN()
	}
	quartile := func(i int) float64 { return v[2*i] + share[i]*(v[2*i+1]-v[2*i]) }
	return quartile(1), quartile(2) - quartile(0)
}

// quantile interpolates linearly between the order statistics of sorted
// values, at rank p*(n-1) from 0.
func quantile(sorted []float64, p float64) float64 {
	h := p * float64(len(sorted)-1)
	i := int(h)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (h-float64(i))*(sorted[i+1]-sorted[i])
}

// split2Means splits descending values into two clusters with the least sum of
// squared distances to their means, and returns the size of the first. The
// optimum of two clusters on a line is a cut between sorted values, so trying
// each cut with prefix sums is exact. Equal values are never parted; if all
// are equal there is one cluster. Of equally good cuts the first is taken.
func split2Means(values []float64) int {
	n := len(values)
	if n < 2 || values[0] == values[n-1] {
		return n
	}
	// Differences to the mean, in units of the range, keep the sums small.
	mean := 0.0
	for _, x := range values {
		mean += x / float64(n)
	}
	unit := values[0] - values[n-1]
	total := 0.0
	for _, x := range values {
		total += (x - mean) / unit
	}
	best, at, sum := math.Inf(-1), n, 0.0
	for i := 1; i < n; i++ {
		sum += (values[i-1] - mean) / unit
		if values[i] == values[i-1] {
			continue
		}
		rest := total - sum
		if gain := sum*sum/float64(i) + rest*rest/float64(n-i); gain > best {
			best, at = gain, i
		}
	}
	return at
}
