package relate

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

// A benchSize is the shape of a pair of functions of three years.
type benchSize struct {
	name           string
	regions, slots int // slots of a week
}

const benchWeeks = 156

var benchSizes = []benchSize{
	{"cityDay", 1, 7}, {"cityHour", 1, 168}, {"zipDay", 244, 7}, {"neighborhoodHour", 260, 168},
}

// benchShares are the shares of cells that the levels of the default sweep
// mark a side.
var benchShares = []float64{0.01, 0.02, 0.05, 0.1, 0.2}

const benchLevel = 2 // the level of benchmarks of one

// marks returns nested marks at every level, of features at random.
func (s benchSize) marks(seed uint64) (marks []*Marks, memories []*Memory) {
	rng := rand.New(rand.NewPCG(seed, 1))
	cells := s.regions * s.slots
	values := make([]float64, benchWeeks*cells)
	for i := range values {
		values[i] = rng.Float64()
	}
	rows := make(signRows, benchWeeks)
	for _, share := range benchShares {
		for r := range rows {
			rows[r] = make([]int8, cells)
			for i, x := range values[r*cells:][:cells] {
				rows[r][i] = int8(b2i(x < share) - b2i(x >= 1-share))
			}
		}
		m := rows.marks(0)
		marks, memories = append(marks, m), append(memories, NewMemory(m))
	}
	return marks, memories
}

// BenchmarkTest is the whole test of one level: tables, five p-values.
func BenchmarkTest(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(size.name, func(b *testing.B) {
			f, m := size.marks(1)
			g, n := size.marks(2)
			var t Tester
			t.Test(f[benchLevel], g[benchLevel], m[benchLevel], n[benchLevel]) // to have its memory
			b.ReportAllocs()
			for b.Loop() {
				if r := t.Test(f[benchLevel], g[benchLevel], m[benchLevel], n[benchLevel]); !r.Testable {
					b.Fatal(r.Reason)
				}
			}
			reportTests(b)
		})
	}
}

// reportTests reports how many relationships a minute takes, and seconds.
func reportTests(b *testing.B) {
	perSecond := float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(perSecond, "tests/s")
	b.ReportMetric(60*perSecond, "relationships/min")
}

// BenchmarkIncomplete is BenchmarkTest with one cell in twenty missing.
func BenchmarkIncomplete(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(size.name, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 23))
			cells := size.regions * size.slots
			f, g := randomSigns(rng, benchWeeks, cells, 0.05, 0.05).marks(0), randomSigns(rng, benchWeeks, cells, 0.05, 0.05).marks(0)
			m, n := NewMemory(f), NewMemory(g)
			var t Tester
			t.Test(f, g, m, n) // to have its memory
			b.ReportAllocs()
			for b.Loop() {
				if r := t.Test(f, g, m, n); !r.Testable {
					b.Fatal(r.Reason)
				}
			}
			reportTests(b)
		})
	}
}

// BenchmarkSweep is the search over the five levels. times-one is what it takes
// over the test of the middle one, times-dearest over that of the slowest, which
// are measured beside it. counting-times-one is what counting the overlaps of
// the five levels alone takes over the whole test of the middle one, and
// levels-times-one what their tests take less the choice of rows and windows,
// which all share: each level has bits, tables and tails of its own, so that
// what a sweep can save is the difference to five, and it has the effective
// number to find.
func BenchmarkSweep(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(size.name, func(b *testing.B) {
			f, m := size.marks(1)
			g, n := size.marks(2)
			var t, other Tester
			t.Sweep(f, g, m, n) // to have its memory
			b.ReportAllocs()
			one := make([]time.Duration, len(f))
			var counting, shared time.Duration
			var k kernel
			counts := make([]overlapCounts, 2*usualWindow)
			for b.Loop() {
				if s := t.Sweep(f, g, m, n); !s.Testable {
					b.Fatal(s.Reason)
				}
				b.StopTimer()
				for i := range one {
					start := time.Now()
					other.Test(f[i], g[i], m[i], n[i])
					one[i] += time.Since(start)
				}
				start := time.Now()
				for i := range f {
					for _, w := range t.windows {
						k.countWindow(f[i], g[i], w, counts[:len(w)])
					}
				}
				counting += time.Since(start)
				start = time.Now()
				other.rows = appendCommonRows(other.rows[:0], f[0], g[0])
				other.plan()
				shared += time.Since(start)
				b.StartTimer()
			}
			reportTests(b)
			levels := -time.Duration(len(one)-1) * shared
			for _, x := range one {
				levels += x
			}
			over := func(x time.Duration) float64 { return float64(x) / float64(one[benchLevel]) }
			b.ReportMetric(over(b.Elapsed()), "times-one")
			b.ReportMetric(over(counting), "counting-times-one")
			b.ReportMetric(over(levels), "levels-times-one")
			b.ReportMetric(float64(b.Elapsed())/float64(slices.Max(one)), "times-dearest")
		})
	}
}

