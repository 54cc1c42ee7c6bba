package relate

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"polygamy/topology"
)

// Maps tests static maps of one region graph: are two functions high in the
// same places, always? That is a question of its own. [Test] keeps both maps as
// they are, so it cannot see it, and the p-values here are never part of the
// control of false discoveries of [Tree]: every null of space is somewhat
// liberal, and a city has one map only.
//
// The null hypothesis: given how smooth each map is on the graph, where one of
// them is high knows nothing of where the other is. Maps may be used from
// several goroutines.
type Maps struct {
	graph *topology.Graph
	whole *mapPart // nil unless the graph is connected and of a size to be tested
}

// A MapResult is the test of two maps.
type MapResult struct {
	Testable bool
	Reason   string // why it is not testable
	Regions  int    // compared
	LeftOut  int    // covered by both maps, but in another part of the graph

	Correlation    float64 // Pearson's r; NaN if there is none
	MoranA, MoranB float64 // Moran's I of each map: 0 has no order in space, 1 is smooth
	// Smooth says that I is above 0.85 in both maps: so few regions are then
	// independent that P may be too small, and a small P is weak evidence.
	Smooth    bool
	Effective float64 // independent regions that the modified t counts

	// The p-values are never 0: those too small for a float64 are the smallest
	// that there is, as is PModified of maps that are multiples of each other.
	PFlip     float64 // two-sided, by sign flips of the Laplacian's coefficients
	PModified float64 // two-sided, by the modified t
	P         float64 // the larger of both; NaN if not testable
}

const (
	minRegions = 10
	// maxRegions is with or without a value. The time of eigenvectors grows with
	// the cube of the regions and cannot be cut short: 0.6 s for 576, 94 s for
	// 2,025, and the same again for each pair of maps that lack a region.
	maxRegions = 600
	// partShare of the regions has to be in one part of the graph for that part
	// to stand for the map.
	partShare   = 0.9
	smoothMoran = 0.85
	// equalEigenvalues is how far apart equal eigenvalues can be, in units of
	// the largest: rounding is 1e-13 for some hundreds of regions.
	equalEigenvalues = 1e-10
	// largestTerms coefficients have their signs tried in all combinations; see
	// flipTail.
	largestTerms = 12
)

// NewMaps prepares tests on a region graph.
//
// Cost: O(n^3) for n regions, 0.1 s for 256 and 0.6 s for 576; nothing above 600,
// which are not tested.
func NewMaps(g *topology.Graph) *Maps {
	m := &Maps{graph: g}
	n := g.NumRegions()
	regions, missing := richestPart(g, slices.Repeat([]bool{true}, n))
	if n >= minRegions && n <= maxRegions && len(regions) == n {
		m.whole = newMapPart(g, regions, missing)
	}
	return m
}

// Test compares two maps, of shape [regions], in any unit; NaN is a region
// without a value. Regions that both cover are compared, in the connected part
// of the graph that has most of them, if it has nine in ten. Regions without a
// value still lie between others: they count in distances, and the Laplacian
// is what is left of the graph's when they are eliminated, as the values there
// would be integrated out of a random field.
//
// P is the larger of two p-values, each of which is alone too small on some
// kinds of maps. The Laplacian sign flip writes both maps in the eigenvectors
// of the graph's Laplacian, which go from smooth to rough, and gives the
// products of their coefficients random signs; eigenvectors of equal eigenvalue
// keep a sign in common, so that the result does not depend on their choice. It
// keeps how much of each map is smooth. The modified t counts independent
// regions by how like each other regions k steps apart are in both maps
// (Clifford, Richardson and Hémon, Biometrics 45, 1989; Dutilleul, Biometrics
// 49, 1993). Both are invariant under scale and sign.
//
// Maps that cannot be tested get a reason: fewer than 10 regions, more than
// 600, a graph in pieces, a constant map, an infinite value. Test panics if
// the lengths are not the number of regions. Cost: O(n^2); O(n^3) if a region
// is missing, as the eigenvectors are then others.
func (m *Maps) Test(a, b []float64) *MapResult {
	if n := m.graph.NumRegions(); len(a) != n || len(b) != n {
		panic(fmt.Sprintf("relate: maps of %d and %d values on a graph of %d regions", len(a), len(b), n))
	}
	none := math.NaN()
	r := &MapResult{Correlation: none, MoranA: none, MoranB: none, Effective: none, PFlip: none, PModified: none, P: none}
	regions, missing := r.choose(m.graph, a, b)
	if r.Reason != "" {
		return r
	}
	part := m.whole
	if len(regions) < len(a) {
		part = newMapPart(m.graph, regions, missing)
	}
	if part == nil {
		r.Reason = "the eigenvectors of the graph cannot be found"
		return r
	}
	x, y := standardised(pickRegions(a, regions)), standardised(pickRegions(b, regions))
	r.Testable = true
	r.Correlation = min(max(floats.Dot(x, y)/float64(len(x)), -1), 1)
	r.MoranA, r.MoranB = part.moran(x), part.moran(y)
	r.Smooth = r.MoranA > smoothMoran && r.MoranB > smoothMoran
	r.PFlip = min(1, 2*flipTail(part.products(x, y)))
	r.Effective = part.effectiveRegions(x, y)
	r.PModified = modifiedT(r.Correlation, r.Effective)
	r.P = max(r.PFlip, r.PModified)
	return r
}

