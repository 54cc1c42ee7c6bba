package relate

import (
	"context"
	"fmt"
	"math"
)

// This file repeats the significance test of the published implementation of
// Data Polygamy (ViDA-NYU/data-polygamy, commit 4b3f7c0), to compare results
// with it. The test is not valid, see [CompatResult.Flaws]: nothing here is
// for discovery, and no p-value of it belongs in a [Ranking].

// CompatEvents are the features of one function as the reference holds them: a
// sign for every region and step, from the first to the last step in which
// any region has a value. A cell without a value is one without a feature.
type CompatEvents struct {
	first, steps, regions int
	signs                 []int8 // shape [steps*regions]
}

// NewCompatEvents returns the features of a function of the given number of
// regions. signs has shape [steps*regions], vertex t*regions+r being region r
// at the t-th step: +1 a positive feature, -1 a negative one, 0 neither, as
// topology's Reference.Events gives them. first is the number of the first
// step, counted from an origin that all functions of a comparison share; what
// lies before the first and after the last step with a value must be cut off.
// It refuses other signs and slices that are not whole steps. signs is kept
// and must not change.
func NewCompatEvents(signs []int8, regions, first int) (*CompatEvents, error) {
	if regions < 1 || len(signs)%regions != 0 {
		return nil, fmt.Errorf("relate: %d signs are no whole number of steps of %d regions", len(signs), regions)
	}
	for v, s := range signs {
		if s < -1 || s > 1 {
			return nil, fmt.Errorf("relate: sign %d in region %d at step %d; use -1, 0 or 1", s, v%regions, v/regions)
		}
	}
	return &CompatEvents{first: first, steps: len(signs) / regions, regions: regions, signs: signs}, nil
}

// CompatCounts are the eight numbers of cells that the reference prints: what
// the first function's cell is, and what the second's. None is a cell without a
// feature, or without a value.
type CompatCounts struct {
	PositivePositive, NegativeNegative int
	PositiveNegative, NegativePositive int
	PositiveNone, NegativeNone         int
	NonePositive, NoneNegative         int
}

// Same returns the cells that are features of one sign in both functions.
func (c *CompatCounts) Same() int { return c.PositivePositive + c.NegativeNegative }

// Opposite returns the cells that are features of different signs.
func (c *CompatCounts) Opposite() int { return c.PositiveNegative + c.NegativePositive }

// Match returns the cells that are features of both functions.
func (c *CompatCounts) Match() int { return c.Same() + c.Opposite() }

// compatScore returns tau as the reference computes it, in 32 bits; 0 without a
// match.
func compatScore(same, opposite int) float32 {
	if same+opposite == 0 {
		return 0
	}
	return float32(same-opposite) / float32(same+opposite)
}

// strength returns rho as the reference computes it, in 32 bits; 0 without a
// match.
func (c *CompatCounts) strength() float32 {
	match := float32(c.Match())
	if match == 0 {
		return 0
	}
	precision := match / (match + float32(c.NonePositive+c.NoneNegative))
	recall := match / (match + float32(c.PositiveNone+c.NegativeNone))
	return float32(2*precision*recall) / (precision + recall)
}

// A CompatResult is what the reference says of two functions.
type CompatResult struct {
	CompatCounts
	Steps   int // in both records; 0 if they do not meet, and then the reference writes nothing
	Regions int

	Score    float32 // tau, -1 to 1; 0 without a match
	Strength float32 // rho, 0 to 1; 0 without a match

	// P is what the reference estimates from 1000 draws: the share of its
	// randomisations, the data among them, with a score at least that of the
	// data if that is above 0, else at most that. With regions it is the mean
	// over the main origins of PByMain, where the reference draws one of all in
	// each process. NaN if Reason says why there is none.
	P      float64
	Reason string

	// Alternatives is the number of randomisations: circular shifts, or the
	// permutations of regions of one main origin.
	Alternatives int
	Unmatched    int // shifts in which nothing matches, whose score is 0; at city only
	// PByMain is p of each main origin; nil at city. Of R regions, up to 400, all
	// are tried, and of more 32, evenly spaced: k-th is region k*R/32, rounded
	// down.
	PByMain []float64
}