// BenchmarkYardstick compares with a test by simulation as the published
// implementation has it: 1000 random shifts, each a pass over the cells that
// compares the signs. Of the 1000, five and the data are timed, and the rest
// taken to be alike.
func BenchmarkYardstick(b *testing.B) {
	const shifts, timed = 1000, 5
	for _, size := range benchSizes {
		b.Run(size.name, func(b *testing.B) {
			f, m := size.marks(1)
			g, n := size.marks(2)
			first, second := f[benchLevel].cellSigns(), g[benchLevel].cellSigns()
			rng := rand.New(rand.NewPCG(3, 3))
			var t Tester
			var slow, fast time.Duration
			rarer := 0
			for b.Loop() {
				start := time.Now()
				observed := scoreOfShift(first, second, 0)
				for range timed {
					if scoreOfShift(first, second, rng.IntN(len(second))) >= observed {
						rarer++
					}
				}
				slow += time.Since(start)
				start = time.Now()
				t.Test(f[benchLevel], g[benchLevel], m[benchLevel], n[benchLevel])
				fast += time.Since(start)
			}
			b.ReportMetric(float64(slow)/float64(fast)*shifts/(timed+1), "times-faster")
			b.ReportMetric(slow.Seconds()/float64(b.N)*shifts/(timed+1)*1e9, "ns/simulated")
		})
	}
}

// cellSigns returns the signs of the cells of all rows.
func (m *Marks) cellSigns() []int8 {
	signs := make([]int8, 0, m.Rows*m.Cells)
	for row := range m.Rows {
		for c := range m.Cells {
			word, bit := row*m.Words+c/64, c%64
			signs = append(signs, int8(m.Positive[word]>>bit&1)-int8(m.Negative[word]>>bit&1))
		}
	}
	return signs
}

// scoreOfShift returns tau with the second function shifted, cell by cell.
func scoreOfShift(f, g []int8, shift int) float64 {
	same, other := 0, 0
	compare := func(f, g []int8) {
		g = g[:len(f)]
		for c, x := range f {
			if y := g[c]; x != 0 && y != 0 {
				if x == y {
					same++
				} else {
					other++
				}
			}
		}
	}
	rest := len(f) - shift
	compare(f[:rest], g[shift:])
	compare(f[rest:], g[:shift])
	return ratio(float64(same-other), same+other)
}

// BenchmarkTwo, which wants -cpu 2, is BenchmarkTest in one goroutine and in
// two, each with memory of its own; times-one is the gain. machine-times-one is
// that of a loop without memory, run for as long in turn with the tests: what
// the machine can give at the time.
func BenchmarkTwo(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(size.name, func(b *testing.B) {
			f, m := size.marks(1)
			g, n := size.marks(2)
			var testers [2]Tester
			test := func(i, times int) {
				for range times {
					testers[i].Test(f[benchLevel], g[benchLevel], m[benchLevel], n[benchLevel])
				}
			}
			var sinks [2]atomic.Uint64
			arithmetic := func(i, times int) {
				x := uint64(i + 1)
				for range times {
					x ^= x << 13
					x ^= x >> 7
					x ^= x << 17
				}
				sinks[i].Store(x)
			}
			test(0, 1)
			test(1, 1) // to have their memory
			tests, steps := timesIn(test), timesIn(arithmetic)
			var program, machine gain
			for b.Loop() {
				program.measure(test, tests)
				machine.measure(arithmetic, steps)
			}
			b.ReportMetric(program.times(), "times-one")
			b.ReportMetric(machine.times(), "machine-times-one")
		})
	}
}