// choose returns the regions to compare and those without a value in the same
// part of the graph, both ascending, or sets the reason why none can be.
func (r *MapResult) choose(g *topology.Graph, a, b []float64) (regions, missing []int) {
	covered := make([]bool, len(a))
	n := 0
	for i := range a {
		if math.IsInf(a[i], 0) || math.IsInf(b[i], 0) {
			r.Reason = fmt.Sprintf("region %d has an infinite value", i)
			return nil, nil
		}
		if covered[i] = a[i] == a[i] && b[i] == b[i]; covered[i] {
			n++
		}
	}
	regions, missing = richestPart(g, covered)
	r.Regions, r.LeftOut = len(regions), n-len(regions)
	switch x, y := pickRegions(a, regions), pickRegions(b, regions); {
	case float64(len(regions)) < partShare*float64(n):
		r.Reason = fmt.Sprintf("the graph is in pieces, the largest with %d of the %d regions that both maps cover", len(regions), n)
	case len(regions) < minRegions:
		r.Reason = fmt.Sprintf("both maps cover %d regions; a test needs %d", len(regions), minRegions)
	case len(regions)+len(missing) > maxRegions:
		r.Reason = fmt.Sprintf("a graph of %d regions is too large to find the eigenvectors of; the most is %d", len(regions)+len(missing), maxRegions)
	case standardised(x) == nil:
		r.Reason = "the first map is constant, or too large to square"
	case standardised(y) == nil:
		r.Reason = "the second map is constant, or too large to square"
	}
	return regions, missing
}

func pickRegions(v []float64, regions []int) []float64 {
	picked := make([]float64, len(regions))
	for i, r := range regions {
		picked[i] = v[r]
	}
	return picked
}

// Shares returns the share of each region's valid cells that are positive
// features, and that are negative ones: the maps of a function. Both have shape
// [regions]; a region without a valid cell has NaN. Shares panics if the rows
// are no whole number of slots.
func (m *Marks) Shares(regions int) (positive, negative []float64) {
	if regions < 1 || m.Cells%regions != 0 {
		panic(fmt.Sprintf("relate: shares of rows of %d cells in %d regions", m.Cells, regions))
	}
	positive, negative = make([]float64, regions), make([]float64, regions)
	valid := make([]float64, regions)
	for row := m.First; row < m.First+m.Rows; row++ {
		for _, plane := range []struct {
			words  []uint64
			counts []float64
		}{{m.row(m.Positive, row), positive}, {m.row(m.Negative, row), negative}, {m.valid(row), valid}} {
			for i, w := range plane.words {
				for ; w != 0; w &= w - 1 {
					plane.counts[(64*i+bits.TrailingZeros64(w))%regions]++
				}
			}
		}
	}
	floats.Div(positive, valid) // 0/0 is NaN
	floats.Div(negative, valid)
	return positive, negative
}

// richestPart returns the regions of the connected part of the graph that has
// most covered ones, those that are covered and those that are not, ascending;
// of two as rich that with the lower region.
func richestPart(g *topology.Graph, covered []bool) (regions, missing []int) {
	seen := make([]bool, len(covered))
	for first := range covered {
		if seen[first] {
			continue
		}
		part := []int{first}
		seen[first] = true
		var in, out []int
		for i := 0; i < len(part); i++ {
			if r := part[i]; covered[r] {
				in = append(in, r)
			} else {
				out = append(out, r)
			}
			for _, s := range g.Neighbours(part[i]) {
				if !seen[s] {
					seen[s] = true
					part = append(part, int(s))
				}
			}
		}
		if len(in) > len(regions) {
			regions, missing = in, out
		}
	}
	slices.Sort(regions)
	slices.Sort(missing)
	return regions, missing
}

