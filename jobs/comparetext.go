package jobs

import (
	"fmt"
	"slices"
	"strings"
)

// shown formats a number, or a dash if there is none.
func shown(format string, x *float64) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf(format, *x)
}

// at returns the level of the strongest association, or that which stands for
// it.
func (c *Comparison) at() *Tested {
	return &c.Lags[slices.IndexFunc(c.Lags, func(t Tested) bool { return t.Lag == c.Lag })]
}

// text is a comparison as a page to read.
func (c *Comparison) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s and %s, %s: %s\n", c.A, c.B, c.Version, c.finding())
	if len(c.Levels) == 0 {
		b.WriteString("\n")
		return b.String()
	}
	c.writeLevels(&b)
	if c.Testable {
		c.writeNull(&b)
	}
	for _, g := range c.Given {
		b.WriteString(g.text())
	}
	if c.Holidays != nil {
		b.WriteString(c.Holidays.text(c))
	}
	if len(c.Events) > 0 {
		b.WriteString(c.eventsText())
	}
	if len(c.Maps) > 0 {
		b.WriteString(c.mapsText())
	}
	if len(c.Measures) > 0 {
		b.WriteString(c.measuresText())
	}
	b.WriteString("\n")
	return b.String()
}

// finding is what was found in a sentence.
func (c *Comparison) finding() string {
	switch {
	case !c.Testable:
		return "not tested: " + c.Reason
	case *c.P > alpha:
		return fmt.Sprintf("no more than chance, p = %.3g", *c.P)
	}
	verb, word := "move", "together"
	if c.Exploratory || c.Dense {
		verb = "may move"
	}
	if *c.at().Z < 0 {
		word = "against each other"
	}
	s := fmt.Sprintf("they %s %s, p = %.3g", verb, word, *c.P)
	if c.Lag != 0 {
		s += fmt.Sprintf(", strongest at lag %d %s", c.Lag, c.steps(max(c.Lag, -c.Lag)))
	}
	if c.From == c.To {
		return s + "; it holds at " + c.From
	}
	return s + fmt.Sprintf("; it holds from %s to %s", c.From, c.To)
}

// writeLevels writes the table of levels and lags, and the intervals.
func (c *Comparison) writeLevels(b *strings.Builder) {
	fmt.Fprintf(b, "  %-8s %5s %7s %8s %7s %6s %8s %9s %9s\n", "level", "lag", "score", "strength", "kappa", "lift", "z", "p", "cells")
	line := func(t *Tested) {
		fmt.Fprintf(b, "  %-8s %5d %7.2f %8.2f %7s %6s %8s %9s %9d", t.Level, t.Lag, t.Score, t.Strength,
			shown("%.3f", t.Kappa), shown("%.2f", t.Lift), shown("%.1f", t.Z), shown("%.2g", t.P), t.PP+t.NN+t.PN+t.NP)
		if t.Dense {
			b.WriteString("  dense")
		}
		if t.Reason != "" && t.Reason != c.Reason {
			b.WriteString("  " + t.Reason)
		}
		b.WriteString("\n")
	}
	for i := range c.Levels {
		line(&c.Levels[i])
	}
	if len(c.Lags) > 1 {
		fmt.Fprintf(b, "  at %s, by lag:\n", c.at().Level)
		for i := range c.Lags {
			line(&c.Lags[i])
		}
	}
	t := c.at()
	fmt.Fprintf(b, "  at %s, with 95 %% intervals: score %.2f%s, strength %.2f%s, precision %.2f%s, recall %.2f%s\n", t.Level,
		t.Score, bounds(t.ScoreInterval), t.Strength, bounds(t.StrengthInterval), t.Precision, bounds(t.PrecisionInterval), t.Recall, bounds(t.RecallInterval))
}

func bounds(i *[2]float64) string {
	if i == nil {
		return ""
	}
	return fmt.Sprintf(" [%.2f, %.2f]", i[0], i[1])
}

// writeNull writes the hypothesis that was tested.
func (c *Comparison) writeNull(b *strings.Builder) {
	t := c.at()
	fmt.Fprintf(b, "  the null: %s\n", strings.Replace(c.Null, "map, ", "map,\n  ", 1))
	if c.Dense {
		b.WriteString("  (dense: every level that could be tested marks more than half of the cells, which is no discovery)\n")
	}
	if c.Exploratory {
		fmt.Fprintf(b, "  (%d %s; exploratory: a season or a trend in common counts as moving together)\n", t.Weeks, c.Unit)
		return
	}
	fmt.Fprintf(b, "  (%d windows, %d %s, guard %s)\n", t.Windows, t.Weeks, c.Unit, shown("%.2f", t.Guard))
}