// timesIn returns how often to run work for 10 ms, beside which it does not
// matter how long a processor takes to wake up.
func timesIn(work func(i, times int)) int {
	for times := 1; ; times *= 2 {
		start := time.Now()
		work(0, times)
		if time.Since(start) >= 10*time.Millisecond {
			return times
		}
	}
}

// A gain is how long work took in one goroutine, and twice the work in two.
type gain struct{ one, two time.Duration }

func (g *gain) measure(work func(i, times int), times int) {
	start := time.Now()
	work(0, times)
	g.one += time.Since(start)
	start = time.Now()
	done := make(chan struct{})
	go func() {
		work(1, times)
		close(done)
	}()
	work(0, times)
	<-done
	g.two += time.Since(start)
}

func (g *gain) times() float64 { return 2 * float64(g.one) / float64(g.two) }

// bytes returns what marks keep of a function, and what memories do.
func (m *Marks) bytes() int {
	return int(unsafe.Sizeof(*m)) + 8*(len(m.Positive)+len(m.Negative)+len(m.Valid)+len(m.held)) + len(m.rows)*int(unsafe.Sizeof(rowCounts{}))
}

func (m *Memory) bytes() int {
	n := int(unsafe.Sizeof(*m)) + 8*len(m.rho)
	for _, r := range m.rotated {
		n += 8 * (len(r.aligned) + len(r.turned) + len(r.next))
	}
	return n
}

// TestMemoryOfMarks: of a function, three planes are kept, and 5 KB a level at
// most; so that the 2,197 functions that the open data of a city had, each at
// three resolutions of which zip codes and days are the largest, with five
// levels and cells missing from every map, stay below 3 GiB.
func TestMemoryOfMarks(t *testing.T) {
	const functions, limit = 2197, 3 << 30
	total := 0
	for _, size := range benchSizes[:3] {
		rng := rand.New(rand.NewPCG(1, 23))
		m := randomSigns(rng, benchWeeks, size.regions*size.slots, 0.05, 0.05).marks(0)
		memory := NewMemory(m)
		planes := 3 * 8 * m.Rows * m.Words
		own := m.bytes() + memory.bytes()
		if own > planes+5<<10 {
			t.Errorf("%s: %d bytes of marks, of which planes %d", size.name, own, planes)
		}
		t.Logf("%s: %d bytes a level, planes %d", size.name, own, planes)
		total += functions * len(benchShares) * own
	}
	t.Logf("%d functions, %d resolutions, %d levels: %.2f GiB", functions, 3, len(benchShares), float64(total)/(1<<30))
	if total > limit {
		t.Errorf("%d bytes in all, more than %d", total, limit)
	}
}

// BenchmarkMarks is NewMemory, and reports what is kept of a function and level.
func BenchmarkMarks(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(size.name, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 23))
			m := randomSigns(rng, benchWeeks, size.regions*size.slots, 0.05, 0.05).marks(0)
			var memory *Memory
			for b.Loop() {
				memory = NewMemory(m)
			}
			b.ReportMetric(float64(m.bytes()+memory.bytes()), "B/level")
			b.ReportMetric(float64(m.bytes()+memory.bytes())/float64(m.Rows*m.Cells), "B/cell")
		})
	}
}

// BenchmarkLags is the search over the five levels and 25 lags.
func BenchmarkLags(b *testing.B) {
	lags := make([]int, 25)
	for i := range lags {
		lags[i] = i - len(lags)/2
	}
	for _, size := range benchSizes[:2] {
		b.Run(size.name, func(b *testing.B) {
			f, m := size.marks(1)
			g, n := size.marks(2)
			var t Tester
			for b.Loop() {
				if s, err := t.Lags(b.Context(), f, g, m, n, size.regions, lags); err != nil || !s.Testable {
					b.Fatal(s, err)
				}
			}
			b.ReportMetric(float64(b.N*len(f)*len(lags))/b.Elapsed().Seconds(), "tests/s")
		})
	}
}