// Compat evaluates two functions as the reference does, for comparison with
// it and never for discovery.
//
// The records are cut to the steps in both; their cells are counted, whether
// or not they hold a value. With one region, the city, every circular shift of
// one record against the other is tried, where the reference draws 1000. With
// more, time stays as it is and the regions of g are permuted along breadth-
// first searches of the graph, see [NewCompatGraph]; graph is not used at
// city. Counts are exact, where the reference adds 32-bit floats, which stop
// counting at 2^24 cells.
//
// The only errors are functions of different regions and those of ctx. Records
// that do not meet, and regions without a graph, leave P NaN with a reason.
//
// Cost: steps^2/16 AND-popcounts at city. With R regions, R^2*steps/16, and
// R searches of the graph for each main origin, each followed by R additions;
// 8*R^2 bytes. One main origin takes 0.3 s of 2,025 regions, which is why not
// all are tried of so many.
func Compat(ctx context.Context, f, g *CompatEvents, graph *CompatGraph) (*CompatResult, error) {
	return compat(ctx, f, g, graph, mainOrigins(f.regions))
}

// compat is Compat for some main origins, to which P and PByMain are then
// limited.
func compat(ctx context.Context, f, g *CompatEvents, graph *CompatGraph, mains []int) (*CompatResult, error) {
	if f.regions != g.regions {
		return nil, fmt.Errorf("relate: functions of %d and %d regions; compare functions on the same regions", f.regions, g.regions)
	}
	if graph != nil && f.regions > 1 && graph.numRegions() != f.regions {
		return nil, fmt.Errorf("relate: a graph of %d regions for functions of %d", graph.numRegions(), f.regions)
	}
	first := max(f.first, g.first)
	r := &CompatResult{Steps: max(0, min(f.first+f.steps, g.first+g.steps)-first), Regions: f.regions, P: math.NaN()}
	if r.Steps == 0 {
		r.Reason = "their records do not meet; the reference writes nothing"
		return r, nil
	}
	a, b := f.planes(first, r.Steps), g.planes(first, r.Steps)
	r.count(a, b)
	r.Score, r.Strength = compatScore(r.Same(), r.Opposite()), r.strength()
	switch {
	case f.regions == 1:
		return r, r.shiftSteps(ctx, a, b)
	case graph == nil:
		r.Reason = "the reference permutes regions along their adjacency, which is not known"
		return r, nil
	}
	return r, r.shiftRegions(ctx, a, b, graph, mains)
}

// extreme reports whether the reference counts a randomised score against the
// data. It takes the direction from the data.
func (r *CompatResult) extreme(randomised float32) bool {
	if r.Score > 0 {
		return randomised >= r.Score
	}
	return randomised <= r.Score
}

// compatPlanes are the features in the steps of both records, as bits: bit t of a
// region's words is its t-th step.
type compatPlanes struct {
	words              int      // of a region
	positive, negative []uint64 // shape [regions*words]
}

// planes returns the features of the given number of steps from first on.
func (e *CompatEvents) planes(first, steps int) *compatPlanes {
	words := (steps + 63) / 64
	p := &compatPlanes{words: words, positive: make([]uint64, e.regions*words), negative: make([]uint64, e.regions*words)}
	from := (first - e.first) * e.regions
	for v, sign := range e.signs[from : from+steps*e.regions] {
		t, region := v/e.regions, v%e.regions
		word, bit := region*words+t/64, uint64(1)<<(t%64)
		switch sign {
		case 1:
			p.positive[word] |= bit
		case -1:
			p.negative[word] |= bit
		}
	}
	return p
}

// of returns the words of one region.
func (p *compatPlanes) of(region int) (positive, negative []uint64) {
	at := region * p.words
	return p.positive[at:][:p.words], p.negative[at:][:p.words]
}

// count fills in the counts.
func (r *CompatResult) count(a, b *compatPlanes) {
	o := overlapRows(a.positive, a.negative, b.positive, b.negative)
	r.PositivePositive, r.NegativeNegative = o[positivePositive], o[negativeNegative]
	r.PositiveNegative, r.NegativePositive = o[positiveNegative], o[negativePositive]
	r.PositiveNone = count(a.positive) - r.PositivePositive - r.PositiveNegative
	r.NegativeNone = count(a.negative) - r.NegativeNegative - r.NegativePositive
	r.NonePositive = count(b.positive) - r.PositivePositive - r.NegativePositive
	r.NoneNegative = count(b.negative) - r.NegativeNegative - r.PositiveNegative
}

