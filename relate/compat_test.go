package relate

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const compatFolder = "testdata/compat"

// A compatVector is a line of relationships.jsonl.
type compatVector struct {
	A, B, Kind, Spatial, Temporal, Randomization, Result string

	Score, Strength float32
	Match           int
	MatchPos        int       `json:"match_pos"`
	MatchNeg        int       `json:"match_neg"`
	PosPos          int       `json:"pos_pos"`
	NegNeg          int       `json:"neg_neg"`
	PosNeg          int       `json:"pos_neg"`
	NegPos          int       `json:"neg_pos"`
	PosNon          int       `json:"pos_non"`
	NegNon          int       `json:"neg_non"`
	NonPos          int       `json:"non_pos"`
	NonNeg          int       `json:"non_neg"`
	Steps           int       `json:"overlap_steps"`
	Exact           *float64  `json:"p_exact_all_shifts"`
	Shifts          int       `json:"shifts"`
	Unmatched       int       `json:"shifts_without_match"`
	Printed         []float64 `json:"p_as_printed"`
	Estimates       []float64 `json:"p_without_early_stop"`
	MainOrigins     []int     `json:"main_origin"`
	Origins         *struct {
		Regions     int
		FixedPoints float64     `json:"fixed_points_mean"`
		Least       float64     `json:"p_min"`
		Mean        float64     `json:"p_mean"`
		Most        float64     `json:"p_max"`
		ByMain      [][]float64 `json:"p_by_main_origin"`
	} `json:"all_origins"`
}

