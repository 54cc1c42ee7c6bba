package jobs

import (
	"fmt"
	"image/color"
	"math"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"polygamy/datasets"
)

// A timeline draws two functions below each other over the time that both have,
// the features of each where they are counted, those that meet in full colour,
// and below them what each month adds to D.
type timeline struct {
	meeting    *meeting
	functions  [2]*datasets.Function // in the version that is drawn
	titles     [2]string
	units      [2]string
	events     [][2]time.Time // the largest ones, by the first function's clock
	first, end time.Time
}

// The colours are told apart by people who see two of three, too: vermilion and
// blue for signs, indigo and ochre for what agrees and differs.
var (
	positiveMet   = color.NRGBA{213, 94, 0, 255}
	positiveAlone = color.NRGBA{247, 205, 170, 255}
	negativeMet   = color.NRGBA{0, 114, 178, 255}
	negativeAlone = color.NRGBA{172, 210, 236, 255}
	agreeing      = color.NRGBA{51, 34, 136, 255}
	differing     = color.NRGBA{221, 160, 40, 255}
	rangeGrey     = color.Gray{185}
	notCounted    = color.Gray{241}
)

const (
	timelineWidth  = 13 * vg.Inch
	timelineHeight = 7.5 * vg.Inch
	eventsDrawn    = 5
)

// newTimeline draws two functions as they lie on each other in m.
func newTimeline(m *meeting, f, g *datasets.Function, titles, units [2]string) *timeline {
	t := &timeline{meeting: m, functions: [2]*datasets.Function{f, g}, titles: titles, units: units}
	begin := [2]time.Time{f.Axis.Start(0), g.Axis.Start(0)}
	end := [2]time.Time{f.Axis.Start(f.Axis.Len()), g.Axis.Start(g.Axis.Len())}
	if begin[0].Before(begin[1]) {
		begin[0], begin[1] = begin[1], begin[0]
	}
	if end[1].Before(end[0]) {
		end[0], end[1] = end[1], end[0]
	}
	if t.first, t.end = begin[0], end[0]; !t.first.Before(t.end) { // they do not meet: all of both
		t.first, t.end = begin[1], end[1]
	}
	return t
}

// A timeColumn is what falls on one column of a panel: the range of the values
// of the whole city; and how far its features reach, those that meet apart. Of
// regions that is the share of cells, below 0 for negative features.
type timeColumn struct {
	low, high float64
	reach     [4]float64 // positive alone, negative alone, positive that meet, negative that meet; NaN without
	counted   bool
}

func reachColours() [4]color.Color {
	return [4]color.Color{positiveAlone, negativeAlone, positiveMet, negativeMet}
}

// steps returns the first step of a function that is drawn, and how many are.
func (t *timeline) steps(side int) (first, n int) {
	a := t.functions[side].Axis
	first = a.Step(t.first)
	return first, max(1, a.Step(t.end.Add(-time.Nanosecond))-first+1)
}

// column returns the column of a step, of n columns; -1 outside.
func (t *timeline) column(side, step, n int) int {
	first, steps := t.steps(side)
	if step < first || step >= first+steps {
		return -1
	}
	return (step - first) * n / steps
}

// fill finds what falls on each column.
func (t *timeline) fill(side int) []timeColumn {
	_, n := t.steps(side)
	n = min(n, plotColumns)
	f := t.functions[side]
	columns := make([]timeColumn, n)
	none := math.NaN()
	for i := range columns {
		columns[i] = timeColumn{low: math.Inf(1), high: math.Inf(-1), reach: [4]float64{none, none, none, none}}
	}
	if t.meeting.regions > 1 {
		t.fillShares(side, columns)
		return columns
	}
	for step, x := range f.Values {
		if at := t.column(side, step, n); at >= 0 && !math.IsNaN(x) {
			columns[at].low, columns[at].high = min(columns[at].low, x), max(columns[at].high, x)
		}
	}
	m := t.meeting
	for slot := range m.slots() {
		step := int(m.steps[side][slot])
		if step < 0 || !m.counted(slot) {
			continue
		}
		at := t.column(side, step, n)
		if at < 0 {
			continue
		}
		c, x := &columns[at], f.Values[step]
		c.counted = true
		sign := m.signs[side][slot]
		if sign == 0 || math.IsNaN(x) {
			continue
		}
		r := &c.reach[reachOf(sign, m.pair(slot) != 0)]
		if math.IsNaN(*r) || float64(sign)*x > float64(sign)**r {
			*r = x
		}
	}
	return columns
}