// shiftSteps tries all circular shifts of b. The reference shifts both records
// by independent uniform offsets, of which the difference alone matters.
func (r *CompatResult) shiftSteps(ctx context.Context, a, b *compatPlanes) error {
	positive, negative := ring(b.positive, r.Steps), ring(b.negative, r.Steps)
	hits := 0
	// A shift by bit+64*word is that by bit, which is done once for all words,
	// and an offset.
	for bit := range min(64, r.Steps) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if bit > 0 {
			shiftOne(positive)
			shiftOne(negative)
		}
		for word := 0; word*64+bit < r.Steps; word++ {
			o := overlapRows(a.positive, a.negative, positive[word:], negative[word:])
			same, opposite := o[positivePositive]+o[negativeNegative], o[positiveNegative]+o[negativePositive]
			if same+opposite == 0 {
				r.Unmatched++
			}
			if r.extreme(compatScore(same, opposite)) {
				hits++
			}
		}
	}
	r.Alternatives, r.P = r.Steps, float64(hits)/float64(r.Steps)
	return nil
}

// ring returns a plane of n steps that goes round: bit t is that of step t%n.
// Its length is that of two rounds and more, so that a round may begin in any
// word of the first.
func ring(plane []uint64, n int) []uint64 {
	round := make([]uint64, 2*len(plane)+2)
	for t := range 64 * len(round) {
		from := t % n
		round[t/64] |= plane[from/64] >> (from % 64) & 1 << (t % 64)
	}
	return round
}

// shiftOne moves all bits one step down. The last bit is lost.
func shiftOne(words []uint64) {
	for i := range words[:len(words)-1] {
		words[i] = words[i]>>1 | words[i+1]<<63
	}
	words[len(words)-1] >>= 1
}

// meanOver says which main origins P is the mean over.
func meanOver(regions int) string {
	if n := len(mainOrigins(regions)); n < regions {
		return fmt.Sprintf("%d of the %d, evenly spaced, as all would take too long", n, regions)
	}
	return "all of them"
}

// Flaws lists, in words, what is wrong with P as a measure of chance, for
// whoever reads it. Rates are false positives of the reference at 0.05 over
// independent functions, unless they say otherwise.
func (r *CompatResult) Flaws() []string {
	flaws := []string{
		"never for discovery: the p-value is the reference's, kept for comparison; it does not measure chance",
		"the direction is taken from the data and one tail is counted, so that a test at 0.05 has a rate of 0.10 on white noise",
	}
	if r.Regions == 1 {
		flaws = append(flaws,
			"not calibrated under shared cycles: uniform shifts destroy the hour of the day and the season; "+
				"rate 0.999 with a shared cycle of the week, 0.453 with a weak one (0.3 sd), 1.000 with a cycle and a season or with a shared trend",
			fmt.Sprintf("p is at least 1/%d here, whatever the data; the reference draws 1000 of these shifts, prints 0 where none of them reaches "+
				"the score (in up to 23 %% of unrelated pairs with a shared cycle), and 0.051 for all p above 0.05", max(1, r.Steps)))
	} else {
		flaws = append(flaws,
			"time is never permuted: what happens in the whole city at once is not seen (found in 0.11 to 0.14 of cases, its rate of false alarms), "+
				"and a shared map is always found (rate 1.000; 0.49 with two unrelated static maps)",
			"the shift along breadth-first searches does not keep adjacency: 18 % of the adjacent pairs of 260 neighborhoods stay adjacent; "+
				"rate 0.237 on fields that are smooth in space",
			fmt.Sprintf("only %d permutations stand behind the reference's 1000 draws, so that p is at least 1/%d here, whatever the data; the reference prints 0 where none of its "+
				"draws reaches the score, and 0.051 for all p above 0.05", r.Regions, r.Regions),
			fmt.Sprintf("p depends on a main origin that the reference draws once a process; here it is the mean over %s", meanOver(r.Regions)))
	}
	return append(flaws,
		"the score ignores how much matches: where all features have one sign it is 1 in every alternative and p is 1; with few features a single cell in common makes it 1, and most alternatives are 0",
		"cells without a value count as cells without a feature, and the rule against too few cells never fires: pairs of a few steps are tested",
		"nothing corrects for the number of pairs tested",
		"untested against the reference at weeks, months, years, zip codes, blocks and grids: its vectors are of hours and days at city and neighborhood")
}