// compatEvents reads an event set.
func compatEvents(t testing.TB, name, kind, temporal string) *CompatEvents {
	t.Helper()
	path := filepath.Join(compatFolder, name+".events.csv")
	file, err := os.Open(path)
	var r io.Reader = file
	if errors.Is(err, fs.ErrNotExist) {
		if file, err = os.Open(path + ".gz"); err == nil {
			r, err = gzip.NewReader(file)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	var start, end int
	var rows []string
	for lines.Scan() {
		line := lines.Text()
		if i := strings.Index(line, "start="); i >= 0 {
			if _, err := fmt.Sscanf(line[i:], "start=%d end=%d", &start, &end); err != nil {
				t.Fatal(err)
			}
		}
		if fields := strings.Split(line, ","); fields[0] == kind {
			rows = append(rows, fields[2])
		}
	}
	if err := lines.Err(); err != nil || len(rows) == 0 {
		t.Fatalf("%s: %d rows of class %s, %v", path, len(rows), kind, err)
	}
	length := map[string]int{"hour": 3600, "day": 86400}[temporal]
	if steps := (end-start)/length + 1; steps != len(rows[0]) {
		t.Fatalf("%s: %d steps of a %s, %d signs", path, steps, temporal, len(rows[0]))
	}
	e, err := NewCompatEvents(compatSigns(rows), len(rows), start/length)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// compatSigns reads signs, a string of one character a step for each region.
func compatSigns(rows []string) []int8 {
	var signs []int8
	for at := range rows[0] {
		for _, row := range rows {
			signs = append(signs, int8(strings.IndexByte("-.+", row[at])-1))
		}
	}
	return signs
}

func compatGraph(t testing.TB, path string) *CompatGraph {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var numbers []int
	for _, field := range strings.Fields(string(text)) {
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, n)
	}
	var edges [][2]int
	for e := range slices.Chunk(numbers[2:], 2) {
		edges = append(edges, [2]int{e[0], e[1]})
	}
	g, err := NewCompatGraph(numbers[0], edges)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// neighborhoods is the graph that comes with the reference.
func neighborhoods(t testing.TB) *CompatGraph {
	return compatGraph(t, "../topology/testdata/neighborhood-graph.txt")
}

// TestCompatVectors holds the compatible mode against every recorded
// relationship of the reference.
func TestCompatVectors(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(compatFolder, "relationships.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	graphs := map[string]*CompatGraph{"nbhd3d": neighborhoods(t), "grid3d": compatGraph(t, filepath.Join(compatFolder, "grid3d/grid16.graph.txt"))}
	covered := map[string]int{}
	for line := range strings.Lines(string(text)) {
		var v compatVector
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		t.Run(strings.Join([]string{v.A, v.B, v.Kind, v.Randomization}, " "), func(t *testing.T) {
			f, g := compatEvents(t, v.A, v.Kind, v.Temporal), compatEvents(t, v.B, v.Kind, v.Temporal)
			graph := graphs[filepath.Dir(v.A)]
			if v.Randomization == "complete" {
				graph = nil // the same counts; random permutations of all regions are not enumerated
			}
			mains := v.mains()
			r, err := compat(context.Background(), f, g, graph, mains)
			if err != nil {
				t.Fatal(err)
			}
			covered[v.check(t, r, mains)]++
		})
	}
	want := map[string]int{"no overlap": 1, "city": 11, "regions": 9, "counts alone": 2}
	t.Logf("relationships by what was compared: %v", covered)
	for kind, n := range want {
		if covered[kind] != n {
			t.Errorf("%d relationships of kind %q, want %d", covered[kind], kind, n)
		}
	}
}

// mains returns the main origins that the vectors know of.
func (v *compatVector) mains() (mains []int) {
	mains = slices.Clone(v.MainOrigins)
	if v.Origins != nil {
		for _, o := range v.Origins.ByMain {
			mains = append(mains, int(o[0]))
		}
	}
	slices.Sort(mains)
	return slices.Compact(mains)
}

// check compares a relationship and says how far it goes.
func (v *compatVector) check(t *testing.T, r *CompatResult, mains []int) string {
	t.Helper()
	if r.Steps != v.Steps {
		t.Errorf("%d steps, want %d", r.Steps, v.Steps)
	}
	if v.Result != "" {
		if r.Steps != 0 || !math.IsNaN(r.P) || r.Reason == "" {
			t.Errorf("%+v; the reference says: %s", r, v.Result)
		}
		return "no overlap"
	}
	counts := CompatCounts{
		PositivePositive: v.PosPos, NegativeNegative: v.NegNeg, PositiveNegative: v.PosNeg, NegativePositive: v.NegPos,
		PositiveNone: v.PosNon, NegativeNone: v.NegNon, NonePositive: v.NonPos, NoneNegative: v.NonNeg,
	}
	if r.CompatCounts != counts || r.Same() != v.MatchPos || r.Opposite() != v.MatchNeg || r.Match() != v.Match {
		t.Errorf("counts %+v, want %+v", r.CompatCounts, counts)
	}
	if r.Score != v.Score || r.Strength != v.Strength {
		t.Errorf("score %v, strength %v; want %v, %v", r.Score, r.Strength, v.Score, v.Strength)
	}
	switch {
	case v.Exact != nil:
		if math.Round(r.P*1e8)/1e8 != *v.Exact || r.Alternatives != v.Shifts || r.Unmatched != v.Unmatched {
			t.Errorf("p %v of %d shifts, %d without a match; want %v of %d, %d", r.P, r.Alternatives, r.Unmatched, *v.Exact, v.Shifts, v.Unmatched)
		}
		v.checkEstimates(t, func(int) float64 { return r.P })
		return "city"
	case v.Origins != nil:
		byMain := map[int]float64{}
		for i, main := range mains {
			byMain[main] = r.PByMain[i]
		}
		v.checkOrigins(t, r, byMain)
		v.checkEstimates(t, func(run int) float64 { return byMain[v.MainOrigins[run]] })
		return "regions"
	}
	return "counts alone"
}

func (v *compatVector) checkOrigins(t *testing.T, r *CompatResult, byMain map[int]float64) {
	t.Helper()
	if r.Alternatives != v.Origins.Regions {
		t.Errorf("%d permutations, want %d", r.Alternatives, v.Origins.Regions)
	}
	sum, least, most := 0.0, 1.0, 0.0
	for _, o := range v.Origins.ByMain {
		p := byMain[int(o[0])]
		if math.Round(p*1e6)/1e6 != o[1] {
			t.Errorf("main origin %g: p %v, want %v", o[0], p, o[1])
		}
		sum, least, most = sum+p, min(least, p), max(most, p)
	}
	mean := sum / float64(len(v.Origins.ByMain))
	if math.Abs(mean-v.Origins.Mean) > 1e-12 || least != v.Origins.Least || most != v.Origins.Most {
		t.Errorf("p %v to %v, mean %v; want %v to %v, %v", least, most, mean, v.Origins.Least, v.Origins.Most, v.Origins.Mean)
	}
}

// checkEstimates holds the reference's Monte Carlo estimates, of 1000 draws
// each, against the exact p. A printed one stops at 51 hits.
func (v *compatVector) checkEstimates(t *testing.T, exact func(run int) float64) {
	t.Helper()
	const draws = 1000
	for run, p := range v.Estimates {
		e := exact(run)
		// Three standard errors and the half of a draw; all recorded runs lie within.
		if math.Abs(p-e) > 3*math.Sqrt(e*(1-e)/draws)+0.5/draws {
			t.Errorf("run %d: the reference estimates %v, exact %v", run, p, e)
		}
	}
	for run, p := range v.Printed {
		if p > 0.051 || len(v.MainOrigins) == 0 && exact(run) > 0.08 && p != 0.051 {
			t.Errorf("run %d: the reference prints %v, exact %v", run, p, exact(run))
		}
	}
}

// TestCompatPermutations compares permutations of neighborhoods with those of
// the reference, and counts what is said of all of them.
func TestCompatPermutations(t *testing.T) {
	g := neighborhoods(t)
	text, err := os.ReadFile(filepath.Join(compatFolder, "bfs_permutations_nbhd.csv"))
	if err != nil {
		t.Fatal(err)
	}
	shift, image := newCompatShift(g), make([]int32, g.numRegions())
	compared := 0
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimSpace(line), ",")
		main, err := strconv.Atoi(fields[0])
		if err != nil {
			continue // the header
		}
		origin, err := strconv.Atoi(fields[1])
		if err != nil {
			t.Fatal(err)
		}
		shift.from(main)
		shift.to(origin, image)
		if got := strings.Trim(fmt.Sprint(image), "[]"); got != fields[2] {
			t.Errorf("main origin %d, origin %d: %s; want %s", main, origin, got, fields[2])
		}
		compared++
	}
	if compared != 28 {
		t.Errorf("%d permutations compared, want 28", compared)
	}
	// fixed_points_mean, over main origins in steps of 4 and all origins, is
	// 5.413 in the vectors; all 260 permutations of a main origin differ.
	fixed, mains := 0, 0
	for main := 0; main < g.numRegions(); main += 4 {
		shift.from(main)
		mains++
		distinct := map[[260]int32]bool{}
		for origin := range g.numRegions() {
			shift.to(origin, image)
			for r, s := range image {
				if r == int(s) {
					fixed++
				}
			}
			distinct[[260]int32(image)] = true
			if sorted := slices.Sorted(slices.Values(image)); sorted[0] != 0 || len(slices.Compact(sorted)) != len(image) {
				t.Fatalf("main origin %d, origin %d: no permutation", main, origin)
			}
		}
		if len(distinct) != g.numRegions() {
			t.Errorf("main origin %d: %d different permutations", main, len(distinct))
		}
	}
	if mean := float64(fixed) / float64(mains*g.numRegions()); math.Abs(mean-5.41301775147929) > 1e-12 {
		t.Errorf("%v fixed points a permutation, want 5.413", mean)
	}
}

// slowCompat counts cell by cell with the signs of both functions in the
// common steps, g's being those that moved gives.
func slowCompat(f, g *CompatEvents, moved func(region, step int) (int, int)) (c CompatCounts) {
	first := max(f.first, g.first)
	last := min(f.first+f.steps, g.first+g.steps)
	for step := range last - first {
		for region := range f.regions {
			a := f.signs[(first+step-f.first)*f.regions+region]
			otherRegion, otherStep := moved(region, step)
			b := g.signs[(first+otherStep-g.first)*g.regions+otherRegion]
			switch [2]int8{a, b} {
			case [2]int8{1, 1}:
				c.PositivePositive++
			case [2]int8{-1, -1}:
				c.NegativeNegative++
			case [2]int8{1, -1}:
				c.PositiveNegative++
			case [2]int8{-1, 1}:
				c.NegativePositive++
			case [2]int8{1, 0}:
				c.PositiveNone++
			case [2]int8{-1, 0}:
				c.NegativeNone++
			case [2]int8{0, 1}:
				c.NonePositive++
			case [2]int8{0, -1}:
				c.NoneNegative++
			}
		}
	}
	return c
}

// slowScore is tau by its definition.
func slowScore(c CompatCounts) float32 {
	p, n := c.PositivePositive+c.NegativeNegative, c.PositiveNegative+c.NegativePositive
	if p+n == 0 {
		return 0
	}
	return (float32(p) - float32(n)) / (float32(p) + float32(n))
}

// slowShift is the reference's permutation in its simplest form: lists of
// levels, and a scan from the start for every gap.
func slowShift(g *CompatGraph, main, origin int) []int32 {
	distances := func(from int) (levels [][]int) {
		seen := map[int]bool{from: true}
		for level := []int{from}; len(level) > 0; {
			levels = append(levels, level)
			var next []int
			for _, u := range level {
				for _, v := range g.neighbours[u] {
					if !seen[int(v)] {
						seen[int(v)] = true
						next = append(next, int(v))
					}
				}
			}
			level = next
		}
		return levels
	}
	want := distances(main)
	levels := make([][]int, len(want))
	free := map[int]bool{}
	for r := range g.neighbours {
		free[r] = true
	}
	seen := map[int]bool{origin: true}
	type visit struct{ region, level int }
	for queue := []visit{{origin, 0}}; len(queue) > 0; queue = queue[1:] {
		v := queue[0]
		if v.level == len(want) || len(levels[v.level]) == len(want[v.level]) {
			continue
		}
		levels[v.level] = append(levels[v.level], v.region)
		delete(free, v.region)
		followed := 0
		for _, n := range g.neighbours[v.region] {
			if v.level+1 < len(want) && followed < len(want[v.level+1]) && !seen[int(n)] {
				seen[int(n)] = true
				followed++
				queue = append(queue, visit{int(n), v.level + 1})
			}
		}
	}
	gap := func(level int) int {
		for k := range levels {
			for _, u := range levels[(level-1+k)%len(levels)] {
				for _, v := range g.neighbours[u] {
					if free[int(v)] {
						return int(v)
					}
				}
			}
		}
		panic("no free region")
	}
	image := make([]int32, len(g.neighbours))
	for i := range want {
		for len(levels[i]) < len(want[i]) {
			r := gap(i)
			delete(free, r)
			levels[i] = append(levels[i], r)
		}
		for k, r := range want[i] {
			image[r] = int32(levels[i][k])
		}
	}
	return image
}

func randomCompatGraph(t *testing.T, rng *rand.Rand, n int) *CompatGraph {
	t.Helper()
	used := map[[2]int]bool{}
	var edges [][2]int
	add := func(u, v int) {
		if u != v && !used[[2]int{u, v}] && !used[[2]int{v, u}] {
			used[[2]int{u, v}] = true
			edges = append(edges, [2]int{u, v})
		}
	}
	for v := 1; v < n; v++ {
		add(v, rng.IntN(v))
	}
	for range rng.IntN(n + 1) {
		add(rng.IntN(n), rng.IntN(n))
	}
	rng.Shuffle(len(edges), func(i, j int) { edges[i], edges[j] = edges[j], edges[i] })
	g, err := NewCompatGraph(n, edges)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func randomCompatEvents(t *testing.T, rng *rand.Rand, regions int) *CompatEvents {
	t.Helper()
	share := []float64{0, 0.01, 0.2, 0.8}[rng.IntN(4)]
	signs := make([]int8, regions*(1+rng.IntN(200)))
	for v := range signs {
		if rng.Float64() < share {
			signs[v] = int8(2*rng.IntN(2) - 1)
		}
	}
	e, err := NewCompatEvents(signs, regions, rng.IntN(60)-30)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestCompatAgainstDefinition compares random pairs with counts cell by cell,
// for the data and for every alternative.
func TestCompatAgainstDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	for trial := range 150 {
		regions := 1 + rng.IntN(9)
		if trial%2 == 0 {
			regions = 1
		}
		graph := randomCompatGraph(t, rng, regions)
		f, g := randomCompatEvents(t, rng, regions), randomCompatEvents(t, rng, regions)
		r, err := Compat(context.Background(), f, g, graph)
		if err != nil {
			t.Fatal(err)
		}
		c := slowCompat(f, g, func(region, step int) (int, int) { return region, step })
		steps := max(0, min(f.first+f.steps, g.first+g.steps)-max(f.first, g.first))
		if r.CompatCounts != c || r.Steps != steps || r.Score != slowScore(c) {
			t.Fatalf("trial %d: %+v, want %+v in %d steps", trial, r, c, steps)
		}
		if steps == 0 {
			continue
		}
		var p, unmatched []float64 // of each alternative
		try := func(moved func(region, step int) (int, int)) {
			other := slowCompat(f, g, moved)
			s := slowScore(other)
			p = append(p, float64(b2i(r.Score > 0 && s >= r.Score || r.Score <= 0 && s <= r.Score)))
			unmatched = append(unmatched, float64(b2i(other.Match() == 0)))
		}
		if regions == 1 {
			for shift := range steps {
				try(func(region, step int) (int, int) { return region, (step + shift) % steps })
			}
			if r.Unmatched != int(sum(unmatched)) || r.Alternatives != steps || r.PByMain != nil {
				t.Errorf("trial %d: %+v; %g shifts of %d match nothing", trial, r, sum(unmatched), steps)
			}
		} else {
			for main := range regions {
				for origin := range regions {
					image := slowShift(graph, main, origin)
					try(func(region, step int) (int, int) { return int(image[region]), step })
				}
				if want := sum(p[main*regions:]) / float64(regions); r.PByMain[main] != want {
					t.Errorf("trial %d, main origin %d: p %v, want %v", trial, main, r.PByMain[main], want)
				}
			}
		}
		if want := sum(p) / float64(len(p)); r.P != want || r.P < 1/float64(len(p)) {
			t.Errorf("trial %d: p %v, want %v", trial, r.P, want)
		}
	}
}

func sum(x []float64) (total float64) {
	for _, v := range x {
		total += v
	}
	return total
}

// TestCompatShiftAgainstDefinition compares permutations on random graphs,
// sparse ones, whose searches leave many gaps, among them.
func TestCompatShiftAgainstDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 0))
	for trial := range 40 {
		g := randomCompatGraph(t, rng, 2+rng.IntN(40))
		shift, image := newCompatShift(g), make([]int32, g.numRegions())
		for range 20 {
			main, origin := rng.IntN(g.numRegions()), rng.IntN(g.numRegions())
			shift.from(main)
			shift.to(origin, image)
			if want := slowShift(g, main, origin); !slices.Equal(image, want) {
				t.Fatalf("trial %d, from %d to %d: %v, want %v", trial, main, origin, image, want)
			}
			if shift.to(main, image); !slices.IsSorted(image) || image[0] != 0 {
				t.Fatalf("trial %d: the permutation of the main origin is %v, not the identity", trial, image)
			}
		}
	}
}