// A mapPart is a connected part of a graph and what the tests need of it. Its
// regions are numbered in the order of those with a value.
type mapPart struct {
	vectors  *mat.Dense // eigenvectors of the Laplacian in columns, but for the constant
	blocks   []int      // block k of equal eigenvalues is columns blocks[k-1] to blocks[k]-1
	distance []int32    // steps on the graph between two regions, shape [n*n]
	farthest int32
}

// newMapPart returns nil if the eigenvectors cannot be found.
func newMapPart(g *topology.Graph, regions, missing []int) *mapPart {
	laplacian := reducedLaplacian(g, regions, missing)
	var eigen mat.EigenSym
	if laplacian == nil || !eigen.Factorize(laplacian, true) {
		return nil
	}
	p := &mapPart{distance: distances(g, regions)}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	p.vectors = mat.DenseCopyOf(vectors.Slice(0, len(regions), 1, len(regions))) // the first is the constant
	values := eigen.Values(nil)[1:]
	for k := range values {
		if k+1 == len(values) || values[k+1]-values[k] > equalEigenvalues*values[len(values)-1] {
			p.blocks = append(p.blocks, k+1)
		}
	}
	p.farthest = slices.Max(p.distance)
	return p
}

// reducedLaplacian returns the Laplacian of the regions after the missing ones
// are eliminated: L - M' N^-1 M, with N the rows and columns of the missing
// regions and M their rows of the others (Kron reduction). It is nil if the
// elimination fails, which rounding alone could make it do.
func reducedLaplacian(g *topology.Graph, regions, missing []int) *mat.SymDense {
	at := make(map[int]int, len(regions)+len(missing)) // place among the regions, or from -1 down among the missing
	for i, r := range regions {
		at[r] = i
	}
	for i, r := range missing {
		at[r] = -1 - i
	}
	laplacian := mat.NewSymDense(len(regions), nil)
	for i, r := range regions {
		laplacian.SetSym(i, i, float64(len(g.Neighbours(r))))
		for _, s := range g.Neighbours(r) {
			if j := at[int(s)]; j >= 0 {
				laplacian.SetSym(i, j, -1)
			}
		}
	}
	if len(missing) == 0 {
		return laplacian
	}
	among, across := mat.NewSymDense(len(missing), nil), mat.NewDense(len(missing), len(regions), nil)
	for i, r := range missing {
		among.SetSym(i, i, float64(len(g.Neighbours(r))))
		for _, s := range g.Neighbours(r) {
			if j := at[int(s)]; j >= 0 {
				across.Set(i, j, -1)
			} else {
				among.SetSym(i, -1-j, -1)
			}
		}
	}
	var factor mat.Cholesky
	var solved, carried mat.Dense
	if !factor.Factorize(among) || factor.SolveTo(&solved, across) != nil {
		return nil
	}
	carried.Mul(across.T(), &solved)
	for i := range regions {
		for j := i; j < len(regions); j++ {
			laplacian.SetSym(i, j, laplacian.At(i, j)-carried.At(i, j))
		}
	}
	return laplacian
}

// distances returns the steps on the graph between all pairs of some regions of
// one part, shape [n*n].
func distances(g *topology.Graph, regions []int) []int32 {
	n := len(regions)
	d := make([]int32, 0, n*n)
	steps := make([]int32, g.NumRegions())
	queue := make([]int32, 0, g.NumRegions())
	for _, from := range regions {
		for i := range steps {
			steps[i] = -1
		}
		steps[from] = 0
		queue = append(queue[:0], int32(from))
		for i := 0; i < len(queue); i++ {
			for _, s := range g.Neighbours(int(queue[i])) {
				if steps[s] < 0 {
					steps[s] = steps[queue[i]] + 1
					queue = append(queue, s)
				}
			}
		}
		for _, to := range regions {
			d = append(d, steps[to])
		}
	}
	return d
}

// products returns, for each block of eigenvectors, the product of what two
// maps have in it. Their sum is the product of the maps.
func (p *mapPart) products(x, y []float64) []float64 {
	var a, b mat.VecDense
	a.MulVec(p.vectors.T(), mat.NewVecDense(len(x), x))
	b.MulVec(p.vectors.T(), mat.NewVecDense(len(y), y))
	products := make([]float64, len(p.blocks))
	first := 0
	for k, end := range p.blocks {
		for ; first < end; first++ {
			products[k] += a.AtVec(first) * b.AtVec(first)
		}
	}
	return products
}

