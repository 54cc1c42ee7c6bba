package jobs

import (
	"errors"
	"fmt"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const lagWidth = 4 * vg.Inch

// plotComparison draws the first version that has features: both functions over
// time, and the profile over the lags if there are several.
func plotComparison(results []*Comparison, name string) error {
	i := slices.IndexFunc(results, func(c *Comparison) bool { return c.question != nil })
	if i < 0 {
		return inputError(fmt.Errorf("--plot %s: there is nothing to draw: %w", name, errors.New(results[0].Reason)))
	}
	c := results[i]
	q := c.question
	f, g := q.marks[0][q.level], q.marks[1][q.level]
	var rows []int
	for _, w := range q.null.LagWindows(f, g, q.regions(), q.lags) {
		rows = append(rows, w...)
	}
	m, err := newMeeting(q.f, q.g, f, g, c.Lag, rows)
	if err != nil {
		return err
	}
	what := c.Version + " " + q.levels[q.level]
	titles := [2]string{"a: " + c.A + ", " + what, "b: " + c.B + ", " + what}
	if c.Lag != 0 {
		titles[1] += fmt.Sprintf(", at lag %d", c.Lag)
	}
	units := [2]string{"value", "value"}
	if c.Version == "anomaly" {
		units = [2]string{"standard deviations", "standard deviations"}
	}
	t := newTimeline(m, q.f, q.g, titles, units)
	width := timelineWidth
	if len(c.Lags) > 1 {
		width += lagWidth
	}
	return outputError(savePicture(name, width, timelineHeight, func(canvas draw.Canvas) {
		if len(c.Lags) > 1 {
			c.lagPanel().Draw(draw.Crop(canvas, timelineWidth+vg.Points(4), -vg.Points(16), vg.Points(4), -vg.Points(legendHeight+12)))
			canvas = draw.Crop(canvas, 0, -lagWidth, 0, 0)
		}
		t.draw(canvas)
	}))
}

// lagPanel draws kappa over the lags, filled where the finding holds, the search
// paid for; score times strength where nothing could be tested.
func (c *Comparison) lagPanel() *plot.Plot {
	p := newPanel("Lags at " + c.question.levels[c.question.level] + "; full: p holds at 0.05")
	p.X.Label.Text = fmt.Sprintf("lag in %ss: above 0 b comes later", c.step)
	p.X.Tick.Marker = roundTicks{}
	p.Y.Label.Text = "kappa, strength beyond the routine"
	l := &lagPlotter{c: c, kappa: slices.ContainsFunc(c.Lags, func(t Tested) bool { return t.Kappa != nil })}
	if !l.kappa {
		p.Title.Text, p.Y.Label.Text = "Lags at "+c.question.levels[c.question.level]+", untested", "score times strength"
	}
	p.X.Min, p.X.Max = float64(c.Lags[0].Lag)-0.5, float64(c.Lags[len(c.Lags)-1].Lag)+0.5
	low, high := 0.0, 0.0
	for i := range c.Lags {
		if y, ok := l.value(&c.Lags[i]); ok {
			low, high = min(low, y), max(high, y)
		}
	}
	if low == high {
		low, high = -0.1, 0.1
	}
	p.Y.Min, p.Y.Max = low-0.05*(high-low), high+0.05*(high-low)
	p.Add(l)
	return p
}

type lagPlotter struct {
	c     *Comparison
	kappa bool
}

// value is the height of a lag, if it has one.
func (l *lagPlotter) value(t *Tested) (float64, bool) {
	switch {
	case !l.kappa:
		return t.Score * t.Strength, true
	case t.Kappa == nil:
		return 0, false
	}
	return *t.Kappa, true
}

// Plot implements plot.Plotter.
func (l *lagPlotter) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	c.SetColor(ink)
	c.SetLineWidth(vg.Points(0.5))
	var zero vg.Path
	zero.Move(vg.Point{X: c.Min.X, Y: toY(0)})
	zero.Line(vg.Point{X: c.Max.X, Y: toY(0)})
	c.Stroke(zero)
	half := min((toX(1)-toX(0))*0.38, vg.Points(8))
	for i := range l.c.Lags {
		t := &l.c.Lags[i]
		y, ok := l.value(t)
		if !ok {
			continue
		}
		colour := agreeing
		if y < 0 {
			colour = differing
		}
		bar := rectangle(toX(float64(t.Lag))-half, min(toY(0), toY(y)), toX(float64(t.Lag))+half, max(toY(0), toY(y)))
		c.SetColor(colour)
		if t.P != nil && l.c.Effective**t.P <= alpha {
			c.Fill(bar)
		}
		c.SetLineWidth(vg.Points(0.9))
		c.Stroke(bar)
	}
}