// reachOf is the index of a sign in timeColumn.reach.
func reachOf(sign int8, met bool) int {
	i := 0
	if sign < 0 {
		i = 1
	}
	if met {
		i += 2
	}
	return i
}

// fillShares finds the shares of the counted cells, in per cent, that are
// features in each column; what is alone reaches beyond what meets.
func (t *timeline) fillShares(side int, columns []timeColumn) {
	m := t.meeting
	counts := make([][4]float64, len(columns))
	cells := make([]float64, len(columns))
	for v := range m.slots() * m.regions {
		slot := v / m.regions
		step := int(m.steps[side][slot])
		if step < 0 || !m.counted(v) {
			continue
		}
		at := t.column(side, step, len(columns))
		if at < 0 {
			continue
		}
		cells[at]++
		if sign := m.signs[side][v]; sign != 0 {
			counts[at][reachOf(sign, m.pair(v) != 0)]++
		}
	}
	for i, n := range counts {
		c := &columns[i]
		if cells[i] == 0 {
			continue
		}
		c.counted = true
		percent := 100 / cells[i]
		for k, sign := range []float64{1, -1} {
			if all := n[k] + n[k+2]; all > 0 {
				c.reach[k] = sign * all * percent
			}
			if n[k+2] > 0 {
				c.reach[k+2] = sign * n[k+2] * percent
			}
		}
	}
}

// baseline is the value that features reach out from: 0, or of a raw function
// of the whole city the median of its values.
func (t *timeline) baseline(side int) float64 {
	f := t.functions[side]
	if t.meeting.regions > 1 || f.Version == datasets.Anomaly {
		return 0
	}
	r, _ := f.Describe()
	return r.Median
}

// draw draws the timeline.
func (t *timeline) draw(c draw.Canvas) {
	c = draw.Crop(c, vg.Points(8), -vg.Points(16), vg.Points(4), -vg.Points(6))
	t.drawLegend(draw.Crop(c, 0, 0, c.Max.Y-c.Min.Y-vg.Points(legendHeight), 0))
	c = draw.Crop(c, 0, 0, 0, -vg.Points(legendHeight+6))
	plots := [][]*plot.Plot{{t.panel(0)}, {t.panel(1)}, {t.monthPanel()}}
	tiles := draw.Tiles{Rows: 3, Cols: 1, PadY: vg.Points(6)}
	for i, row := range plot.Align(plots, tiles, c) {
		plots[i][0].Draw(row[0])
	}
}

// panel draws one function.
func (t *timeline) panel(side int) *plot.Plot {
	p := newPanel(t.titles[side])
	t.timeAxis(p)
	columns := t.fill(side)
	base := t.baseline(side)
	low, high := base, base
	for _, c := range columns {
		if c.low <= c.high {
			low, high = min(low, c.low), max(high, c.high)
		}
		for _, x := range c.reach {
			if !math.IsNaN(x) {
				low, high = min(low, x), max(high, x)
			}
		}
	}
	if low == high {
		low, high = low-1, high+1
	}
	p.Y.Min, p.Y.Max = low-0.04*(high-low), high+0.12*(high-low)
	p.Y.Label.Text = t.units[side]
	if t.meeting.regions > 1 {
		p.Y.Label.Text = "% of cells that are features"
	}
	p.Add(&timelinePanel{t: t, columns: columns, base: base, numbered: side == 0})
	return p
}

func newPanel(title string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.TextStyle.Font.Size = vg.Points(11)
	p.Title.Padding = vg.Points(4)
	p.X.Tick.Marker, p.Y.Tick.Marker = plainTicks{}, roundTicks{}
	p.Y.Label.TextStyle.Font.Size = vg.Points(9)
	p.X.Label.TextStyle.Font.Size = vg.Points(9)
	p.X.Padding, p.Y.Padding = 0, 0
	return p
}

func (t *timeline) timeAxis(p *plot.Plot) {
	p.X.Min, p.X.Max = float64(t.first.Unix()), float64(t.end.Unix())
	p.X.Tick.Marker = plot.ConstantTicks(timeTicks(t.first, t.end))
}

// A timelinePanel is the plotter of a function.
type timelinePanel struct {
	t        *timeline
	columns  []timeColumn
	base     float64
	numbered bool
}

