package relate

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"polygamy/datasets"
	"polygamy/topology"
)

// laplacianOf returns a multiple of the Laplacian of a graph, and ones added to
// the diagonal.
func laplacianOf(g *topology.Graph, ones, factor float64) *mat.SymDense {
	l := mat.NewSymDense(g.NumRegions(), nil)
	for r := range g.NumRegions() {
		l.SetSym(r, r, ones+factor*float64(len(g.Neighbours(r))))
		for _, s := range g.Neighbours(r) {
			l.SetSym(r, int(s), -factor)
		}
	}
	return l
}

// smoother returns a source of maps: white noise times (I + smooth*Laplacian)^-1,
// with variance 1.
func smoother(g *topology.Graph, smooth float64, rng *rand.Rand) func() []float64 {
	var factor mat.Cholesky
	if !factor.Factorize(laplacianOf(g, 1, smooth)) {
		panic("not positive definite")
	}
	return func() []float64 {
		noise := make([]float64, g.NumRegions())
		for i := range noise {
			noise[i] = rng.NormFloat64()
		}
		var x mat.VecDense
		if err := factor.SolveVecTo(&x, mat.NewVecDense(len(noise), noise)); err != nil {
			panic(err)
		}
		return standardised(x.RawVector().Data)
	}
}

// shuffledMaps is the naive p of a correlation: regions in random order.
func shuffledMaps(rng *rand.Rand, x, y []float64) float64 {
	x = slices.Clone(x)
	const draws = 199
	observed, extreme := math.Abs(Pearson(x, y)), 1
	for range draws {
		rng.Shuffle(len(x), func(i, j int) { x[i], x[j] = x[j], x[i] })
		extreme += b2i(math.Abs(Pearson(x, y)) >= observed)
	}
	return float64(extreme) / (draws + 1)
}

// mapRates returns the share of pairs of smooth maps, with a part r in common,
// that have p <= 0.05, and that of the naive test.
func mapRates(t *testing.T, g *topology.Graph, pairs int, smooth, r float64) (rate, naive float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 9))
	field, maps := smoother(g, smooth, rng), NewMaps(g)
	for range pairs {
		a, b := field(), field()
		for i := range b {
			b[i] = r*a[i] + math.Sqrt(1-r*r)*b[i]
		}
		result := maps.Test(a, b)
		if !result.Testable {
			t.Fatal(result.Reason)
		}
		rate += float64(b2i(result.P <= 0.05)) / float64(pairs)
		if r == 0 {
			naive += float64(b2i(shuffledMaps(rng, a, b) <= 0.05)) / float64(pairs)
		}
	}
	return rate, naive
}

// TestMapCalibration: smooth maps that know nothing of each other are called
// alike in about 5 % of 300 pairs, where shuffled regions call a third of them
// alike; maps with a common part are found.
func TestMapCalibration(t *testing.T) {
	file, err := os.Open("../topology/testdata/neighborhood-graph.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	neighborhoods, err := datasets.ReadGraph(file, "neighborhood-graph.txt")
	if err != nil {
		t.Fatal(err)
	}
	graphs := map[string]*topology.Graph{"grid": lattice(16, 16), "neighborhoods": neighborhoods}
	for name, g := range graphs {
		rate, naive := mapRates(t, g, 300, 3, 0)
		if rate < 0.02 || rate > 0.09 || naive < 0.3 {
			t.Errorf("%s: %.3f of unrelated maps have p <= 0.05, want 0.02 to 0.09; shuffled %.3f, want above 0.3", name, rate, naive)
		}
		some, _ := mapRates(t, g, 100, 3, 0.3)
		most, _ := mapRates(t, g, 100, 3, 0.6)
		if some < 0.25 || most < 0.9 {
			t.Errorf("%s: %.2f of maps with r = 0.3 are found, %.2f with r = 0.6; want 0.25 and 0.9", name, some, most)
		}
	}
}

// TestFlipTail compares with all combinations of signs, and with the exact
// distribution of many terms on a fine grid.
func TestFlipTail(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 4))
		terms := make([]float64, 1+rng.IntN(15))
		sum := 0.0
		for i := range terms {
			terms[i] = float64(rng.IntN(7) - 2) // with ties
			if seed%2 == 1 {
				terms[i] = rng.NormFloat64() / float64(i+1)
			}
			sum += terms[i]
		}
		count := 0
		for signs := range 1 << len(terms) {
			s := 0.0
			for i, c := range terms {
				s += c * float64(1-2*(signs>>i&1))
			}
			count += b2i(s >= math.Abs(sum)-1e-9)
		}
		want := float64(count) / float64(int(1)<<len(terms))
		tolerance := 1e-12
		if len(terms) > largestTerms {
			tolerance = 0.15
			if seed%2 == 0 {
				continue // the ties of whole numbers are not for the normal rest
			}
		}
		if got := flipTail(terms); math.Abs(got/want-1) > tolerance {
			t.Errorf("seed %d, %d terms: %g, want %g", seed, len(terms), got, want)
		}
	}
}

