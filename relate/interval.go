package relate

import (
	"fmt"
	"math"
	"math/bits"

	"gonum.org/v1/gonum/stat/distuv"

	"polygamy/topology"
)

// An Interval is a 95 % confidence interval; both ends are NaN if there is none.
type Interval struct{ Low, High float64 }

// Intervals say how well the effect sizes of a pair are known: where the score,
// strength, precision and recall of [Counts] would lie in a longer record of
// the same two functions. They are no test: score and strength hold the routine
// that both functions share, so that a strength above 0 is not a relationship.
type Intervals struct {
	Score, Strength, Precision, Recall Interval

	Weeks    int // that they are estimated from
	Clusters int // of overlap: parts of it a day or more apart, or not adjacent
	// Effective is the number of independent coincidences that the score is
	// worth, at most Clusters.
	Effective float64
}

const (
	confidence = 0.95
	// memoryWeeks is how many weeks apart sums still count as dependent.
	memoryWeeks = 4
)

// Intervals returns the intervals of the effect sizes of r, over the weeks that
// its Counts are of. f and g are the marks that r is of; in a search by lags g
// is moved by the lag, see [Marks.Moved]. Of the result of a [Tester], and of
// copies, they can be asked for until its next call.
//
// The weeks are the units. A strength, precision or recall R is a ratio of two
// sums over weeks, so its variance is that of the sum of a_w - R b_w, with a
// Bartlett window of four weeks (Newey and West, Econometrica 55, 1987); the
// interval is symmetric on the logit scale, with Student's t of the weeks. The
// score gets the interval of Wilson (JASA 22, 1927) for a share of
//
//	min((1 - tau^2)/SE^2, Clusters)
//
// coincidences, SE being its error by the same rule. The clusters bound what a
// few events can say where all signs agree and SE is 0. An R of 0 or 1 has no
// logit; its interval is that of Clopper and Pearson (Biometrika 26, 1934) with
// one trial for each week that has features.
//
// Marks are laid out in slots of the regions of graph. day is the number of
// slots of 24 hours, 1 for days and longer steps: overlap less than that apart,
// in one region or two adjacent ones, is one cluster. There is no interval for
// a ratio without features, or that has them in fewer than 5 weeks, and none
// for the score where nothing overlaps. Features with a memory of a week and more
// have intervals that are too narrow: at 200 hours and two years they hold the
// score in 78 % and the strength in 86 % of the cases.
//
// Intervals panics if the rows are no whole number of slots, or day is not
// positive. Cost: nine popcounts a word, and a few steps for each cell that
// overlaps.
func (r *Result) Intervals(f, g *Marks, graph *topology.Graph, day int) *Intervals {
	if graph.NumRegions() == 0 || f.Cells%graph.NumRegions() != 0 || day < 1 {
		panic(fmt.Sprintf("relate: intervals of rows of %d cells in %d regions, with days of %d slots", f.Cells, graph.NumRegions(), day))
	}
	rows := r.rows
	week := make([]Counts, len(rows))
	for i := range rows {
		week[i] = countRows(f, g, rows[i:i+1])
	}
	// ratio collects the sums of a ratio.
	ratio := func(above, below func(c *Counts) int) *weekRatio {
		of := &weekRatio{rows: rows, above: make([]float64, len(rows)), below: make([]float64, len(rows))}
		for i := range week {
			of.above[i], of.below[i] = float64(above(&week[i])), float64(below(&week[i]))
		}
		return of
	}
	featuresF := func(c *Counts) int { return c.PositiveF + c.NegativeF }
	featuresG := func(c *Counts) int { return c.PositiveG + c.NegativeG }
	twice := func(c *Counts) int { return 2 * c.Overlap() }
	both := func(c *Counts) int { return featuresF(c) + featuresG(c) }
	i := &Intervals{
		Strength:  ratio(twice, both).logit(),
		Precision: ratio((*Counts).Overlap, featuresG).logit(),
		Recall:    ratio((*Counts).Overlap, featuresF).logit(),
		Weeks:     len(rows),
		Clusters:  overlapClusters(f, g, rows, graph, day),
	}
	i.Score, i.Effective = ratio((*Counts).Agreement, (*Counts).Overlap).wilson(i.Clusters)
	return i
}

// A weekRatio is a ratio of two sums over weeks.
type weekRatio struct {
	rows         []int // numbers of the weeks, ascending
	above, below []float64
}

