package jobs

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"polygamy/datasets"
	"polygamy/relate"
)

// signNames are the features of each sign.
var signNames = map[bool]string{false: "spike", true: "valley"}

// An EventRate is how often features of one sign of a come before those of one
// sign of b, at the level of the comparison. A feature counts once a region, at
// its first step.
type EventRate struct {
	ASign     string    `json:"a_sign"` // spike or valley
	BSign     string    `json:"b_sign"`
	Tolerance int       `json:"tolerance"` // steps
	Trigger   EventTest `json:"trigger"`   // of a's features, those that one of b follows
	Precursor EventTest `json:"precursor"` // of b's features, those that one of a precedes
}

// EventTest is a rate with what chance makes of it.
type EventTest struct {
	Events      int      `json:"events"`
	Met         int      `json:"met"`
	Rate        *float64 `json:"rate"`
	Expected    *float64 `json:"expected"`
	Dense       bool     `json:"dense"` // the windows cover more than half of the cells
	Testable    bool     `json:"testable"`
	Reason      string   `json:"reason,omitempty"`
	Exploratory bool     `json:"exploratory"`
	P           *float64 `json:"p"` // of as many or more; no choice among the rates is paid for
}

// events fills in the event view.
func (q *question) events(c *Comparison, tolerance int) error {
	for _, negativeF := range []bool{false, true} {
		for _, negativeG := range []bool{negativeF, !negativeF} {
			view, err := q.null.Events(q.marks[0][q.level], q.marks[1][q.level], q.f.Regions.Graph, relate.Coincidence{
				NegativeF: negativeF, NegativeG: negativeG, Lag: c.Lag, Tolerance: tolerance, Onsets: true,
			})
			if err != nil {
				return usageErrorf("--events %d: %w", tolerance, err)
			}
			c.Events = append(c.Events, EventRate{
				ASign: signNames[negativeF], BSign: signNames[negativeG], Tolerance: tolerance,
				Trigger: eventTest(&view.Trigger), Precursor: eventTest(&view.Precursor),
			})
		}
	}
	return nil
}

func eventTest(r *relate.Rate) EventTest {
	return EventTest{
		Events: r.Events, Met: r.Met, Rate: known(r.Rate), Expected: known(r.Expected), Dense: r.Dense,
		Testable: r.Testable, Reason: r.Reason, Exploratory: r.Exploratory, P: known(r.P),
	}
}

// eventsText is the event view as sentences.
func (c *Comparison) eventsText() string {
	var b strings.Builder
	fmt.Fprintf(&b, "  event view at %s, by first steps; the choice among these rates is not paid for:\n", c.at().Level)
	for _, e := range c.Events {
		from, to := c.Lag, c.Lag+e.Tolerance
		b.WriteString(e.Trigger.text(c.meeting("a", e.ASign, "b", e.BSign, from, to), c.at().Reason))
		b.WriteString(e.Precursor.text(c.meeting("b", e.BSign, "a", e.ASign, -to, -from), c.at().Reason))
	}
	return b.String()
}

// meeting says that features of one function meet one of another, which is
// from to to steps later; earlier if these are negative.
func (c *Comparison) meeting(one, sign, other, otherSign string, from, to int) string {
	verb, when := "are followed by", "later"
	far, near := to, from
	if from < 0 && to <= 0 {
		verb, when = "are preceded by", "before"
		far, near = -from, -to
	}
	switch {
	case from == 0 && to == 0:
		verb, when = "have", "in the same "+c.step
	case from < 0 && to > 0:
		verb, when = "have", fmt.Sprintf("from %d %s before to %d %s later", -from, c.steps(-from), to, c.steps(to))
	case near == 0:
		when = fmt.Sprintf("within %d %s", far, c.steps(far))
	case near == far:
		when = fmt.Sprintf("%d %s %s", far, c.steps(far), when)
	default:
		when = fmt.Sprintf("%d to %d %s %s", near, far, c.steps(far), when)
	}
	return fmt.Sprintf("%s's %ss %s a %s of %s %s", one, sign, verb, otherSign, other, when)
}

// steps is the name of n steps.
func (c *Comparison) steps(n int) string {
	if n == 1 {
		return c.step
	}
	return c.step + "s"
}

