package relate

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"polygamy/topology"
)

var calibrationFile = flag.String("calibration", "", "file to write the table of the large calibration to; `make calibration` says where")

// A method is one of the ways to test a pair that the table sets side by side.
type method struct {
	name string
	p    pValue
	most int // pairs at most in each world; 0: all
}

// methods returns all of them. The published test permutes regions from main
// origins that it draws once a process; here each pair has its own.
func methods(graph *CompatGraph, size *calibrationSize) []method {
	return []method{
		{"sweep", sweep, 0},
		{"tails of 5 %", tail5, 0},
		{"published test", func(f, g *sample) float64 {
			result, err := compat(context.Background(), f.events(), g.events(), graph, []int{f.number % f.regions()})
			if err != nil {
				panic(err)
			}
			return result.P
		}, size.published},
		{"Pearson", func(f, g *sample) float64 { return textbook(f.values, g.values) }, 0},
		{"Pearson, rotated weeks", func(f, g *sample) float64 { return f.rotated(g, f.values, g.values) }, size.rotated},
		{"Spearman", func(f, g *sample) float64 { return textbook(f.ranks(), g.ranks()) }, 0},
		{"Spearman, rotated weeks", func(f, g *sample) float64 { return f.rotated(g, f.ranks(), g.ranks()) }, size.rotated},
	}
}

// textbook is the two-sided p-value of a correlation of independent values.
func textbook(x, y []float64) float64 {
	a, _ := complete(x, y)
	r, n := Pearson(x, y), float64(len(a))
	t := math.Abs(r) * math.Sqrt((n-2)/max(1-r*r, 1e-300))
	return 2 * distuv.StudentsT{Sigma: 1, Nu: n - 2}.Survival(t)
}

// rotated is the p-value of a correlation under the null of this package.
func (x *sample) rotated(other *sample, v, w []float64) float64 {
	rows := make([]int, x.weeks)
	for i := range rows {
		rows[i] = i
	}
	key := []string{fmt.Sprint(x.number), fmt.Sprint(other.number)}
	result, err := MonteCarlo{Draws: 10_000, Seed: x.seed, Key: key}.Pearson(v, w, x.slots*x.regions(), chooseWindows(nil, rows))
	if err != nil {
		panic(err)
	}
	return result.P
}

// events returns the features of 5 % a side as the published test takes them.
func (x *sample) events() *CompatEvents {
	m := x.marks[level5]
	signs := make([]int8, len(x.values))
	for i := range signs {
		word, bit := i/m.Cells*m.Words+i%m.Cells/64, i%m.Cells%64
		signs[i] = int8(m.Positive[word]>>bit&1) - int8(m.Negative[word]>>bit&1)
	}
	e, err := NewCompatEvents(signs, x.regions(), 0)
	if err != nil {
		panic(err)
	}
	return e
}

// A calibrationSize is how much of everything the table rests on.
type calibrationSize struct {
	blocks            int // of groups that share a routine, a map and outages
	city, gaps        int // functions of a group: of one region, with missing values
	days, hours       int // of many regions
	published         int // pairs, at most
	rotated           int
	power, fieldPower int // pairs for each share of common shocks
	years             float64
}

var (
	largeSize = calibrationSize{blocks: 4, city: 75, gaps: 20, days: 20, hours: 6, published: 200, rotated: 1000, power: 200, fieldPower: 60, years: 3}
	smallSize = calibrationSize{blocks: 1, city: 2, gaps: 2, days: 1, hours: 1, published: 1, rotated: 1, power: 1, fieldPower: 1, years: 0.7}
)

// rateOf returns a rate and its standard error. Pairs that share a function
// are not independent, so the squares of the misses are summed over the pairs
// of each function (two-way clusters; Cameron, Gelbach and Miller, J. Business
// and Economic Statistics 29, 2011).
func rateOf(blocks [][]float64, pair func(k int) (i, j int), alpha float64) (rate, se float64, tested int) {
	for _, p := range blocks {
		for _, v := range p {
			tested += b2i(v == v) // not NaN
			rate += float64(b2i(v <= alpha))
		}
	}
	rate /= float64(tested)
	variance := 0.0
	for _, p := range blocks {
		rows, columns := map[int]float64{}, map[int]float64{}
		for k, v := range p {
			if v == v {
				miss := float64(b2i(v <= alpha)) - rate
				i, j := pair(k)
				rows[i], columns[j] = rows[i]+miss, columns[j]+miss
				variance -= miss * miss
			}
		}
		for _, sums := range []map[int]float64{rows, columns} {
			for _, at := range slices.Sorted(maps.Keys(sums)) {
				variance += sums[at] * sums[at]
			}
		}
	}
	least := rate * (1 - rate) * float64(tested) // that of independent pairs
	return rate, math.Sqrt(max(variance, least)) / float64(tested), tested
}