// Plot implements plot.Plotter.
func (l *timelinePanel) Plot(c draw.Canvas, p *plot.Plot) {
	_, toY := p.Transforms(&c)
	n := vg.Length(len(l.columns))
	x := func(i int) vg.Length { return c.Min.X + (c.Max.X-c.Min.X)*vg.Length(i)/n }
	width := max((c.Max.X-c.Min.X)/n, vg.Points(0.8))
	c.SetColor(notCounted)
	for i, col := range l.columns {
		if !col.counted {
			c.Fill(rectangle(x(i), c.Min.Y, x(i+1), c.Max.Y))
		}
	}
	c.SetColor(rangeGrey)
	for i, col := range l.columns {
		if col.low <= col.high {
			from, to := toY(min(col.low, l.base)), toY(max(col.high, l.base))
			c.Fill(rectangle(x(i), from, x(i)+width, max(to, from+vg.Points(0.5))))
		}
	}
	for kind, colour := range reachColours() {
		c.SetColor(colour)
		for i, col := range l.columns {
			if y := col.reach[kind]; !math.IsNaN(y) {
				from, to := toY(l.base), toY(y)
				c.Fill(rectangle(x(i), min(from, to), x(i)+max(width, vg.Points(1.2)), max(from, to)))
			}
		}
	}
	l.t.drawEvents(c, p, l.numbered)
}

// drawEvents marks the largest events, with their numbers if that is wanted.
func (t *timeline) drawEvents(c draw.Canvas, p *plot.Plot, numbered bool) {
	toX, _ := p.Transforms(&c)
	style := text.Style{Color: color.Black, Font: font.From(plot.DefaultFont, vg.Points(9)), Handler: plot.DefaultTextHandler, XAlign: text.XCenter, YAlign: text.YTop}
	var taken []vg.Length
	for i, e := range t.events {
		at := toX(float64(e[0].Unix()+e[1].Unix()) / 2)
		if at < c.Min.X || at > c.Max.X {
			continue
		}
		c.SetColor(color.Gray{90})
		c.SetLineWidth(vg.Points(0.5))
		c.SetLineDash([]vg.Length{vg.Points(2), vg.Points(3)}, 0)
		var line vg.Path
		line.Move(vg.Point{X: at, Y: c.Min.Y})
		line.Line(vg.Point{X: at, Y: c.Max.Y})
		c.Stroke(line)
		c.SetLineDash(nil, 0)
		if !numbered {
			continue
		}
		label := at
		for moved := true; moved; { // beside those that are there
			moved = false
			for _, x := range taken {
				if label > x-vg.Points(9) && label < x+vg.Points(9) {
					label, moved = x+vg.Points(9), true
				}
			}
		}
		taken = append(taken, label)
		c.SetColor(color.White)
		c.Fill(rectangle(label-vg.Points(4), c.Max.Y-vg.Points(11), label+vg.Points(4), c.Max.Y-vg.Points(1)))
		c.FillText(style, vg.Point{X: label, Y: c.Max.Y - vg.Points(1)}, fmt.Sprint(i+1))
	}
}

// A monthBar is what a month, or a week of a short record, adds to D.
type monthBar struct {
	from, to      time.Time
	agree, differ int
}

// months sums up what each month adds to D; of less than four months, weeks.
func (t *timeline) months() (bars []monthBar, unit string) {
	months, days := 1, 0
	from := time.Date(t.first.Year(), t.first.Month(), 1, 0, 0, 0, 0, t.first.Location())
	if unit = "month"; t.end.Sub(t.first) < 120*24*time.Hour {
		unit, months, days = "week", 0, 7
		from = time.Date(t.first.Year(), t.first.Month(), t.first.Day()-(int(t.first.Weekday())+6)%7, 0, 0, 0, 0, t.first.Location())
	}
	for from.Before(t.end) {
		to := from.AddDate(0, months, days)
		bars = append(bars, monthBar{from: from, to: to})
		from = to
	}
	m, i := t.meeting, 0
	for slot := range m.slots() {
		at, step := m.start(0, slot)
		if step < 0 || at.Before(t.first) || !at.Before(t.end) {
			continue
		}
		for i+1 < len(bars) && !at.Before(bars[i].to) {
			i++
		}
		for v := slot * m.regions; v < (slot+1)*m.regions; v++ {
			switch m.agreement(v) {
			case 1:
				bars[i].agree++
			case -1:
				bars[i].differ++
			}
		}
	}
	return bars, unit
}