// TestCompatStrength: worked by hand.
func TestCompatStrength(t *testing.T) {
	for _, tc := range []struct {
		f, g            string
		score, strength float32
		p               float64
	}{
		{"+..-", "+..-", 1, 1, 0.25},
		{"+..-", "-..+", -1, 1, 0.25},
		{"+...", "..+.", 0, 0, 0.75},     // a score of 0 counts the alternatives at most 0
		{"++++", "++++", 1, 1, 1},        // one sign alone cannot be beaten
		{"++--", "+.-.", 1, 2. / 3, 0.5}, // precision 1, recall 1/2
		{"....", "....", 0, 0, 1},
	} {
		var events [2]*CompatEvents
		for i, signs := range []string{tc.f, tc.g} {
			var err error
			if events[i], err = NewCompatEvents(compatSigns([]string{signs}), 1, 0); err != nil {
				t.Fatal(err)
			}
		}
		r, err := Compat(context.Background(), events[0], events[1], nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Score != tc.score || math.Abs(float64(r.Strength-tc.strength)) > 1e-7 || r.P != tc.p {
			t.Errorf("%s and %s: score %v, strength %v, p %v; want %v, %v, %v", tc.f, tc.g, r.Score, r.Strength, r.P, tc.score, tc.strength, tc.p)
		}
	}
}

// TestCompatRefuses: what cannot be evaluated is an error or a reason.
func TestCompatRefuses(t *testing.T) {
	one := func(signs []int8, regions, first int) *CompatEvents {
		e, err := NewCompatEvents(signs, regions, first)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	path, err := NewCompatGraph(3, [][2]int{{0, 1}, {1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	two, three, city := one(make([]int8, 8), 2, 0), one(make([]int8, 9), 3, 0), one(make([]int8, 9), 1, 0)
	for _, tc := range []struct {
		name string
		ctx  context.Context
		f, g *CompatEvents
		want string
	}{
		{"regions differ", ctx, two, three, "2 and 3 regions"},
		{"graph of other regions", ctx, two, two, "graph of 3 regions"},
		{"cancelled at city", cancelled, city, city, "canceled"},
		{"cancelled with regions", cancelled, three, three, "canceled"},
	} {
		if _, err := Compat(tc.ctx, tc.f, tc.g, path); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %s", tc.name, err, tc.want)
		}
	}
	for _, tc := range []struct {
		f, g *CompatEvents
		want string
	}{
		{three, three, "adjacency"},
		{city, one(make([]int8, 4), 1, 9), "do not meet"},
		{city, one(nil, 1, 3), "do not meet"},
	} {
		r, err := Compat(ctx, tc.f, tc.g, nil)
		if err != nil || !math.IsNaN(r.P) || !strings.Contains(r.Reason, tc.want) {
			t.Errorf("%+v, %v; want %s", r, err, tc.want)
		}
	}
	for _, err := range []error{
		second(NewCompatEvents([]int8{0, 2}, 1, 0)), second(NewCompatEvents(make([]int8, 5), 2, 0)), second(NewCompatEvents(nil, 0, 0)),
		second(NewCompatGraph(3, [][2]int{{0, 1}})), second(NewCompatGraph(0, nil)), second(NewCompatGraph(2, [][2]int{{0, 2}})), second(NewCompatGraph(-1, nil)),
	} {
		if err == nil {
			t.Error("bad input is taken")
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestMainOrigins: all of few regions, and of many some, evenly spaced.
func TestMainOrigins(t *testing.T) {
	for _, tc := range []struct{ regions, number, second, last int }{
		{1, 1, 0, 0}, {2, 2, 1, 1}, {260, 260, 1, 259}, {400, 400, 1, 399}, {401, 32, 12, 388}, {2025, 32, 63, 1961},
	} {
		mains := mainOrigins(tc.regions)
		if len(mains) != tc.number || mains[0] != 0 || mains[min(1, tc.number-1)] != tc.second || mains[tc.number-1] != tc.last {
			t.Errorf("%d regions: main origins %v", tc.regions, mains)
		}
	}
}

// TestCompatManyRegions: p is the mean over the main origins that are tried, and
// the flaws say so.
func TestCompatManyRegions(t *testing.T) {
	const regions = 401
	var edges [][2]int
	for r := range regions - 1 {
		edges = append(edges, [2]int{r, r + 1})
	}
	graph, err := NewCompatGraph(regions, edges)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 71))
	var events [2]*CompatEvents
	for i := range events {
		signs := make([]int8, 5*regions)
		for v := range signs {
			signs[v] = int8(rng.IntN(3) - 1)
		}
		if events[i], err = NewCompatEvents(signs, regions, 0); err != nil {
			t.Fatal(err)
		}
	}
	f, g := events[0], events[1]
	r, err := Compat(context.Background(), f, g, graph)
	if err != nil {
		t.Fatal(err)
	}
	one, err := compat(context.Background(), f, g, graph, []int{7 * regions / 32})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.PByMain) != 32 || r.Alternatives != regions || r.PByMain[7] != one.P || math.Abs(r.P-sum(r.PByMain)/32) > 1e-12 {
		t.Errorf("%d main origins of %d alternatives, p %g; of the seventh %g, want %g", len(r.PByMain), r.Alternatives, r.P, r.PByMain[7], one.P)
	}
	if flaws := strings.Join(r.Flaws(), "\n"); !strings.Contains(flaws, "the mean over 32 of the 401, evenly spaced") {
		t.Errorf("flaws are %s", flaws)
	}
}

// TestCompatFlaws: the flaws say what a p at this resolution is worth.
func TestCompatFlaws(t *testing.T) {
	for regions, want := range map[int][]string{
		1:   {"never for discovery", "direction is taken from the data", "0.999", "1/52", "prints 0", "untested"},
		260: {"never for discovery", "direction is taken from the data", "does not keep adjacency", "1/260", "main origin", "untested"},
	} {
		flaws := strings.Join((&CompatResult{Regions: regions, Steps: 52}).Flaws(), "\n")
		for _, w := range want {
			if !strings.Contains(flaws, w) {
				t.Errorf("%d regions: no %q in\n%s", regions, w, flaws)
			}
		}
	}
}

func BenchmarkCompat(b *testing.B) {
	for _, tc := range []struct{ f, g, temporal string }{
		{"season1d/h3y_a", "season1d/h3y_pos", "hour"},
		{"nbhd3d/h2000_a", "nbhd3d/h2000_pos", "hour"},
	} {
		f, g := compatEvents(b, tc.f, "salient", tc.temporal), compatEvents(b, tc.g, "salient", tc.temporal)
		graph := neighborhoods(b)
		b.Run(tc.f, func(b *testing.B) {
			alternatives := 0
			for b.Loop() {
				r, err := Compat(context.Background(), f, g, graph)
				if err != nil {
					b.Fatal(err)
				}
				alternatives += r.Alternatives * max(1, len(r.PByMain))
			}
			b.ReportMetric(float64(alternatives)/b.Elapsed().Seconds(), "alternatives/s")
		})
	}
}