// nullRates writes a row of every world with the rates of every method.
func nullRates(w io.Writer, cases []calibrationCase, graph *CompatGraph, size *calibrationSize, functions int) {
	for number, tc := range cases {
		all := methods(graph, size)
		p := make([][][]float64, len(all)) // of a method, a block, a pair
		var x *groups
		for block := range size.blocks {
			x = tc.newStage(uint64(1000*number + block)).newGroups(functions)
			for m, method := range all {
				pairs := functions * functions
				if method.most > 0 {
					pairs = min(pairs, max(1, method.most/size.blocks))
				}
				p[m] = append(p[m], x.test(pairs, method.p))
			}
		}
		fmt.Fprintf(w, "| %s |", tc.name)
		for m := range all {
			var cells []string
			for _, alpha := range []float64{0.05, 0.01, 0.001} {
				rate, se, tested := rateOf(p[m], x.pair, alpha)
				if tested == 0 {
					cells = append(cells, "-")
					continue
				}
				if alpha == 0.05 {
					cells = append(cells, fmt.Sprintf("%.3f±%.3f", rate, se))
				} else {
					cells = append(cells, fmt.Sprintf("%.4f", rate))
				}
			}
			fmt.Fprintf(w, " %s |", strings.Join(cells, " "))
		}
		fmt.Fprintln(w)
	}
}

// A powerCase is a world with shocks.
type powerCase struct {
	calibrationCase
	shocks
	pairs int
}

func powerCases(graph *topology.Graph, size *calibrationSize) []powerCase {
	weeks := int(52 * size.years)
	hours := world{weeks: weeks, slots: 168, memory: 24, cycle: 1}
	anomaly := hours
	anomaly.year, anomaly.anomaly = 1, true
	days := world{graph: graph, weeks: weeks, slots: 7, memory: 3, smooth: true, cycle: 1}
	perYear := func(n float64) int { return max(10, int(n*size.years)) }
	return []powerCase{
		{calibrationCase{"city, hours, shared routine", hours}, shocks{number: perYear(80), city: true}, size.power},
		{calibrationCase{"city, hours, routine and year, anomaly", anomaly}, shocks{number: perYear(80), city: true}, size.power},
		{calibrationCase{"neighborhoods, days, shared routine; one at a time", days}, shocks{number: perYear(160)}, size.fieldPower},
		{calibrationCase{"neighborhoods, days, shared routine; the whole city", days}, shocks{number: perYear(20), city: true}, size.fieldPower},
	}
}

// powers writes a row of every world and method: the share of the pairs that
// are found with a share of their shocks in common.
func powers(w io.Writer, cases []powerCase, graph *CompatGraph, size *calibrationSize) {
	for number, tc := range cases {
		stage := tc.newStage(uint64(100_000 + number))
		all := methods(graph, size)
		rates := make([][]string, len(all))
		for _, common := range []float64{0, 0.1, 0.15, 0.25} {
			p := make([][]float64, len(all))
			for m := range p {
				p[m] = make([]float64, tc.pairs)
			}
			each(tc.pairs, func(k int) {
				s := tc.shocks
				s.common = common
				x, y := stage.related(uint64(k), s)
				f, g := stage.newSample(x), stage.newSample(y)
				f.number, g.number = 2*k, 2*k+1
				for m, method := range all {
					p[m][k] = method.p(f, g)
				}
			})
			for m := range all {
				rates[m] = append(rates[m], fmt.Sprintf("%.2f", shareAtMost(p[m], 0.05)))
			}
		}
		for m, method := range all {
			fmt.Fprintf(w, "| %s; %d shocks | %s | %s |\n", tc.name, tc.shocks.number, method.name, strings.Join(rates[m], " | "))
		}
	}
}

