package jobs

import (
	"fmt"
	"io"
	"time"

	"polygamy/datasets"
)

// A progressLine shows how far a load is, on one line of a terminal that is
// written again and again.
type progressLine struct {
	w     io.Writer // nil shows nothing
	now   func() time.Time
	label string
	begin time.Time
	shown time.Time
}

// begins starts the line of the next dataset.
func (p *progressLine) begins(label string) {
	p.label, p.begin, p.shown = label, p.now(), time.Time{}
}

// show rewrites the line, at most ten times a second.
func (p *progressLine) show(at datasets.Progress) {
	now := p.now()
	if p.w == nil || now.Sub(p.shown) < 100*time.Millisecond {
		return
	}
	p.shown = now
	seconds := max(now.Sub(p.begin).Seconds(), 1e-3)
	text := fmt.Sprintf("%s: %s rows, %s rows/s, %.0f MB/s", p.label, shortCount(float64(at.Rows)), shortCount(float64(at.Rows)/seconds), float64(at.Bytes)/seconds/1e6)
	if at.TotalRows > 0 && at.Rows > 0 {
		share := min(float64(at.Rows)/float64(at.TotalRows), 1)
		left := time.Duration(seconds * (1 - share) / share * float64(time.Second))
		text += fmt.Sprintf(", %.0f %%, %s left", 100*share, left.Round(time.Second))
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", text)
}

// end clears the line.
func (p *progressLine) end() {
	if p.w != nil && !p.shown.IsZero() {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// shortCount writes a number with three digits and a unit.
func shortCount(x float64) string {
	switch {
	case x >= 1e9:
		return fmt.Sprintf("%.3gG", x/1e9)
	case x >= 1e6:
		return fmt.Sprintf("%.3gM", x/1e6)
	case x >= 1e3:
		return fmt.Sprintf("%.3gk", x/1e3)
	}
	return fmt.Sprintf("%.0f", x)
}