// flipTail returns the probability that a sum of terms with random signs is at
// least as large as the sum of the terms is in size.
//
// In smooth maps a few terms outweigh all others, so that the sum is far from
// normal and a saddlepoint can be off by a third. The signs of the twelve largest
// terms are tried in all combinations, and the sum of the others is taken for
// normal, which it is nearly: on maps of 256 regions the result is within 1 %
// of the exact one down to 0.01, and too large below 1e-5. With at most twelve
// terms it is exact. The signs of the data are one combination, so that the
// result is positive.
func flipTail(terms []float64) float64 {
	sum := math.Abs(floats.Sum(terms))
	sizes := make([]float64, len(terms))
	for i, c := range terms {
		sizes[i] = math.Abs(c)
	}
	slices.Sort(sizes)
	slices.Reverse(sizes)
	large := sizes[:min(largestTerms, len(sizes))]
	rest := floats.Norm(sizes[len(large):], 2)
	const rounding = 1e-12
	smallest := rounding * floats.Sum(sizes)
	combinations := 1 << len(large)
	p := 0.0
	for signs := range combinations {
		part := 0.0
		for i, c := range large {
			if signs>>i&1 == 0 {
				part += c
			} else {
				part -= c
			}
		}
		switch {
		case rest > smallest:
			p += normalUpper((sum - part) / rest)
		case part >= sum-smallest:
			p++
		}
	}
	return max(p/float64(combinations), math.Ldexp(1, -len(terms)), math.SmallestNonzeroFloat64)
}

// moran returns Moran's I of a standardised map, adjacent regions having
// weight 1 (Moran, Biometrika 37, 1950); NaN if no regions are adjacent.
func (p *mapPart) moran(x []float64) float64 {
	n := len(x)
	sum, pairs := 0.0, 0.0
	for i := range n {
		for j, d := range p.distance[i*n:][:n] {
			if d == 1 {
				sum += x[i] * x[j]
				pairs++
			}
		}
	}
	return sum / pairs
}

// covariances returns the mean product of a standardised map's values at each
// distance, 0 at one at which no two regions are.
func (p *mapPart) covariances(x []float64) []float64 {
	n := len(x)
	sum, pairs := make([]float64, p.farthest+1), make([]float64, p.farthest+1)
	for i := range n {
		for j, d := range p.distance[i*n:][:n] {
			sum[d] += x[i] * x[j]
			pairs[d]++
		}
	}
	for d, n := range pairs {
		sum[d] /= max(n, 1)
	}
	return sum
}

// effectiveRegions returns the number of independent regions at which the
// correlation of two standardised maps would vary as it does: 1 + 1/V, with
//
//	V = tr(B A B C) / (tr(B A) tr(B C))
//
// where A and C are the covariances of the maps by distance and B removes the
// mean (Dutilleul 1993). As a standardised map sums to 0, so do its covariances
// over all pairs of the n regions, and both traces below the line are n. The
// result is at most n.
func (p *mapPart) effectiveRegions(x, y []float64) float64 {
	n := len(x)
	a, c := p.covariances(x), p.covariances(y)
	above := 0.0
	for i := range n {
		rowA, rowC := 0.0, 0.0
		for _, d := range p.distance[i*n:][:n] {
			rowA += a[d]
			rowC += c[d]
			above += a[d] * c[d]
		}
		above -= 2 * rowA * rowC / float64(n)
	}
	size := float64(n)
	// Covariances that are estimated may be those of no map, and the trace be
	// less than that of independent values, or negative.
	if above*(size-1) <= size*size {
		return size
	}
	return 1 + size*size/above
}

// modifiedT returns the two-sided p of a correlation of so many independent
// regions, 1 if they are too few for a degree of freedom. A correlation of 1 or
// -1 has none but 0, instead of which it gets the smallest positive number.
func modifiedT(r, regions float64) float64 {
	free := regions - 2
	if free <= 0 {
		return 1
	}
	t := math.Abs(r) * math.Sqrt(free/max(1-r*r, math.SmallestNonzeroFloat64))
	p := 2 * distuv.StudentsT{Mu: 0, Sigma: 1, Nu: free}.Survival(t)
	return min(max(p, math.SmallestNonzeroFloat64), 1)
}