const calibrationHead = `# Calibration of the test

Made by %s, which needs six to ten minutes of two cores. Seeds are fixed, so it gives the same numbers again; the worlds are those of
relate/world_test.go. Methods:

- **sweep**: the default question, tails of 1, 2, 5, 10 and 20 %% a side, the search over them paid for
- **tails of 5 %%**: one level
- **published test**: that of the published implementation of Data Polygamy (relate.Compat) on the tails of 5 %%
- **Pearson**, **Spearman**: correlations of the values with the p-value of the textbook, which takes all cells for independent
- **rotated weeks**: the same correlations under the null of this package (MonteCarlo)

## How often unrelated functions are called related

The share of unrelated pairs with a p-value of at most 0.05 (with its standard error), 0.01 and 0.001. Pairs are all those across
groups of functions, %d times %d by %d of hours and days of one region, %d by %d where values are missing,
%d by %d with regions and days, and %d by %d with regions and hours; the published test has %d pairs and rotated correlations %d, at most. Standard errors take into account that pairs share functions.

`

// writeCalibration writes the whole table.
func writeCalibration(t testing.TB, w io.Writer, size *calibrationSize) {
	graph := neighborhoodGraph(t)
	compatGraph := neighborhoods(t)
	fmt.Fprintf(w, calibrationHead, "`make calibration`", size.blocks, size.city, size.city, size.gaps, size.gaps, size.days, size.days, size.hours, size.hours, size.published, size.rotated)
	fmt.Fprint(w, "| world |")
	for _, m := range methods(nil, size) {
		fmt.Fprintf(w, " %s |", m.name)
	}
	fmt.Fprintf(w, "\n|%s\n", strings.Repeat("---|", len(methods(nil, size))+1))
	weeks := int(52 * size.years)
	city := cityCases(weeks)
	gaps := slices.IndexFunc(city, func(c calibrationCase) bool { return c.outages != noOutages })
	nullRates(w, city[:gaps], compatGraph, size, size.city)
	nullRates(w, dayCases(weeks), compatGraph, size, size.city)
	nullRates(w, city[gaps:], compatGraph, size, size.gaps)
	fields := func(weeks, slots int, memory float64, what string) []calibrationCase {
		list := regionCases(graph, weeks, slots, memory)
		for i := range list {
			list[i].name = "260 neighborhoods, " + what + ": " + list[i].name
		}
		return list
	}
	nullRates(w, fields(weeks, 7, 3, "days, memory of 3 days"), compatGraph, size, size.days)
	hours := fields(max(32, weeks/3), 168, 24, "a year of hours, memory of 24 h")
	nullRates(w, []calibrationCase{hours[1], hours[len(hours)-1]}, compatGraph, size, size.hours)
	fmt.Fprintf(w, `
Worlds without another word have hours of one region; records are of three years but where it says otherwise. Not all pairs can be tested: rates are of those that can.

## How often related functions are found

The share of %d pairs (%d with regions) with a p-value of at most 0.05, when a share of their shocks is in common: shocks of three steps and 3.5
standard deviations, 70 %% of them up. A method whose first column is far above 0.05 does not find anything: it calls
everything related. The standard error is at most %.2f (%.2f).

| world | method | 0 | 10 %% | 15 %% | 25 %% |
|---|---|---|---|---|---|
`, size.power, size.fieldPower, 0.5/math.Sqrt(float64(size.power)), 0.5/math.Sqrt(float64(size.fieldPower)))
	powers(w, powerCases(graph, size), compatGraph, size)
}

// TestCalibrationTable writes the table of relate/docs, or without the flag
// -calibration a small one to see that it can.
func TestCalibrationTable(t *testing.T) {
	if *calibrationFile == "" {
		var b bytes.Buffer
		writeCalibration(t, &b, &smallSize)
		if rows := strings.Count(b.String(), "\n|"); rows != 2+25+2+4*7 {
			t.Errorf("%d rows:\n%s", rows, b.String())
		}
		return
	}
	var b bytes.Buffer
	writeCalibration(t, io.MultiWriter(&b, os.Stderr), &largeSize)
	if err := os.WriteFile(*calibrationFile, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}
