package relate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat"
)

func near(a, b, tolerance float64) bool {
	return math.Abs(a-b) <= tolerance || math.IsNaN(a) && math.IsNaN(b)
}

// bivariate returns n draws of two normal variables of correlation r.
func bivariate(source *rand.Rand, n int, r float64) (x, y []float64) {
	x, y = make([]float64, n), make([]float64, n)
	for i := range x {
		x[i] = source.NormFloat64()
		y[i] = r*x[i] + math.Sqrt(1-r*r)*source.NormFloat64()
	}
	return x, y
}

// randomSeries returns two short series with ties, some related, some of them
// with missing values.
func randomSeries(r *rand.Rand, n int) (x, y []float64) {
	x, y = bivariate(r, n, r.Float64())
	for i := range x {
		if n%2 == 0 { // counts
			x[i], y[i] = math.Floor(2*x[i]), math.Floor(2*y[i])
		}
		if n%3 == 0 && r.IntN(5) == 0 {
			x[i] = nan
		}
		if n%3 == 0 && r.IntN(5) == 0 {
			y[i] = nan
		}
	}
	return x, y
}

// pairwise leaves places out at which a value is missing.
func pairwise(x, y []float64) (a, b []float64) {
	for i := range x {
		if !math.IsNaN(x[i]) && !math.IsNaN(y[i]) {
			a, b = append(a, x[i]), append(b, y[i])
		}
	}
	return a, b
}

func slowPearson(x, y []float64) float64 {
	a, b := pairwise(x, y)
	if constant(a) || constant(b) {
		return nan
	}
	return stat.Correlation(a, b, nil)
}

func slowSpearman(x, y []float64) float64 {
	a, b := pairwise(x, y)
	slowRanks := func(v []float64) []float64 {
		r := make([]float64, len(v))
		for i := range v {
			for j := range v {
				switch {
				case v[j] < v[i]:
					r[i]++
				case v[j] == v[i]:
					r[i] += 0.5
				}
			}
		}
		return r
	}
	return slowPearson(slowRanks(a), slowRanks(b))
}

// slowInformation is the first estimator of Kraskov and others as they write
// it, over all pairs of points.
func slowInformation(x, y []float64) float64 {
	a, b := pairwise(x, y)
	n := len(a)
	if n < 5 || constant(a) || constant(b) {
		return nan
	}
	a, b = standardised(a), standardised(b)
	separate(a, 0)
	separate(b, 1)
	sum := 0.0
	for i := range n {
		var d []float64
		for j := range n {
			if j != i {
				d = append(d, max(math.Abs(a[i]-a[j]), math.Abs(b[i]-b[j])))
			}
		}
		slices.Sort(d)
		nx, ny := 0, 0
		for j := range n {
			if j != i && math.Abs(a[i]-a[j]) < d[2] {
				nx++
			}
			if j != i && math.Abs(b[i]-b[j]) < d[2] {
				ny++
			}
		}
		sum += mathext.Digamma(float64(nx+1)) + mathext.Digamma(float64(ny+1))
	}
	return mathext.Digamma(3) + mathext.Digamma(float64(n)) - sum/float64(n)
}

// slowWarp is the recursion of dynamic time warping in the whole plane.
func slowWarp(x, y []float64, band int) float64 {
	a, b := pairwise(x, y)
	if constant(a) || constant(b) {
		return nan
	}
	a, b = standardised(a), standardised(b)
	cost := map[[2]int]float64{{-1, -1}: 0}
	at := func(i, j int) float64 {
		if c, ok := cost[[2]int{i, j}]; ok {
			return c
		}
		return math.Inf(1)
	}
	for i := range a {
		for j := range b {
			if max(i-j, j-i) <= band {
				cost[[2]int{i, j}] = (a[i]-b[j])*(a[i]-b[j]) + min(at(i-1, j), at(i, j-1), at(i-1, j-1))
			}
		}
	}
	return math.Sqrt(at(len(a)-1, len(a)-1))
}

