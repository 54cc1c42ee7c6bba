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
	return rounded(format, *x)
}

// rounded formats a number whose sign may be lost in rounding.
func rounded(format string, x float64) string {
	text := fmt.Sprintf(format, x)
	if strings.Trim(text, "-0.") == "" {
		return strings.TrimPrefix(text, "-")
	}
	return text
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
	if len(c.Lags) > 1 || len(c.Events) > 0 {
		fmt.Fprintf(&b, "  a is %s, b is %s\n", c.A, c.B)
	}
	for _, line := range c.taken {
		fmt.Fprintf(&b, "  %s\n", line)
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

// lead says which function comes first where the association is strongest, and
// at which other lags the finding holds.
func (c *Comparison) lead() string {
	first, by := c.A, c.Lag
	if c.Lag < 0 {
		first, by = c.B, -c.Lag
	}
	s := fmt.Sprintf(", strongest where %s leads by %d %s", first, by, c.steps(by))
	if lags := c.holding(); strings.ContainsRune(lags, ' ') {
		s += " (lags " + lags + " hold as well)"
	}
	return s
}

// holding lists the lags at which the finding holds at the best level, the
// search paid for: a single lag, or stretches of them.
func (c *Comparison) holding() string {
	var stretches []string
	for i := 0; i < len(c.Lags); i++ {
		first := i
		for i < len(c.Lags) && c.Lags[i].P != nil && c.Effective**c.Lags[i].P <= alpha {
			i++
		}
		switch i - first {
		case 0:
		case 1:
			stretches = append(stretches, fmt.Sprint(c.Lags[first].Lag))
		default:
			stretches = append(stretches, fmt.Sprintf("%d to %d", c.Lags[first].Lag, c.Lags[i-1].Lag))
		}
	}
	return enumerated(stretches)
}

// enumerated joins words as "a, b and c".
func enumerated(words []string) string {
	if n := len(words) - 1; n > 0 {
		return strings.Join(words[:n], ", ") + " and " + words[n]
	}
	return strings.Join(words, "")
}

// writeLevels writes the table of levels and lags, and the intervals.
func (c *Comparison) writeLevels(b *strings.Builder) {
	fmt.Fprintf(b, "  %-8s %5s %7s %8s %7s %6s %8s %9s %3s %9s\n", "level", "lag", "score", "strength", "kappa", "lift", "z", "p", "by", "met")
	rows := slices.Concat(c.Levels, c.Lags)
	// The reason why there is no test at all is told once, by the finding.
	oneReason := !c.Testable && !slices.ContainsFunc(rows, func(t Tested) bool { return t.Reason != rows[0].Reason })
	few := false
	for i := range rows {
		t := &rows[i]
		if i == len(c.Levels) {
			if len(c.Lags) == 1 {
				break
			}
			holds := ""
			if lags := c.holding(); lags != "" {
				holds = " (it holds at " + lags + ")"
			}
			fmt.Fprintf(b, "  at %s, by lag in %s%s: above 0 b comes after a, below 0 before it\n", c.at().Level, c.steps(2), holds)
		}
		few = few || !t.Testable && (t.Windows > 0 || c.Exploratory)
		b.WriteString(t.text(!oneReason))
	}
	if few {
		fmt.Fprintf(b, "  where there is no p, too few %s have features: wider tails have more, larger regions, or a longer record\n", c.Unit)
	}
	c.writeConflicts(b)
	t := c.at()
	if t.overlap() == 0 {
		return
	}
	choice := ""
	if !c.Testable {
		choice = " (no test has chosen a level)"
	}
	fmt.Fprintf(b, "  at %s%s, with 95 %% intervals, which hold the shared routine too and are no test:\n", t.Level, choice)
	fmt.Fprintf(b, "    score %s%s, strength %.2f%s, precision %.2f%s, recall %.2f%s\n", rounded("%.2f", t.Score), bounds(t.ScoreInterval),
		t.Strength, bounds(t.StrengthInterval), t.Precision, bounds(t.PrecisionInterval), t.Recall, bounds(t.RecallInterval))
}

// asked shows which question a p is of: D, or the signs of the features that
// meet.
func asked(by string) string {
	if by == "d" {
		return "D"
	}
	return strings.NewReplacer("p", "+", "n", "-").Replace(by)
}

// overlap returns the cells that are features of both.
func (t *Tested) overlap() int { return t.PP + t.NN + t.PN + t.NP }

// text is a row of the table. Without a test, what is measured against chance
// is left out: too few features make it say anything.
func (t *Tested) text(reason bool) string {
	kappa, lift := t.Kappa, t.Lift
	if !t.Testable {
		kappa, lift = nil, nil
	}
	line := fmt.Sprintf("  %-8s %5d %7s %8.2f %7s %6s %8s %9s %3s %9d", t.Level, t.Lag, rounded("%.2f", t.Score), t.Strength,
		shown("%.3f", kappa), shown("%.2f", lift), shown("%.1f", t.Z), shown("%.2g", t.P), asked(t.By), t.overlap())
	if t.Dense {
		line += "  dense"
	}
	if reason && t.Reason != "" {
		line += "  " + t.Reason
	}
	return line + "\n"
}

// writeConflicts says which levels have cells in both tails, since these have
// fewer features than their names say.
func (c *Comparison) writeConflicts(b *strings.Builder) {
	for i, name := range []string{c.A, c.B} {
		var levels []string
		for _, t := range c.Levels {
			if cells := [2]int{t.FConflicts, t.GConflicts}[i]; cells > 0 {
				levels = append(levels, fmt.Sprintf("%d at %s", cells, t.Level))
			}
		}
		if len(levels) > 0 {
			fmt.Fprintf(b, "  %s: cells in both tails, %s, have the sign of the tail that they are deeper in, or none\n", name, enumerated(levels))
		}
	}
}

func bounds(i *[2]float64) string {
	if i == nil {
		return ""
	}
	return fmt.Sprintf(" [%s, %s]", rounded("%.2f", i[0]), rounded("%.2f", i[1]))
}

// writeNull writes the hypothesis that was tested.
func (c *Comparison) writeNull(b *strings.Builder) {
	t := c.at()
	fmt.Fprintf(b, "  the null: %s\n", strings.Replace(c.Null, ", the ", ",\n  the ", 1))
	if c.Dense {
		b.WriteString("  (dense: every level that could be tested marks more than half of the cells, which is no discovery)\n")
	}
	if c.Exploratory {
		fmt.Fprintf(b, "  (%d %s; exploratory: a season or a trend in common counts as moving together)\n", t.Weeks, c.Unit)
		return
	}
	fmt.Fprintf(b, "  (%d windows, %d %s, guard %s)\n", t.Windows, t.Weeks, c.Unit, shown("%.2f", t.Guard))
}