// monthPanel draws what each month adds to D.
func (t *timeline) monthPanel() *plot.Plot {
	bars, unit := t.months()
	p := newPanel("Where they meet: cells of each " + unit + " that agree in sign, up, and that differ, down; line: their difference, part of D")
	t.timeAxis(p)
	p.X.Label.Text = "local date, " + t.first.Location().String()
	p.Y.Label.Text = "cells"
	most, least := 1.0, -1.0
	for _, b := range bars {
		most, least = max(most, float64(b.agree)), min(least, -float64(b.differ))
	}
	p.Y.Min, p.Y.Max = least*1.08, most*1.08
	p.Add(&monthPlotter{t, bars})
	return p
}

type monthPlotter struct {
	t    *timeline
	bars []monthBar
}

// Plot implements plot.Plotter.
func (l *monthPlotter) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	for _, b := range l.bars {
		from := max(toX(float64(b.from.Unix())), c.Min.X) + vg.Points(0.6)
		to := min(toX(float64(b.to.Unix())), c.Max.X) - vg.Points(0.6)
		if to <= from {
			continue
		}
		c.SetColor(agreeing)
		c.Fill(rectangle(from, toY(0), to, toY(float64(b.agree))))
		c.SetColor(differing)
		c.Fill(rectangle(from, toY(-float64(b.differ)), to, toY(0)))
		if b.agree > 0 && b.differ > 0 {
			y := toY(float64(b.agree - b.differ))
			c.SetColor(color.White)
			c.Fill(rectangle(from, y-vg.Points(1.6), to, y+vg.Points(1.6)))
			c.SetColor(color.Black)
			c.Fill(rectangle(from, y-vg.Points(0.8), to, y+vg.Points(0.8)))
		}
	}
	c.SetColor(ink)
	c.SetLineWidth(vg.Points(0.5))
	var zero vg.Path
	zero.Move(vg.Point{X: c.Min.X, Y: toY(0)})
	zero.Line(vg.Point{X: c.Max.X, Y: toY(0)})
	c.Stroke(zero)
	l.t.drawEvents(c, p, false)
}

// drawLegend names the colours.
func (t *timeline) drawLegend(c draw.Canvas) {
	type entry struct {
		colour color.Color
		name   string
	}
	entries := []entry{{positiveMet, "spike that meets a feature"}, {positiveAlone, "spike alone"}, {negativeMet, "valley that meets one"}, {negativeAlone, "valley alone"}}
	if t.meeting.regions == 1 {
		name := "value"
		if _, n := t.steps(0); n > plotColumns {
			name = fmt.Sprintf("range of the values of %.2g %ss", float64(n)/plotColumns, t.functions[0].Axis.Resolution)
		}
		entries = append(entries, entry{rangeGrey, name})
	}
	entries = append(entries, entry{notCounted, "not counted"}, entry{agreeing, "signs agree"}, entry{differing, "signs differ"})
	style := text.Style{Color: ink, Font: font.From(plot.DefaultFont, vg.Points(9)), Handler: plot.DefaultTextHandler, YAlign: text.YCenter}
	x, y, side := c.Min.X+vg.Points(30), (c.Min.Y+c.Max.Y)/2, vg.Points(8)
	for _, e := range entries {
		c.SetColor(e.colour)
		c.Fill(rectangle(x, y-side/2, x+side, y+side/2))
		c.FillText(style, vg.Point{X: x + side + vg.Points(4), Y: y}, e.name)
		x += side + 1.2*style.Width(e.name) + vg.Points(12) // an SVG may be shown in a wider font
	}
	if len(t.events) > 0 {
		name := "1  the largest event"
		if len(t.events) > 1 {
			name = fmt.Sprintf("1 to %d  the largest events", len(t.events))
		}
		c.FillText(style, vg.Point{X: x, Y: y}, name)
	}
}

// roundTicks are about four ticks at multiples of 1, 2 or 5, 0 among them.
type roundTicks struct{}

// Ticks implements plot.Ticker.
func (roundTicks) Ticks(low, high float64) (ticks []plot.Tick) {
	size := (high - low) / 4
	unit := math.Pow(10, math.Floor(math.Log10(size)))
	for _, k := range []float64{5, 2} {
		if size >= k*unit {
			unit *= k
			break
		}
	}
	for i := math.Ceil(low/unit) + 0; i*unit <= high; i++ { // + 0: never -0
		ticks = append(ticks, plot.Tick{Value: i * unit, Label: roundedText(i * unit)})
	}
	return ticks
}