func TestMeasuresAgainstDefinitions(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for n := range 90 {
		x, y := randomSeries(r, n)
		keepX, keepY := slices.Clone(x), slices.Clone(y)
		band := r.IntN(n + 2)
		for _, m := range []struct {
			name      string
			got, want float64
		}{
			{"Pearson", Pearson(x, y), slowPearson(x, y)},
			{"Spearman", Spearman(x, y), slowSpearman(x, y)},
			{"MutualInformation", MutualInformation(x, y), slowInformation(x, y)},
			{"TimeWarp", TimeWarp(x, y, band), slowWarp(x, y, band)},
		} {
			if !near(m.got, m.want, 1e-9) {
				t.Errorf("%s of %d values = %v, want %v", m.name, n, m.got, m.want)
			}
		}
		if !sameFloats(x, keepX) || !sameFloats(y, keepY) {
			t.Fatal("a measure changes its arguments")
		}
	}
}

func TestInvariances(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for n := 10; n < 60; n++ {
		x, y := randomSeries(r, n)
		affine, monotone, negative := make([]float64, n), make([]float64, n), make([]float64, n)
		for i, v := range x {
			affine[i], monotone[i], negative[i] = 1e6+3*v, math.Exp(v), -v
		}
		for _, m := range []struct {
			name      string
			got, want float64
		}{
			{"Pearson, affine", Pearson(affine, y), Pearson(x, y)},
			{"Pearson, negative", Pearson(negative, y), -Pearson(x, y)},
			{"Pearson, exchanged", Pearson(y, x), Pearson(x, y)},
			{"Spearman, monotone", Spearman(monotone, y), Spearman(x, y)},
			{"Spearman, negative", Spearman(x, negative), -min(1, Spearman(x, x))},
			{"TimeWarp, affine", TimeWarp(affine, y, 3), TimeWarp(x, y, 3)},
			{"TimeWarp, itself", TimeWarp(x, x, 2), 0},
			{"TimeWarp, no band", TimeWarp(x, y, -1), euclidean(x, y)},
		} {
			if !near(m.got, m.want, 1e-7) {
				t.Errorf("%s: %v, want %v", m.name, m.got, m.want)
			}
		}
		if n%2 == 1 && !near(MutualInformation(affine, y), MutualInformation(x, y), 0.02) {
			t.Errorf("MutualInformation: %v, of affine %v", MutualInformation(x, y), MutualInformation(affine, y))
		}
		for band := range n {
			if TimeWarp(x, y, band+1) > TimeWarp(x, y, band)+1e-12 {
				t.Errorf("TimeWarp grows with the band at %d", band)
			}
		}
	}
}

// euclidean is the distance at band 0 by its formula.
func euclidean(x, y []float64) float64 {
	a, _ := pairwise(x, y)
	return math.Sqrt(2 * float64(len(a)) * (1 - Pearson(x, y)))
}

func TestTimeWarpFindsDelay(t *testing.T) {
	x, y := make([]float64, 400), make([]float64, 400)
	for i := range x {
		x[i], y[i] = math.Sin(float64(i)/9), math.Sin(float64(i-5)/9)
	}
	if near, far := TimeWarp(x, y, 5), TimeWarp(x, y, 0); near > 0.2*far {
		t.Errorf("distance %v within five steps, %v without", near, far)
	}
}

func TestMutualInformationOfNormal(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, c := range []float64{0, 0.3, 0.6, 0.9, -0.9, 0.99} {
		x, y := bivariate(r, 6000, c)
		want := -math.Log(1-c*c) / 2
		if got := MutualInformation(x, y); !near(got, want, 0.04) {
			t.Errorf("correlation %v: %.4f nats, want %.4f", c, got, want)
		}
		// It sees what a correlation cannot, and does not depend on the scale.
		for i, v := range y {
			y[i] = math.Exp(v)
			x[i] = 1000 * x[i]
		}
		if got := MutualInformation(x, y); !near(got, want, 0.06) {
			t.Errorf("correlation %v, exponential: %.4f nats, want %.4f", c, got, want)
		}
	}
	x, y := bivariate(r, 6000, 0)
	for i := range x {
		y[i] = x[i]*x[i] + 0.1*y[i]
	}
	if c, info := Pearson(x, y), MutualInformation(x, y); math.Abs(c) > 0.1 || info < 0.8 {
		t.Errorf("parabola: correlation %v, %v nats", c, info)
	}
}