// latticeFlipTail is flipTail on terms that are rounded to 2^-14 of their sum,
// so that errors do not add up.
func latticeFlipTail(terms []float64) float64 {
	sizes, sum := 0.0, 0.0
	for _, c := range terms {
		sizes += math.Abs(c)
		sum += c
	}
	const steps = 1 << 14
	p := make([]float64, 2*steps+1) // of the part of the sizes that has the sign +
	p[0] = 1
	part, top := 0.0, 0
	for _, c := range terms {
		part += math.Abs(c)
		step := int(math.Round(part/sizes*steps)) - top
		for i := top; i >= 0; i-- {
			half := p[i] / 2
			p[i] -= half
			p[i+step] += half
		}
		top += step
	}
	tail := 0.0
	for i, q := range p {
		if float64(i) >= (math.Abs(sum)/sizes+1)/2*steps-0.5 {
			tail += q
		}
	}
	return tail
}

func TestFlipTailOfMaps(t *testing.T) {
	g := lattice(16, 16)
	part := NewMaps(g).whole
	worst := 0.0
	for _, smooth := range []float64{3, 30} {
		field := smoother(g, smooth, rand.New(rand.NewPCG(3, 3)))
		for range 20 {
			terms := part.products(field(), field())
			got, want := flipTail(terms), latticeFlipTail(terms)
			if want > 0.01 {
				worst = max(worst, math.Abs(got/want-1))
			}
		}
	}
	if worst > 0.02 {
		t.Errorf("p is off by %.2f %%, want 2 at most", 100*worst)
	}
}

// TestMapPartAgainstDefinitions compares Moran's I, the modified t and the
// products of the coefficients with their definitions.
func TestMapPartAgainstDefinitions(t *testing.T) {
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 8))
		g := lattice(3+rng.IntN(4), 4)
		n := g.NumRegions()
		field := smoother(g, 1, rng)
		x, y := field(), field()
		p := NewMaps(g).whole
		// Moran's I of values that have not mean 0: n/W sum w z z / sum z^2.
		raw, z := make([]float64, n), make([]float64, n)
		for i := range raw {
			raw[i] = 3 + 2*x[i]
		}
		sum, weights, squares := 0.0, 0.0, 0.0
		for i := range z {
			z[i] = raw[i] - 3
			squares += z[i] * z[i]
		}
		distance := slowDistances(g)
		for i := range n {
			for j := range n {
				if distance[i][j] == 1 {
					weights++
					sum += z[i] * z[j]
				}
			}
		}
		if want, got := float64(n)/weights*sum/squares, p.moran(standardised(raw)); math.Abs(got-want) > 1e-12 {
			t.Errorf("seed %d: Moran's I %g, want %g", seed, got, want)
		}
		if got, want := p.effectiveRegions(x, y), slowEffective(distance, x, y); math.Abs(got/want-1) > 1e-9 {
			t.Errorf("seed %d: %g effective regions, want %g", seed, got, want)
		}
		result := NewMaps(g).Test(x, y)
		free := slowEffective(distance, x, y) - 2
		r := Pearson(x, y)
		two := 2 * distuv.StudentsT{Sigma: 1, Nu: free}.CDF(-math.Abs(r)*math.Sqrt(free/(1-r*r)))
		if math.Abs(result.PModified/two-1) > 1e-9 || math.Abs(result.Correlation-r) > 1e-12 {
			t.Errorf("seed %d: modified t %g of %g, want %g of %g", seed, result.PModified, result.Correlation, two, r)
		}
		if flip := min(1, 2*latticeFlipTail(p.products(x, y))); math.Abs(result.PFlip/flip-1) > 0.05 {
			t.Errorf("seed %d: sign flips %g, want %g", seed, result.PFlip, flip)
		}
		total, dot := 0.0, 0.0
		for _, c := range p.products(x, y) {
			total += c
		}
		for i := range x {
			dot += x[i] * y[i]
		}
		if math.Abs(total-dot) > 1e-9 {
			t.Errorf("seed %d: coefficients have the product %g, the maps %g", seed, total, dot)
		}
	}
}