// text is a sentence about a rate. A reason that is known is not repeated.
func (e *EventTest) text(what, known string) string {
	if e.Rate == nil {
		return fmt.Sprintf("      - %% of %s: none is counted\n", what)
	}
	line := fmt.Sprintf("    %3.0f %% of %s", 100**e.Rate, what)
	if e.Expected != nil {
		line += fmt.Sprintf(", %.0f %% expected", 100**e.Expected)
	}
	switch {
	case e.P == nil && e.Reason == known:
		return line + "\n"
	case e.P == nil:
		return line + ", not tested: " + e.Reason + "\n"
	}
	return line + fmt.Sprintf(", p = %.2g\n", *e.P)
}

// A MapTest says whether the features of one sign are in the same places,
// always: a question of its own, which the p of a comparison has no part in. It
// is asked of raw functions only, as each region has as many features of an
// anomaly as the others, and always at the same level, not at the one that was
// best for time.
type MapTest struct {
	Level    string `json:"level"`
	Sign     string `json:"sign"` // spike or valley
	Testable bool   `json:"testable"`
	Reason   string `json:"reason,omitempty"`
	Regions  int    `json:"regions"`
	LeftOut  int    `json:"left_out"` // covered by both, in another part of the graph

	Correlation *float64 `json:"correlation"`
	MoranA      *float64 `json:"moran_a"` // smoothness of each map
	MoranB      *float64 `json:"moran_b"`
	Smooth      bool     `json:"smooth"`    // both are so smooth that p may be too small
	Effective   *float64 `json:"effective"` // independent regions
	PFlip       *float64 `json:"p_flip"`
	PModified   *float64 `json:"p_modified"`
	P           *float64 `json:"p"`
}

// maps compares the shares of each region's steps that are features.
func (q *question) maps(c *Comparison) {
	graph := q.f.Regions.Graph
	level := slices.Index(q.levels, usualLevel)
	if graph.NumEdges() == 0 || q.version != datasets.Raw.String() || level < 0 {
		return
	}
	maps := relate.NewMaps(graph)
	var shares [2][2][]float64 // of each function and sign
	for i := range shares {
		shares[i][0], shares[i][1] = q.marks[i][level].Shares(q.regions())
	}
	for sign, negative := range []bool{false, true} {
		r := maps.Test(shares[0][sign], shares[1][sign])
		for i, name := range []string{c.A, c.B} {
			// Shares are never too large to square.
			if share, same := sameShare(shares[i][sign], shares[1-i][sign]); same {
				r.Reason = fmt.Sprintf("they are %.3g %% of the steps of %s in every region", 100*share, name)
			}
		}
		c.Maps = append(c.Maps, MapTest{
			Level: q.levels[level], Sign: signNames[negative], Testable: r.Testable, Reason: r.Reason, Regions: r.Regions, LeftOut: r.LeftOut,
			Correlation: known(r.Correlation), MoranA: known(r.MoranA), MoranB: known(r.MoranB), Smooth: r.Smooth,
			Effective: known(r.Effective), PFlip: known(r.PFlip), PModified: known(r.PModified), P: known(r.P),
		})
	}
}

// sameShare returns the share that a map has wherever another has one too, if
// it is one.
func sameShare(shares, others []float64) (share float64, same bool) {
	share = math.NaN()
	for i, x := range shares {
		switch {
		case math.IsNaN(x) || math.IsNaN(others[i]) || x == share:
		case math.IsNaN(share):
			share = x
		default:
			return 0, false
		}
	}
	return share, !math.IsNaN(share)
}

// mapsText is the second question as lines of a page.
func (c *Comparison) mapsText() string {
	var b strings.Builder
	fmt.Fprintf(&b, "  same places? a question of its own, about where and not when, at %s:\n", c.Maps[0].Level)
	for _, m := range c.Maps {
		name := map[string]string{"spike": "spikes", "valley": "valleys"}[m.Sign]
		if !m.Testable {
			fmt.Fprintf(&b, "    %-8s not tested: %s\n", name, m.Reason)
			continue
		}
		fmt.Fprintf(&b, "    %-8s r = %s over %d regions, worth %.0f independent ones, p = %.2g", name, rounded("%.2f", *m.Correlation), m.Regions, *m.Effective, *m.P)
		if m.Smooth {
			b.WriteString("; both maps are so smooth that p may be too small")
		}
		b.WriteString("\n")
	}
	return b.String()
}