// Counts have ties everywhere; independent ones must not look related.
func TestMutualInformationOfCounts(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	x, y := bivariate(r, 4000, 0)
	for i := range x {
		x[i], y[i] = max(0, math.Floor(x[i])), max(0, math.Floor(y[i]))
	}
	if got := MutualInformation(x, y); !near(got, 0, 0.05) {
		t.Errorf("independent counts: %v nats", got)
	}
	if a, b := MutualInformation(x, y), MutualInformation(x, y); a != b {
		t.Errorf("two calls: %v and %v", a, b)
	}
}

func TestMeasuresOfNothing(t *testing.T) {
	inf := math.Inf(1)
	for _, tc := range []struct{ x, y []float64 }{
		{nil, nil},
		{[]float64{1}, []float64{2}},
		{[]float64{1, 2, 3, 4, 5}, []float64{nan, nan, nan, nan, 5}},
		{[]float64{0.1, 0.1, 0.1, 0.1, 0.1, 0.1}, []float64{1, 2, 3, 4, 5, 6}},
		{[]float64{1, 2, 3, 4, 5, 6}, []float64{7, 7, 7, 7, 7, nan}},
	} {
		for _, got := range []float64{Pearson(tc.x, tc.y), Spearman(tc.x, tc.y), MutualInformation(tc.x, tc.y), TimeWarp(tc.x, tc.y, 1)} {
			if !math.IsNaN(got) {
				t.Errorf("of %v and %v: %v", tc.x, tc.y, got)
			}
		}
	}
	x := []float64{1, 2, 3, 4, 5, inf}
	y := []float64{1, 3, 2, 5, 4, 6}
	if got := Pearson(x, y); !math.IsNaN(got) {
		t.Errorf("Pearson with an infinite value: %v", got)
	}
	if got := Spearman(x, y); !near(got, slowSpearman(x, y), 1e-12) {
		t.Errorf("Spearman with an infinite value: %v", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("lengths differ: no panic")
		}
	}()
	Pearson(x, y[:3])
}

// weeks returns windows of n rows each.
func weeks(windows, n int) [][]int {
	w := make([][]int, windows)
	for q := range w {
		for i := range n {
			w[q] = append(w[q], q*n+i)
		}
	}
	return w
}

// enumerated returns the exact two-sided p of a statistic over all rotations.
func enumerated(x, y []float64, period int, windows [][]int, statistic func(x, y []float64) float64) float64 {
	total, up, down := 0, 0, 0
	observed := statistic(gather(x, period, windows), gather(y, period, windows))
	var visit func(q int, rotated []float64)
	visit = func(q int, rotated []float64) {
		if q == len(windows) {
			total++
			v := statistic(gather(x, period, windows), rotated)
			if v >= observed-1e-9 {
				up++
			}
			if v <= observed+1e-9 {
				down++
			}
			return
		}
		for u := range windows[q] {
			next := slices.Clone(rotated)
			for i := range windows[q] {
				row := windows[q][(i+u)%len(windows[q])]
				next = append(next, y[row*period:(row+1)*period]...)
			}
			visit(q+1, next)
		}
	}
	visit(0, nil)
	return min(1, 2*float64(min(up, down))/float64(total))
}

func TestMonteCarloAgainstEnumeration(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	windows := [][]int{{0, 1, 2, 3}, {5, 6, 7}, {8, 9, 11, 12}} // rows 4 and 10 are in none
	for range 12 {
		x, y := bivariate(r, 13*4, 0.4)
		m := MonteCarlo{Draws: 20_000, Exceedances: 20_000, Seed: r.Uint64()}
		for _, tc := range []struct {
			name      string
			test      func(x, y []float64, period int, windows [][]int) (MonteCarloResult, error)
			statistic func(x, y []float64) float64
		}{{"Pearson", m.Pearson, Pearson}, {"Spearman", m.Spearman, Spearman}} {
			want := enumerated(x, y, 4, windows, tc.statistic)
			got, err := tc.test(x, y, 4, windows)
			if err != nil {
				t.Fatal(err)
			}
			if !near(got.P, want, 0.02) {
				t.Errorf("%s: p = %v, exact %v", tc.name, got.P, want)
			}
			if v := tc.statistic(gather(x, 4, windows), gather(y, 4, windows)); !near(got.Value, v, 1e-12) {
				t.Errorf("%s: value %v, want %v", tc.name, got.Value, v)
			}
			// The table and the statistic itself see the same rotations.
			m := m
			m.Draws, m.Exceedances = 500, 0
			direct, err := m.Test(x, y, 4, windows, tc.statistic)
			if err != nil {
				t.Fatal(err)
			}
			table := must(t)(m.Pearson(x, y, 4, windows))
			if tc.name == "Spearman" {
				table = must(t)(m.Spearman(x, y, 4, windows))
			}
			if direct.P != table.P || direct.Draws != table.Draws {
				t.Errorf("%s: directly %+v, by tables %+v", tc.name, direct, table)
			}
		}
	}
}

