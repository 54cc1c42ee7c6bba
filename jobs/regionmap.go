package jobs

import (
	"cmp"
	"context"
	"fmt"
	"image/color"
	"math"
	"path/filepath"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"polygamy/datasets"
)

// A regionMap colours regions by numbers around 0.
type regionMap struct {
	title    string
	ids      []string
	names    []string
	values   []float64 // NaN: without a value
	outlines map[string][][][2]float64
}

const (
	mapWidth    = 5 * vg.Inch
	namesOnMap  = 5
	finestShape = 0.4 // points: outlines are not drawn finer than that
)

// draw draws the map, north up.
func (m *regionMap) draw(c draw.Canvas) {
	c = draw.Crop(c, vg.Points(6), -vg.Points(10), vg.Points(8), -vg.Points(8))
	style := text.Style{Color: color.Black, Font: font.From(plot.DefaultFont, vg.Points(11)), Handler: plot.DefaultTextHandler, XAlign: text.XCenter, YAlign: text.YTop}
	c.FillText(style, vg.Point{X: (c.Min.X + c.Max.X) / 2, Y: c.Max.Y}, m.title)
	largest := 0.0
	for _, x := range m.values {
		if !math.IsNaN(x) {
			largest = max(largest, abs(x))
		}
	}
	m.drawScale(draw.Crop(c, 0, 0, 0, vg.Points(34)-(c.Max.Y-c.Min.Y)), largest)
	area := draw.Crop(c, 0, 0, vg.Points(44), -vg.Points(20))
	project := m.projection(area)
	for i, id := range m.ids {
		shape := mapShape(m.outlines[id], project)
		if len(shape) == 0 {
			continue
		}
		c.SetColor(mapColour(m.values[i], largest))
		c.Fill(shape)
		c.SetColor(color.Gray{150})
		c.SetLineWidth(vg.Points(0.3))
		c.Stroke(shape)
	}
	m.drawNames(c, project)
}

// projection returns where a point of the map is, equal lengths of degrees in
// the middle of the map being equal lengths on it.
func (m *regionMap) projection(c draw.Canvas) func(p [2]float64) vg.Point {
	low, high := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	for _, id := range m.ids {
		for _, ring := range m.outlines[id] {
			for _, p := range ring {
				for k := range p {
					low[k], high[k] = min(low[k], p[k]), max(high[k], p[k])
				}
			}
		}
	}
	squeeze := math.Cos((low[1] + high[1]) / 2 * math.Pi / 180)
	width, height := max((high[0]-low[0])*squeeze, 1e-9), max(high[1]-low[1], 1e-9)
	scale := min(float64(c.Max.X-c.Min.X)/width, float64(c.Max.Y-c.Min.Y)/height)
	left := (float64(c.Min.X+c.Max.X) - width*scale) / 2
	bottom := (float64(c.Min.Y+c.Max.Y) - height*scale) / 2
	return func(p [2]float64) vg.Point {
		return vg.Point{X: vg.Length(left + (p[0]-low[0])*squeeze*scale), Y: vg.Length(bottom + (p[1]-low[1])*scale)}
	}
}

// mapShape is the path of a region's rings.
func mapShape(rings [][][2]float64, project func([2]float64) vg.Point) (shape vg.Path) {
	for _, ring := range rings {
		var last vg.Point
		for i, p := range ring {
			at := project(p)
			switch {
			case i == 0:
				shape.Move(at)
			case math.Hypot(float64(at.X-last.X), float64(at.Y-last.Y)) < finestShape:
				continue
			default:
				shape.Line(at)
			}
			last = at
		}
		shape.Close()
	}
	return shape
}

// mapColour goes from ochre, what differs, over white to indigo.
func mapColour(x, largest float64) color.Color {
	if math.IsNaN(x) {
		return color.Gray{225}
	}
	full, share := agreeing, 0.0
	if largest > 0 {
		share = math.Sqrt(abs(x) / largest) // so that small parts are seen
	}
	if x < 0 {
		full = differing
	}
	mix := func(to uint8) uint8 { return uint8(255*(1-share) + float64(to)*share) }
	return color.NRGBA{mix(full.R), mix(full.G), mix(full.B), 255}
}

