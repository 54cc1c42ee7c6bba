package jobs

import "fmt"

// doubtfulGuard is from where the long-memory guard says that the null is in
// doubt.
const doubtfulGuard = 1.5

// finding is what was found in a sentence.
func (c *Comparison) finding() string {
	switch {
	case !c.Testable:
		return "not tested: " + c.Reason
	case *c.P > alpha:
		s := fmt.Sprintf("not distinguishable from chance, p = %.3g", *c.P)
		if n := c.testedLevels(); n < len(c.Levels) {
			s += fmt.Sprintf("; %d of %d levels could be tested", n, len(c.Levels))
		}
		return s
	}
	t := c.at()
	s := fmt.Sprintf("%s, p = %.3g, score %s at %s", c.direction(t), *c.P, rounded("%.2f", t.Score), t.Level)
	if c.Lag != 0 {
		s += c.lead()
	}
	if c.From == c.To {
		s += "; it holds at " + c.From
	} else {
		s += fmt.Sprintf("; it holds from %s to %s", c.From, c.To)
	}
	if t.Guard != nil && *t.Guard > doubtfulGuard {
		s += fmt.Sprintf("; in doubt: features last for weeks, guard %.2f", *t.Guard)
	}
	return s
}

// direction says how two functions are related: by the signed overlap if that
// holds on its own, the search paid for, or else by the rarest of the overlaps.
func (c *Comparison) direction(t *Tested) string {
	move, are := "move", "are"
	if c.Exploratory || c.Dense {
		move, are = "may move", "may be"
	}
	if c.Effective*2**t.PD <= alpha { // 2: the other half of the level is the overlaps'
		switch {
		case *t.Z < 0 && t.Score > 0:
			return fmt.Sprintf("they %s against each other, beneath a routine in common", move)
		case *t.Z < 0:
			return fmt.Sprintf("they %s against each other", move)
		case t.Score < 0:
			return fmt.Sprintf("they %s together, beneath opposite routines", move)
		}
		return fmt.Sprintf("they %s together", move)
	}
	meeting := "spikes of both"
	switch least := min(*t.PPP, *t.PNN, *t.PPN, *t.PNP); least {
	case *t.PNN:
		meeting = "valleys of both"
	case *t.PPN:
		meeting = "spikes of the first and valleys of the second"
	case *t.PNP:
		meeting = "valleys of the first and spikes of the second"
	}
	return fmt.Sprintf("they %s related without a common direction: %s meet more than by chance", are, meeting)
}

func (c *Comparison) testedLevels() int {
	n := 0
	for i := range c.Levels {
		if c.Levels[i].Testable {
			n++
		}
	}
	return n
}