func must(t *testing.T) func(MonteCarloResult, error) MonteCarloResult {
	return func(r MonteCarloResult, err error) MonteCarloResult {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// The tables by their definition: centre each slot, then each window, leave missing values
// out, scale by the root of the share of places that are left.
func TestProductTables(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	const period, rows = 3, 11
	windows := [][]int{{0, 1, 2, 3, 4}, nil, {5, 6, 7, 8, 9, 10}}
	for n := range 40 {
		x, y := bivariate(r, period*rows, 0.5)
		for i := range x {
			if n%2 == 0 && r.IntN(3) == 0 {
				x[i] = nan
			}
			if n%4 == 0 && r.IntN(3) == 0 {
				y[i] = nan
			}
		}
		got := productTables(gather(x, period, windows), gather(y, period, windows), period, windows)
		q := 0
		for _, w := range windows {
			if len(w) == 0 {
				continue
			}
			centred := func(v []float64) []float64 {
				c := slices.Clone(v)
				for i := range c {
					c[i] -= meanOf(v, func(j int) bool { return j%period == i%period })
				}
				d := slices.Clone(c)
				for i := range d {
					d[i] -= meanOf(c, func(j int) bool { return slices.Contains(w, j/period) })
				}
				return d
			}
			cx, cy := centred(x), centred(y)
			joint0 := 0.0
			for u := range w {
				sum, joint := 0.0, 0.0
				for i, row := range w {
					other := w[(i+u)%len(w)]
					for k := range period {
						a, b := cx[row*period+k], cy[other*period+k]
						if !math.IsNaN(a) && !math.IsNaN(b) {
							sum += a * b
							joint++
						}
					}
				}
				if u == 0 {
					joint0 = joint
				}
				if want := sum * math.Sqrt(joint0/joint); !near(got[q][u], want, 1e-9) {
					t.Fatalf("window %d, rotation %d: %v, want %v", q, u, got[q][u], want)
				}
			}
			q++
		}
		if q != len(got) {
			t.Fatalf("%d tables, want %d", len(got), q)
		}
	}
}

// meanOf returns the mean of the values of v at places that are in.
func meanOf(v []float64, in func(i int) bool) float64 {
	sum, n := 0.0, 0.0
	for i, x := range v {
		if in(i) && !math.IsNaN(x) {
			sum += x
			n++
		}
	}
	return sum / n
}

func TestMonteCarloRepeats(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	x, y := bivariate(r, 60*7, 0.1)
	m := MonteCarlo{Seed: 1, Key: []string{"taxi", "rain"}}
	first := must(t)(m.Pearson(x, y, 7, weeks(10, 6)))
	if again := must(t)(m.Pearson(x, y, 7, weeks(10, 6))); again != first {
		t.Errorf("two runs: %+v and %+v", first, again)
	}
	for _, other := range []MonteCarlo{{Seed: 2, Key: m.Key}, {Seed: 1, Key: []string{"taxi rain"}}, {Seed: 1}} {
		if again := must(t)(other.Pearson(x, y, 7, weeks(10, 6))); again.Draws == first.Draws {
			t.Errorf("%+v draws as %+v does", other, m)
		}
	}
	// A strong relation takes all draws, and has the least p.
	all := must(t)(MonteCarlo{Draws: 999}.Spearman(x, x, 7, weeks(10, 6)))
	if all.P != 0.002 || all.Draws != 999 || all.Value != 1 {
		t.Errorf("a series with itself: %+v", all)
	}
	// Without anything to rotate there is no evidence.
	for _, windows := range [][][]int{{{0}, {1}, {2}}, {{}, {0, 1, 2, 3}}} {
		constant := slices.Repeat([]float64{1, 2, 3, 4, 5, 6, 7}, 60)
		got := must(t)(m.Pearson(constant, constant, 7, windows))
		direct := must(t)(m.Test(constant, constant, 7, windows, Pearson))
		if got.P != 1 || direct.P != 1 {
			t.Errorf("windows %v: %+v, %+v", windows, got, direct)
		}
	}
	if got := must(t)(m.Pearson(x, y, 7, nil)); !math.IsNaN(got.P) {
		t.Errorf("no windows: %+v", got)
	}
}

func TestMonteCarloRefuses(t *testing.T) {
	x := []float64{1, 2, 3, 4}
	for _, tc := range []struct {
		name    string
		m       MonteCarlo
		x, y    []float64
		period  int
		windows [][]int
	}{
		{"lengths", MonteCarlo{}, x, x[:2], 1, nil},
		{"period", MonteCarlo{}, x, x, 0, nil},
		{"row", MonteCarlo{}, x, x, 2, [][]int{{0, 2}}},
		{"negative row", MonteCarlo{}, x, x, 2, [][]int{{-1}}},
		{"draws", MonteCarlo{Draws: -1}, x, x, 2, nil},
		{"exceedances", MonteCarlo{Exceedances: -1}, x, x, 2, nil},
		{"infinite", MonteCarlo{}, x, []float64{1, 2, math.Inf(-1), 4}, 2, [][]int{{0, 1}}},
	} {
		if _, err := tc.m.Pearson(tc.x, tc.y, tc.period, tc.windows); err == nil {
			t.Errorf("%s: no error", tc.name)
		}
		if _, err := tc.m.Test(tc.x, tc.y, tc.period, tc.windows, Spearman); err == nil {
			t.Errorf("%s: no error of Test", tc.name)
		}
	}
}

// Two independent series of days with a memory of three days and the same
// weekly cycle, also with outages of both on weekends: the p-values of
// rotations are uniform, those of shuffled days are not.
func TestMonteCarloUniform(t *testing.T) {
	const pairs, rows, period = 1500, 120, 7
	r := rand.New(rand.NewPCG(8, 8))
	windows := weeks(rows/6, 6)
	series := func() []float64 {
		v := make([]float64, rows*period)
		memory := 0.0
		for i := range v {
			memory = 0.7*memory + r.NormFloat64()
			v[i] = memory + 3*math.Sin(2*math.Pi*float64(i%period)/period)
		}
		return v
	}
	m := MonteCarlo{Draws: 2000}
	var pearson, spearman, outage, direct []float64
	shuffled := 0
	for i := range pairs {
		m.Seed = uint64(i)
		x, y := series(), series()
		pearson = append(pearson, must(t)(m.Pearson(x, y, period, windows)).P)
		spearman = append(spearman, must(t)(m.Spearman(x, y, period, windows)).P)
		if i < 50 && shuffledP(r, x, y) <= 0.05 {
			shuffled++
		}
		for j := range x {
			if j%period >= 5 && r.Float64() < 0.6 {
				x[j], y[j] = nan, nan
			}
		}
		outage = append(outage, must(t)(m.Pearson(x, y, period, windows)).P)
		direct = append(direct, must(t)(m.Test(x, y, period, windows, Pearson)).P)
	}
	for name, p := range map[string][]float64{"Pearson": pearson, "Spearman": spearman, "Pearson with outages": outage, "the same by Test": direct} {
		for _, level := range []float64{0.01, 0.05, 0.2, 0.5, 0.8} {
			rate := 0.0
			for _, v := range p {
				if v <= level {
					rate += 1.0 / pairs
				}
			}
			if band := 4 * math.Sqrt(level*(1-level)/pairs); !near(rate, level, band) {
				t.Errorf("%s: %.4f of p-values are at most %v", name, rate, level)
			}
		}
	}
	if shuffled < 45 {
		t.Errorf("shuffled days reject %d of 50: the cycle is too weak to test anything", shuffled)
	}
}

// shuffledP is the naive permutation test.
func shuffledP(r *rand.Rand, x, y []float64) float64 {
	y = slices.Clone(y)
	observed, above := Pearson(x, y), 1
	for range 99 {
		r.Shuffle(len(y), func(i, j int) { y[i], y[j] = y[j], y[i] })
		if math.Abs(Pearson(x, y)) >= math.Abs(observed) {
			above++
		}
	}
	return float64(above) / 100
}

// The null of sums of tables is known exactly too; draws must agree with it,
// with a guard that moves the data and with one that does not.
func TestMonteCarloAgainstSaddlepoint(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	windows := weeks(10, 6)
	for _, keep := range []float64{0, 0.95} { // from day to day
		x, y := bivariate(r, 60*7, 0.12)
		for i := 1; i < len(x); i++ {
			x[i], y[i] = keep*x[i-1]+x[i], keep*y[i-1]+y[i]
		}
		inflation := valueInflation(x, y, 7, windows)
		null := &null{tables: productTables(slices.Clone(x), slices.Clone(y), 7, windows)}
		mean, _, observed := null.moments()
		drift := owed(observed-mean, valueDrift(x, y, 7, windows))
		m := MonteCarlo{Exceedances: 1000}
		for _, tc := range []struct {
			name  string
			got   MonteCarloResult
			drift float64
		}{
			{"Pearson", must(t)(m.Pearson(x, y, 7, windows)), drift},
			{"Test", must(t)(m.Test(x, y, 7, windows, Pearson)), 0},
		} {
			at := mean + (observed-mean)/math.Sqrt(inflation)
			if less := observed - tc.drift; math.Abs(less-mean) < math.Abs(at-mean) {
				at = less
			}
			want := 2 * min(null.upper(at), null.lower(at))
			share := tc.got.Drift * lengths(x, y)
			if math.Abs(tc.got.P-want) > 0.15*want || tc.got.Inflation != inflation || !near(share, tc.drift, 1e-9) {
				t.Errorf("keep %g, %s: p = %v by draws, %v by the saddlepoint, V %v, want %v, drift %v, want %v", keep, tc.name, tc.got.P, want, tc.got.Inflation, inflation, share, tc.drift)
			}
		}
		if keep > 0 && inflation < 1.2 {
			t.Errorf("V is %v: there is nothing to guard against", inflation)
		}
	}
}

// The drift is the excess of the products of straight lines: of lines alone it
// is all of it, at the ends of the record and beside a gap too, and of lines
// that are there in some slots only.
func TestValueDrift(t *testing.T) {
	const period = 3
	windows := append(weeks(5, 6), []int{33, 34, 36, 37, 40, 41})
	x, y := make([]float64, 42*period), make([]float64, 42*period)
	for i := range x {
		row, slot := float64(i/period), float64(i%period)
		x[i], y[i] = 3+slot*row, 2*slot-0.5*slot*row
	}
	a, b := gather(x, period, windows), gather(y, period, windows)
	want := 0.0
	for _, w := range windows {
		centre := 0.0
		for _, row := range w {
			centre += float64(row) / 6
		}
		for _, row := range w {
			for slot := range period {
				line := float64(slot) * (float64(row) - centre)
				want += line * -0.5 * line
			}
		}
	}
	if got := valueDrift(a, b, period, windows); !near(got, want, 1e-9*math.Abs(want)) {
		t.Errorf("lines: %v, want %v", got, want)
	}
	if got := valueDrift(a[:29*period], b[:29*period], period, append(weeks(4, 6), []int{24, 25, 26, 27, 28})); got != 0 {
		t.Errorf("of 29 rows: %v, want 0", got)
	}
	for i := range a {
		if i%period == 2 {
			a[i] = nan // the slot with the most of it
		}
	}
	if got := valueDrift(a, b, period, windows); !near(got, want/5, 1e-9*math.Abs(want)) {
		t.Errorf("lines with a slot missing: %v, want %v", got, want/5)
	}
}

// Ties of small counts must stay ties whatever the unit: sums in another order
// differ in their last bits.
func TestMonteCarloTies(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 10))
	for range 50 {
		x, y, scaled := make([]float64, 12), make([]float64, 12), make([]float64, 12)
		for i := range x {
			x[i], y[i] = float64(r.IntN(2)), float64(r.IntN(2))
			scaled[i] = 0.7 + 0.1*x[i]
		}
		windows := [][]int{{0, 1, 2, 3, 4, 5}, {6, 7, 8, 9, 10, 11}}
		m := MonteCarlo{Draws: 20_000, Exceedances: 20_000}
		a, b := must(t)(m.Pearson(x, y, 1, windows)), must(t)(m.Pearson(scaled, y, 1, windows))
		if !near(a.P, b.P, 0) {
			t.Fatalf("%v and %v: p = %v, in another unit %v", x, y, a.P, b.P)
		}
		if want := enumerated(x, y, 1, windows, Pearson); !math.IsNaN(a.P) && !near(a.P, want, 0.03) {
			t.Fatalf("%v and %v: p = %v, exact %v", x, y, a.P, want)
		}
	}
}