// estimate returns the ratio, its variance, and the number of weeks that have
// something below the line. The variance is 0 if the ratio is the same in all of
// these.
func (r *weekRatio) estimate() (value, variance float64, weeks int) {
	above, below := 0.0, 0.0
	for i, b := range r.below {
		above += r.above[i]
		below += b
		if b > 0 {
			weeks++
		}
	}
	if below == 0 {
		return math.NaN(), math.NaN(), 0
	}
	value = above / below
	miss := make([]float64, len(r.rows))
	for i := range miss {
		// Products of counts are exact, so a week with this ratio misses nothing.
		miss[i] = (r.above[i]*below - above*r.below[i]) / (below * below)
	}
	// Weeks without data stand between others all the same, so what counts is
	// how far apart two weeks are, not how many rows.
	for i, row := range r.rows {
		variance += miss[i] * miss[i]
		for j := i - 1; j >= 0 && row-r.rows[j] <= memoryWeeks; j-- {
			variance += 2 * (1 - float64(row-r.rows[j])/(memoryWeeks+1)) * miss[i] * miss[j]
		}
	}
	if weeks > 1 {
		variance *= float64(weeks) / float64(weeks-1)
	}
	// Below 0 by rounding alone: the window is positive definite, with weeks
	// missing too.
	return value, max(variance, 0), weeks
}

// logit returns the interval of a ratio in [0, 1].
func (r *weekRatio) logit() Interval {
	value, variance, weeks := r.estimate()
	switch outside := (1 - confidence) / 2; {
	case weeks < minFeatureRows:
		return Interval{math.NaN(), math.NaN()}
	case value == 0:
		return Interval{0, 1 - math.Pow(outside, 1/float64(weeks))}
	case value == 1:
		return Interval{math.Pow(outside, 1/float64(weeks)), 1}
	case variance == 0:
		// Of Clopper and Pearson, continued to successes that are no whole number.
		trials := float64(weeks)
		met := value * trials
		return Interval{
			distuv.Beta{Alpha: met, Beta: trials - met + 1}.Quantile(outside),
			distuv.Beta{Alpha: met + 1, Beta: trials - met}.Quantile(1 - outside),
		}
	default:
		t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(weeks - 1)}.Quantile(1 - outside)
		centre := math.Log(value / (1 - value))
		half := t * math.Sqrt(variance) / (value * (1 - value))
		return Interval{logistic(centre - half), logistic(centre + half)}
	}
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// wilson returns the interval of a ratio in [-1, 1] that is worth at most so
// many independent coincidences, and how many it is worth.
func (r *weekRatio) wilson(clusters int) (Interval, float64) {
	value, variance, weeks := r.estimate()
	if weeks == 0 {
		return Interval{math.NaN(), math.NaN()}, 0
	}
	n := float64(clusters)
	if variance > 0 && value*value < 1 {
		n = min(n, (1-value*value)/variance)
	}
	z := distuv.UnitNormal.Quantile((1 + confidence) / 2)
	p := (1 + value) / 2
	centre := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z * math.Sqrt(p*(1-p)/n+z*z/(4*n*n)) / (1 + z*z/n)
	return Interval{max(2*(centre-half)-1, -1), min(2*(centre+half)-1, 1)}, n
}

// overlapClusters returns the number of clusters of the cells that are features
// of both functions: two cells less than a day apart belong together if they
// are of one region or of adjacent ones.
func overlapClusters(f, g *Marks, rows []int, graph *topology.Graph, day int) int {
	regions := graph.NumRegions()
	slots := f.Cells / regions
	// A cluster of a region's latest cell stands for all its cells of the day
	// before, which are in it too.
	latest := make([]struct{ time, cluster int }, regions)
	for r := range latest {
		latest[r].time = math.MinInt / 2
	}
	var joined disjoint
	clusters := 0
	for _, row := range rows {
		p1, n1, p2, n2 := f.row(f.Positive, row), f.row(f.Negative, row), g.row(g.Positive, row), g.row(g.Negative, row)
		for i := range p1 {
			for w := (p1[i] | n1[i]) & (p2[i] | n2[i]); w != 0; w &= w - 1 {
				cell := 64*i + bits.TrailingZeros64(w)
				r, time := cell%regions, row*slots+cell/regions
				own := &latest[r]
				if time-own.time >= day {
					own.cluster = joined.add()
					clusters++
				}
				own.time = time
				for _, s := range graph.Neighbours(r) {
					if time-latest[s].time < day && joined.join(own.cluster, latest[s].cluster) {
						clusters--
					}
				}
			}
		}
	}
	return clusters
}

// disjoint are sets of numbers, each number's parent or itself.
type disjoint []int

// add adds a set of one number, which it returns.
func (d *disjoint) add() int {
	*d = append(*d, len(*d))
	return len(*d) - 1
}

func (d disjoint) find(i int) int {
	for d[i] != i {
		d[i] = d[d[i]]
		i = d[i]
	}
	return i
}

// join makes one set of those of i and j, and reports whether they were two.
func (d disjoint) join(i, j int) bool {
	i, j = d.find(i), d.find(j)
	d[max(i, j)] = min(i, j)
	return i != j
}