// drawScale draws the colours of the map.
func (m *regionMap) drawScale(c draw.Canvas, largest float64) {
	style := text.Style{Color: ink, Font: font.From(plot.DefaultFont, vg.Points(9)), Handler: plot.DefaultTextHandler, XAlign: text.XCenter, YAlign: text.YBottom}
	const parts = 120
	from, to := c.Min.X+vg.Points(30), c.Max.X-vg.Points(30)
	x := func(i int) vg.Length { return from + (to-from)*vg.Length(i)/parts }
	for i := range parts {
		c.SetColor(mapColour((float64(i)+0.5)/parts*2*max(largest, 1)-max(largest, 1), max(largest, 1)))
		c.Fill(rectangle(x(i), c.Min.Y+vg.Points(14), to, c.Min.Y+vg.Points(24))) // the next ones cover the rest, without seams
	}
	c.FillText(style, vg.Point{X: from, Y: c.Min.Y}, roundedText(-max(largest, 1)))
	c.FillText(style, vg.Point{X: (from + to) / 2, Y: c.Min.Y}, "0")
	c.FillText(style, vg.Point{X: to, Y: c.Min.Y}, roundedText(max(largest, 1)))
	c.FillText(style, vg.Point{X: (from + to) / 2, Y: c.Min.Y + vg.Points(25)}, "cells that agree less those that differ; grey: none")
}

// drawNames names the regions of the largest numbers.
func (m *regionMap) drawNames(c draw.Canvas, project func([2]float64) vg.Point) {
	var order []int
	for i, x := range m.values {
		if !math.IsNaN(x) && x != 0 && len(m.outlines[m.ids[i]]) > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(abs(m.values[j]), abs(m.values[i])) })
	style := text.Style{Color: color.Black, Font: font.From(plot.DefaultFont, vg.Points(8)), Handler: plot.DefaultTextHandler, XAlign: text.XCenter, YAlign: text.YCenter}
	for _, i := range order[:min(len(order), namesOnMap)] {
		// The middle of the ring that has most points, which is where the region is.
		ring := slices.MaxFunc(m.outlines[m.ids[i]], func(a, b [][2]float64) int { return cmp.Compare(len(a), len(b)) })
		var x, y float64
		for _, p := range ring {
			x, y = x+p[0]/float64(len(ring)), y+p[1]/float64(len(ring))
		}
		at := project([2]float64{x, y})
		label := fmt.Sprintf("%s: %s", m.names[i], roundedText(m.values[i]))
		half, tall := style.Width(label)/2+vg.Points(2), vg.Points(5)
		at.X = min(max(at.X, c.Min.X+half), c.Max.X-half)
		c.SetColor(color.NRGBA{255, 255, 255, 210})
		c.Fill(rectangle(at.X-half, at.Y-tall, at.X+half, at.Y+tall))
		c.FillText(style, at, label)
	}
}

// plot draws the timeline, and if there are regions with polygons the map.
func (e *Explanation) plot(ctx context.Context, m *manifest, name string) error {
	what := e.Version + " " + e.Level
	titles := [2]string{"a: " + e.A.Name + ", " + what, "b: " + e.B.Name + ", " + what}
	if e.Lag != 0 {
		titles[1] += fmt.Sprintf(", at lag %d", e.Lag)
	}
	t := newTimeline(e.meeting, e.sides[0].version, e.sides[1].version, titles, [2]string{e.A.Version, e.B.Version})
	for i := range e.Events {
		x := &e.Events[i]
		if x.D*e.way() > 0 && len(t.events) < eventsDrawn {
			start, err := time.Parse(time.RFC3339, x.Start)
			end, err2 := time.Parse(time.RFC3339, x.End)
			if err == nil && err2 == nil { // as place writes them
				t.events = append(t.events, [2]time.Time{start, end})
			}
		}
	}
	regions := e.regionMap(ctx, m)
	width := timelineWidth
	if regions != nil {
		width += mapWidth
	}
	return outputError(savePicture(name, width, timelineHeight, func(c draw.Canvas) {
		if regions != nil {
			regions.draw(draw.Crop(c, timelineWidth, 0, 0, 0))
			c = draw.Crop(c, 0, -mapWidth, 0, 0)
		}
		t.draw(c)
	}))
}

// regionMap returns the map of D, or nil and a note if the polygons are not
// there any more.
func (e *Explanation) regionMap(ctx context.Context, m *manifest) *regionMap {
	if len(e.Regions) == 0 {
		return nil
	}
	system := e.sides[0].raw.Regions.Name
	catalog, err := datasets.ReadCatalog(ctx, datasets.Disk{}, m.Catalog)
	var outlines map[string][][][2]float64
	if err == nil {
		outlines, err = datasets.Outlines(ctx, datasets.Disk{}, catalog, system)
	}
	if err != nil {
		where := m.Catalog
		if absolute, e := filepath.Abs(m.Catalog); e == nil {
			where = absolute
		}
		e.Notes = append(e.Notes, fmt.Sprintf("the map is left out, the regions %s of %s cannot be read: %v", system, where, err))
		return nil
	}
	r := &regionMap{title: "Where they meet: D by region", outlines: outlines}
	for _, x := range e.Regions {
		value := math.NaN()
		if x.Cells > 0 {
			value = float64(x.D)
		}
		r.ids, r.names, r.values = append(r.ids, x.Region), append(r.names, x.Name), append(r.values, value)
	}
	return r
}