func FuzzMeasures(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 2)
	f.Add([]byte{0, 0, 0, 255, 255, 254, 253, 1}, -1)
	f.Fuzz(func(t *testing.T, data []byte, period int) {
		values := []float64{nan, 0, math.Copysign(0, -1), math.MaxFloat64, -math.MaxFloat64, 5e-324, math.Inf(1), math.Inf(-1)}
		n := min(len(data)/2, 100)
		x, y := make([]float64, n), make([]float64, n)
		read := func(b byte) float64 {
			if int(b) < len(values) {
				return values[b]
			}
			return float64(b % 16)
		}
		for i := range n {
			x[i], y[i] = read(data[2*i]), read(data[2*i+1])
		}
		MutualInformation(x, y)
		TimeWarp(x, y, period)
		for _, r := range []float64{Pearson(x, y), Spearman(x, y)} {
			if r < -1 || r > 1 {
				t.Errorf("correlation %v of %v and %v", r, x, y)
			}
		}
		rows := 0
		if period > 0 {
			rows = n / period
		}
		m := MonteCarlo{Draws: 50}
		for _, test := range []func() (MonteCarloResult, error){
			func() (MonteCarloResult, error) { return m.Pearson(x, y, period, weeks(rows/3, 3)) },
			func() (MonteCarloResult, error) { return m.Spearman(x, y, period, weeks(rows/3, 3)) },
			func() (MonteCarloResult, error) { return m.Test(x, y, period, weeks(rows/3, 3), Spearman) },
		} {
			if r, err := test(); err == nil && (r.P <= 0 || r.P > 1) {
				t.Errorf("p = %v of %v and %v", r.P, x, y)
			}
		}
	})
}