// slowDistances relaxes until nothing changes.
func slowDistances(g *topology.Graph) [][]int {
	n := g.NumRegions()
	d := make([][]int, n)
	for i := range d {
		d[i] = slices.Repeat([]int{n}, n)
		d[i][i] = 0
	}
	for range n {
		for i := range n {
			for j := range n {
				for _, s := range g.Neighbours(j) {
					d[i][j] = min(d[i][j], d[i][s]+1)
				}
			}
		}
	}
	return d
}

// slowEffective is Dutilleul's formula in matrices.
func slowEffective(distance [][]int, x, y []float64) float64 {
	n := len(x)
	covariance := func(v []float64) *mat.Dense {
		m := mat.NewDense(n, n, nil)
		for d := range n {
			sum, pairs := 0.0, 0.0
			for i := range n {
				for j := range n {
					if distance[i][j] == d {
						sum += v[i] * v[j]
						pairs++
					}
				}
			}
			for i := range n {
				for j := range n {
					if distance[i][j] == d {
						m.Set(i, j, sum/pairs)
					}
				}
			}
		}
		return m
	}
	centre := mat.NewDense(n, n, nil)
	for i := range n {
		for j := range n {
			centre.Set(i, j, float64(b2i(i == j))-1/float64(n))
		}
	}
	var ba, bc, both mat.Dense
	ba.Mul(centre, covariance(x))
	bc.Mul(centre, covariance(y))
	both.Mul(&ba, &bc)
	v := mat.Trace(&both) / (mat.Trace(&ba) * mat.Trace(&bc))
	if v*float64(n-1) <= 1 {
		return float64(n)
	}
	return 1 + 1/v
}

// TestMapInvariances: the result does not depend on units, sign, the order of
// the maps, or the numbers of the regions, although the grid's eigenvectors of
// equal eigenvalue may then be others.
func TestMapInvariances(t *testing.T) {
	const side = 6
	g := lattice(side, side)
	field := smoother(g, 2, rand.New(rand.NewPCG(7, 7)))
	a, b := field(), field()
	maps := NewMaps(g)
	want := maps.Test(a, b)
	scaled, turnedA, turnedB := make([]float64, len(a)), make([]float64, len(a)), make([]float64, len(a))
	for i := range a {
		scaled[i] = 100 - 7*a[i]
		turned := i%side*side + side - 1 - i/side // a quarter turn of the grid
		turnedA[turned], turnedB[turned] = a[i], b[i]
	}
	for name, got := range map[string]*MapResult{
		"scaled": maps.Test(scaled, b), "swapped": maps.Test(b, a), "turned": maps.Test(turnedA, turnedB),
	} {
		if math.Abs(math.Abs(got.Correlation)-math.Abs(want.Correlation)) > 1e-12 || math.Abs(got.PFlip/want.PFlip-1) > 1e-6 ||
			math.Abs(got.PModified/want.PModified-1) > 1e-6 || math.Abs(got.MoranA+got.MoranB-want.MoranA-want.MoranB) > 1e-12 {
			t.Errorf("%s: %+v, want %+v", name, *got, *want)
		}
	}
}