const hours = 26_208 // three years of weeks

func BenchmarkMeasures(b *testing.B) {
	x, y := bivariate(rand.New(rand.NewPCG(1, 1)), hours, 0.3)
	counts := make([]float64, hours)
	for i, v := range x {
		counts[i] = max(0, math.Floor(v))
	}
	for _, m := range []struct {
		name string
		f    func(x, y []float64) float64
		x    []float64
	}{
		{"Pearson", Pearson, x},
		{"PearsonOfGonum", func(x, y []float64) float64 { return stat.Correlation(x, y, nil) }, x},
		{"Spearman", Spearman, x},
		{"MutualInformation", MutualInformation, x},
		{"MutualInformationOfCounts", MutualInformation, counts},
		{"TimeWarp24", func(x, y []float64) float64 { return TimeWarp(x, y, 24) }, x},
	} {
		b.Run(m.name, func(b *testing.B) {
			for b.Loop() {
				m.f(m.x, y)
			}
		})
	}
}

func BenchmarkMonteCarlo(b *testing.B) {
	x, y := bivariate(rand.New(rand.NewPCG(1, 1)), hours, 0)
	strong, _ := bivariate(rand.New(rand.NewPCG(2, 1)), hours, 0)
	for i := range strong {
		strong[i] += x[i]
	}
	for _, tc := range []struct {
		name string
		y    []float64
	}{{"null", y}, {"strong", strong}} {
		b.Run("Pearson/"+tc.name, func(b *testing.B) {
			draws := 0
			for i := 0; b.Loop(); i++ {
				r, err := MonteCarlo{Seed: uint64(i)}.Pearson(x, tc.y, 168, weeks(26, 6))
				if err != nil {
					b.Fatal(err)
				}
				draws += r.Draws
			}
			b.ReportMetric(float64(draws)/float64(b.N), "draws/op")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(draws), "ns/draw")
		})
	}
	b.Run("Test/Pearson", func(b *testing.B) {
		for b.Loop() {
			if _, err := (MonteCarlo{Draws: 100}).Test(x, y, 168, weeks(26, 6), Pearson); err != nil {
				b.Fatal(err)
			}
		}
	})
}