// TestMissingRegions: regions without a value change the Laplacian as if one
// eliminated them by hand, leave distances as they are, and do not take the
// graph apart.
func TestMissingRegions(t *testing.T) {
	// A path 0-1-2 with the middle eliminated is one edge of half the weight.
	if l := reducedLaplacian(lattice(3, 1), []int{0, 2}, []int{1}); math.Abs(l.At(0, 0)-0.5) > 1e-12 || math.Abs(l.At(0, 1)+0.5) > 1e-12 {
		t.Errorf("a path without its middle: %v", mat.Formatted(l))
	}
	// The pseudo-inverse of the whole Laplacian, between the regions that are
	// left and up to constants, is that of the reduced one: potentials where no
	// current flows in or out. So L_reduced * (pinv L)[kept] * L_reduced = L_reduced.
	g := lattice(5, 4)
	var kept, missing []int
	for r := range 20 {
		if r == 6 || r == 7 || r == 13 {
			missing = append(missing, r)
		} else {
			kept = append(kept, r)
		}
	}
	full := laplacianOf(g, 0, 1)
	for i := range 20 {
		for j := i; j < 20; j++ {
			full.SetSym(i, j, full.At(i, j)+1.0/20) // removes the null space
		}
	}
	var inverse, inner, both mat.Dense
	if err := inverse.Inverse(full); err != nil {
		t.Fatal(err)
	}
	part := mat.NewDense(len(kept), len(kept), nil)
	for i, r := range kept {
		for j, s := range kept {
			part.Set(i, j, inverse.At(r, s))
		}
	}
	reduced := reducedLaplacian(g, kept, missing)
	inner.Mul(reduced, part)
	both.Mul(&inner, reduced)
	if !mat.EqualApprox(&both, reduced, 1e-10) {
		t.Errorf("reduced Laplacian %v", mat.Formatted(reduced))
	}
	far := distances(g, kept)
	slow := slowDistances(g)
	for i, r := range kept {
		for j, s := range kept {
			if int(far[i*len(kept)+j]) != slow[r][s] {
				t.Fatalf("%d steps from %d to %d, want %d", far[i*len(kept)+j], r, s, slow[r][s])
			}
		}
	}
}

// TestWallsAndIslands: missing regions across the graph do not take it apart, a
// region that is no one's neighbour is left out.
func TestWallsAndIslands(t *testing.T) {
	g := lattice(8, 8)
	field := smoother(g, 2, rand.New(rand.NewPCG(8, 8)))
	a, b := field(), field()
	for r := 24; r < 32; r++ {
		a[r] = math.NaN()
	}
	if got := NewMaps(g).Test(a, b); !got.Testable || got.Regions != 56 || got.LeftOut != 0 || !(got.P > 0 && got.P <= 1) {
		t.Errorf("a wall: %+v", *got)
	}
	// An island of one region beside eleven.
	var edges [][2]int
	for r := range 10 {
		edges = append(edges, [2]int{r, r + 1})
	}
	coast, err := topology.NewGraph(12, edges)
	if err != nil {
		t.Fatal(err)
	}
	got := NewMaps(coast).Test(a[:12], b[:12])
	want := NewMaps(lattice(11, 1)).Test(a[:11], b[:11])
	if got.LeftOut != 1 || want.LeftOut != 0 || got.Regions != 11 || math.Abs(got.P/want.P-1) > 1e-9 {
		t.Errorf("an island: %+v, want %+v", *got, *want)
	}
}

func TestUntestableMaps(t *testing.T) {
	ramp := func(n int) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = float64(i % 7)
		}
		return v
	}
	with := func(n, at int, x float64) []float64 {
		v := ramp(n)
		v[at] = x
		return v
	}
	pieces, err := topology.NewGraph(12, [][2]int{{0, 1}, {1, 2}, {2, 3}, {3, 4}, {5, 6}, {6, 7}, {7, 8}, {8, 9}, {9, 10}, {10, 11}})
	if err != nil {
		t.Fatal(err)
	}
	isolated, err := topology.NewGraph(12, nil)
	if err != nil {
		t.Fatal(err)
	}
	empty, err := topology.NewGraph(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name   string
		g      *topology.Graph
		a, b   []float64
		reason string
	}{
		{"no regions", empty, nil, nil, "both maps cover 0 regions; a test needs 10"},
		{"few regions", lattice(3, 3), ramp(9), ramp(9), "both maps cover 9 regions; a test needs 10"},
		{"no values", lattice(4, 4), slices.Repeat([]float64{math.NaN()}, 16), ramp(16), "both maps cover 0 regions; a test needs 10"},
		{"pieces", pieces, ramp(12), ramp(12), "the graph is in pieces, the largest with 7 of the 12 regions that both maps cover"},
		{"isolated regions", isolated, ramp(12), ramp(12), "the graph is in pieces, the largest with 1 of the 12 regions that both maps cover"},
		{"constant", lattice(4, 4), ramp(16), slices.Repeat([]float64{0.1}, 16), "the second map is constant, or too large to square"},
		{"huge", lattice(4, 4), with(16, 3, 1e300), ramp(16), "the first map is constant, or too large to square"},
		{"infinite", lattice(4, 4), ramp(16), with(16, 3, math.Inf(-1)), "region 3 has an infinite value"},
		{"too many without a value", lattice(3000, 1), slices.Concat(ramp(20), slices.Repeat([]float64{math.NaN()}, 2980)), ramp(3000), "a graph of 3000 regions is too large to find the eigenvectors of; the most is 600"},
		{"too many", lattice(3000, 1), ramp(3000), ramp(3000), "a graph of 3000 regions is too large to find the eigenvectors of; the most is 600"},
	} {
		if r := NewMaps(tc.g).Test(tc.a, tc.b); r.Testable || r.Reason != tc.reason || !math.IsNaN(r.P) {
			t.Errorf("%s: testable %t, reason %q, want %q", tc.name, r.Testable, r.Reason, tc.reason)
		}
	}
}

// TestMapsNeverZero: p-values too small for a float64, and those of equal and of
// opposite maps, are positive all the same.
func TestMapsNeverZero(t *testing.T) {
	for _, n := range []int{3, 40, 1600, 2047} {
		terms := slices.Repeat([]float64{1}, n)
		// One combination of signs in 2^n attains the sum, or the smallest p.
		if p := flipTail(terms); !(p >= math.Ldexp(1, -n) && p >= math.SmallestNonzeroFloat64 && p < 0.2) {
			t.Errorf("%d equal terms: %g", n, p)
		}
	}
	for _, regions := range []float64{3, 20, 256, 600} {
		for _, r := range []float64{-1, -1 + 1e-15, 1} {
			if p := modifiedT(r, regions); !(p > 0 && p < 0.01) {
				t.Errorf("a correlation of %g of %g regions: p %g", r, regions, p)
			}
		}
	}
	rng := rand.New(rand.NewPCG(1, 41))
	a, b := make([]float64, 144), make([]float64, 144)
	for i := range a {
		a[i] = rng.NormFloat64()
		b[i] = -3 * a[i]
	}
	maps := NewMaps(lattice(12, 12))
	for name, other := range map[string][]float64{"equal": a, "opposite": b} {
		if r := maps.Test(a, other); !(r.PFlip > 0 && r.PModified > 0 && r.P > 0 && r.P < 1e-9) {
			t.Errorf("%s maps: %+v", name, *r)
		}
	}
}

// TestSmoothMaps: a ramp is as smooth as maps can be, and warns.
func TestSmoothMaps(t *testing.T) {
	g := lattice(12, 12)
	a, b := make([]float64, 144), make([]float64, 144)
	for i := range a {
		a[i], b[i] = float64(i%12), float64(i%12+i/12)
	}
	if r := NewMaps(g).Test(a, b); !r.Smooth || r.MoranA < 0.85 {
		t.Errorf("ramps: %+v", *r)
	}
	field := smoother(g, 3, rand.New(rand.NewPCG(1, 1)))
	if r := NewMaps(g).Test(a, field()); r.Smooth {
		t.Errorf("a ramp and noise: %+v", *r)
	}
}

// TestShares compares with a count of the cells.
func TestShares(t *testing.T) {
	const regions, slots = 5, 30
	s := randomSigns(rand.New(rand.NewPCG(1, 5)), 20, regions*slots, 0.2, 0.1)
	for w := range s {
		for c := range s[w] {
			if c%regions == 3 {
				s[w][c] = 9
			}
		}
	}
	positive, negative := s.marks(7).Shares(regions)
	for r := range regions {
		up, down, valid := 0, 0, 0
		for w := range s {
			for c := r; c < len(s[w]); c += regions {
				up += b2i(s[w][c] == 1)
				down += b2i(s[w][c] == -1)
				valid += b2i(s[w][c] != 9)
			}
		}
		if r == 3 {
			if !math.IsNaN(positive[r]) || !math.IsNaN(negative[r]) {
				t.Errorf("a region without data has shares %g and %g", positive[r], negative[r])
			}
			continue
		}
		if positive[r] != float64(up)/float64(valid) || negative[r] != float64(down)/float64(valid) {
			t.Errorf("region %d: shares %g and %g, want %d and %d of %d", r, positive[r], negative[r], up, down, valid)
		}
	}
	if p := func() (p any) { defer func() { p = recover() }(); s.marks(0).Shares(7); return nil }(); p == nil || !strings.Contains(p.(string), "150 cells in 7 regions") {
		t.Errorf("rows that are no whole number of slots: %v", p)
	}
}
