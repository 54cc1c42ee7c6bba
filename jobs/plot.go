package jobs

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"polygamy/topology"
)

// The picture of a field: its values over time with the features at every
// level, and the persistence diagram beside it.
const (
	pictureWidth  = 13 * vg.Inch
	pictureHeight = 6.5 * vg.Inch
	diagramShare  = 0.3  // of the width
	plotColumns   = 1000 // columns of time: more would fall on one pixel
	diagramPoints = 3000 // of each tree: the rest would lie on the diagonal
)

func checkPlotName(name string) error {
	switch strings.ToLower(filepath.Ext(name)) {
	case "":
		if name == "" {
			return nil
		}
	case ".svg", ".png":
		return nil
	}
	return usageErrorf("--plot %s: the name must end in .svg or .png", name)
}

// plot writes the picture to a file.
func (a *fieldAnalysis) plot(name string) error {
	return savePicture(name, pictureWidth, pictureHeight, a.draw)
}

// savePicture writes what paint draws to a file, an SVG by its name or else a
// PNG.
func savePicture(name string, width, height vg.Length, paint func(draw.Canvas)) error {
	var canvas interface {
		vg.CanvasSizer
		vg.CanvasWriterTo
	}
	if strings.EqualFold(filepath.Ext(name), ".svg") {
		canvas = vgsvg.New(width, height)
	} else {
		canvas = vgimg.PngCanvas{Canvas: vgimg.New(width, height)}
	}
	paint(draw.New(canvas))
	var picture bytes.Buffer
	if _, err := canvas.WriteTo(&picture); err != nil {
		return fmt.Errorf("draw %s: %w", name, err)
	}
	return os.WriteFile(name, mendSVG(picture.Bytes()), 0o666)
}

// mendSVG corrects how gonum/plot 0.17 embeds an image in an SVG: it declares
// a PNG to be a JPEG, which browsers forgive and other programs do not, and
// lets the image keep its proportions, which shifts it against the axes.
func mendSVG(picture []byte) []byte {
	picture = bytes.ReplaceAll(picture, []byte("data:image/jpg;base64,"), []byte("data:image/png;base64,"))
	return bytes.ReplaceAll(picture, []byte("<image "), []byte(`<image preserveAspectRatio="none" `))
}

func (a *fieldAnalysis) draw(c draw.Canvas) {
	c = draw.Crop(c, vg.Points(8), -vg.Points(24), 0, -vg.Points(6))
	levels, shades := a.rarestLevels()
	a.drawLegend(draw.Crop(c, 0, 0, 0, legendHeight-(c.Max.Y-c.Min.Y)), shades)
	c = draw.Crop(c, 0, 0, legendHeight+vg.Points(4), 0)
	split := (c.Max.X - c.Min.X) * diagramShare
	left := draw.Crop(c, 0, -split, 0, 0)
	right := draw.Crop(c, c.Max.X-c.Min.X-split+vg.Points(12), 0, 0, 0)
	if len(a.field.Regions) == 1 {
		a.seriesPlot(levels, shades).Draw(left)
	} else {
		middle := (c.Max.Y - c.Min.Y) / 2
		title := filepath.Base(a.name) + ": values, by rank, the lowest dark, the highest bright"
		a.imagePlot(title, a.valueImage()).Draw(draw.Crop(left, 0, 0, middle+vg.Points(4), 0))
		a.imagePlot("Features: spikes red, valleys blue, missing grey", a.featureImage(levels, shades)).Draw(draw.Crop(left, 0, 0, 0, -middle-vg.Points(4)))
	}
	a.diagram().Draw(right)
}

const (
	legendHeight = 14 // points
	legendItems  = 10 // more do not fit
)

// drawLegend names the shades of the levels.
func (a *fieldAnalysis) drawLegend(c draw.Canvas, shades shades) {
	style := text.Style{Color: ink, Font: font.From(plot.DefaultFont, vg.Points(9)), Handler: plot.DefaultTextHandler, YAlign: text.YCenter}
	x, y, side := c.Min.X+vg.Points(40), (c.Min.Y+c.Max.Y)/2, vg.Points(8)
	for i, class := range a.classes[:min(len(a.classes), legendItems)] {
		for _, level := range []int{i + 1, -i - 1} {
			c.SetColor(shades[level])
			c.Fill(rectangle(x, y-side/2, x+side, y+side/2))
			x += side + vg.Points(2)
		}
		c.FillText(style, vg.Point{X: x + vg.Points(2), Y: y}, class.Class)
		x += style.Width(class.Class) + vg.Points(14)
	}
}

// rarestLevels returns, step-major, the sign of every cell times the number of
// its rarest class, from 1; 0 where no class marks it. It also chooses the
// shade of each level.
func (a *fieldAnalysis) rarestLevels() ([]int, shades) {
	regions := len(a.field.Regions)
	levels := make([]int, regions*a.field.Axis.Len())
	colours := make(shades)
	_, covered := summarizeValues(a.field.Values)
	a.forEachMap(func(class int, sign func(region, step int) int) bool {
		marked := map[int]int{1: 0, -1: 0}
		for v := range levels {
			s := sign(v%regions, v/regions)
			marked[s]++
			if levels[v] == 0 {
				levels[v] = (class + 1) * s
			}
		}
		for _, s := range []int{1, -1} {
			colours[(class+1)*s] = shade(s, float64(marked[s])/float64(covered))
		}
		return true
	})
	return levels, colours
}

// shades holds the colour of each level, a class's number from 1 times the
// sign.
type shades map[int]color.Color

// shade returns the colour of a level that marks a share of the cells: dark if
// it is 1 % or less, pale if it is 20 % or more.
func shade(sign int, share float64) color.Color {
	x := min(max(math.Log(share/0.01)/math.Log(0.20/0.01), 0), 1)
	if share == 0 || share != share {
		x = 0
	}
	mix := func(dark, light uint8) uint8 { return uint8(float64(dark)*(1-x) + float64(light)*x) }
	if sign > 0 {
		return color.NRGBA{mix(165, 253), mix(0, 208), mix(38, 162), 255}
	}
	return color.NRGBA{mix(8, 198), mix(48, 219), mix(107, 239), 255}
}

var (
	ink       = color.Gray{70}
	paleInk   = color.Gray{150}
	missingIn = color.NRGBA{225, 225, 225, 255}
)

// column returns the column of a step, of n columns.
func (a *fieldAnalysis) column(step, n int) int { return step * n / a.field.Axis.Len() }

func (a *fieldAnalysis) newPlot(title string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.TextStyle.Font.Size = vg.Points(11)
	p.Title.Padding = vg.Points(6)
	p.X.Tick.Marker, p.Y.Tick.Marker = plainTicks{}, plainTicks{}
	return p
}

// timeAxis gives the x axis of p, in seconds since the epoch, local dates.
func (a *fieldAnalysis) timeAxis(p *plot.Plot) {
	first, end := a.field.Axis.Start(0), a.field.Axis.Start(a.field.Axis.Len())
	p.X.Min, p.X.Max = float64(first.Unix()), float64(end.Unix())
	p.X.Tick.Marker = plot.ConstantTicks(timeTicks(first, end))
}

// timeTicks puts about eight ticks on local midnights, firsts of months or
// firsts of January.
func timeTicks(first, end time.Time) []plot.Tick {
	const aim = 8
	days := end.Sub(first).Hours() / 24
	next := func(t time.Time, n int) time.Time { return t.AddDate(0, n, 0) }
	format, unit := "2006-01", roundMonths(days/30.4/aim)
	at := time.Date(first.Year(), first.Month(), 1, 0, 0, 0, 0, first.Location())
	switch {
	case days < 3:
		next = func(t time.Time, n int) time.Time { return t.Add(time.Duration(n) * time.Hour) }
		format, unit = "01-02 15:04", max(1, int(days*24/aim+0.5))
		at = first.Truncate(time.Hour)
	case days < 60:
		next = func(t time.Time, n int) time.Time { return t.AddDate(0, 0, n) }
		format, unit = "2006-01-02", max(1, int(days/aim+0.5))
		at = time.Date(first.Year(), first.Month(), first.Day(), 0, 0, 0, 0, first.Location())
	case days > 8*366:
		next = func(t time.Time, n int) time.Time { return t.AddDate(n, 0, 0) }
		format, unit = "2006", max(1, int(days/365/aim+0.5))
		at = time.Date(first.Year(), time.January, 1, 0, 0, 0, 0, first.Location())
	}
	var ticks []plot.Tick
	for ; !at.After(end); at = next(at, unit) {
		if !at.Before(first) {
			ticks = append(ticks, plot.Tick{Value: float64(at.Unix()), Label: at.Format(format)})
		}
	}
	return ticks
}

// roundMonths returns a number of months that divides a year.
func roundMonths(months float64) int {
	for _, n := range []int{1, 2, 3, 6} {
		if months <= 1.2*float64(n) {
			return n
		}
	}
	return 12
}

// plainTicks are the default ticks with numbers as people write them.
type plainTicks struct{}

// Ticks implements plot.Ticker.
func (plainTicks) Ticks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i := range ticks {
		if !ticks[i].IsMinor() {
			ticks[i].Label = roundedText(ticks[i].Value)
		}
	}
	return ticks
}

// seriesPlot draws a city-wide series with its features.
func (a *fieldAnalysis) seriesPlot(levels []int, shades shades) *plot.Plot {
	p := a.newPlot(filepath.Base(a.name) + ": spikes red, valleys blue")
	a.timeAxis(p)
	s := &series{a: a, levels: levels, shades: shades}
	p.Add(s)
	low, high := math.Inf(1), math.Inf(-1)
	for _, x := range a.field.Values {
		if x == x {
			low, high = min(low, x), max(high, x)
		}
	}
	if low > high {
		low, high = 0, 1
		p.Title.Text = filepath.Base(a.name) + ": no values"
	}
	margin := (high - low) * 0.04
	if margin == 0 {
		margin = 1
	}
	p.Y.Min, p.Y.Max = low-margin, high+margin
	return p
}

// A series is a plotter of a city-wide function. Where several steps fall on
// one column it draws their range, so that no spike is lost.
type series struct {
	a      *fieldAnalysis
	levels []int
	shades shades
}

// Plot implements plot.Plotter.
func (s *series) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	axis := s.a.field.Axis
	x := func(step int) vg.Length { return toX(float64(axis.Start(step).Unix())) }
	n := min(axis.Len(), plotColumns)
	// The line, broken where a value is missing.
	c.SetColor(paleInk)
	c.SetLineWidth(vg.Points(0.6))
	var line vg.Path
	for step := 0; step < axis.Len(); {
		first := step
		low, high := math.Inf(1), math.Inf(-1)
		for step < axis.Len() && s.a.column(step, n) == s.a.column(first, n) {
			if v := s.a.field.Values[step]; v == v {
				low, high = min(low, v), max(high, v)
			}
			step++
		}
		at := (x(first) + x(step)) / 2
		switch {
		case low > high:
			c.Stroke(line)
			line = line[:0]
			continue
		case len(line) == 0:
			line.Move(vg.Point{X: at - vg.Points(0.4), Y: toY(low)}) // so that a lone value is seen
		}
		line.Line(vg.Point{X: at, Y: toY(low)})
		line.Line(vg.Point{X: at, Y: toY(high)})
	}
	c.Stroke(line)
	// The common levels first, so that rare ones stand before them.
	for level := len(s.a.classes); level >= 1; level-- {
		s.shadeLevel(c, level, n, x, toY)
		s.shadeLevel(c, -level, n, x, toY)
	}
}

// shadeLevel fills the cells of one level between the series and its
// threshold, and marks them at the edge of the plot.
func (s *series) shadeLevel(c draw.Canvas, level, n int, x func(int) vg.Length, toY func(float64) vg.Length) {
	c.SetColor(s.shades[level])
	edge, height := c.Max.Y, vg.Points(-5)
	if level < 0 {
		edge, height = c.Min.Y, vg.Points(5)
	}
	width := max((c.Max.X-c.Min.X)/vg.Length(n), vg.Points(0.7))
	bar := func(step int, from, to vg.Length) {
		at := x(step)
		c.Fill(rectangle(at, min(from, to), at+max(width, x(step+1)-at), max(from, to)))
	}
	marked := -1
	for season, span := range s.a.treeSeasons() {
		direction := topology.Super
		if level < 0 {
			direction = topology.Sub
		}
		threshold := s.a.classes[max(level, -level)-1].Of(direction)[season].Value
		for step := span.First; step < span.End; step++ {
			if s.levels[step] != level {
				continue
			}
			bar(step, toY(threshold), toY(s.a.field.Values[step]))
			if column := s.a.column(step, n); column != marked {
				bar(step, edge, edge+height)
				marked = column
			}
		}
	}
}

func rectangle(x0, y0, x1, y1 vg.Length) vg.Path {
	var p vg.Path
	p.Move(vg.Point{X: x0, Y: y0})
	p.Line(vg.Point{X: x1, Y: y0})
	p.Line(vg.Point{X: x1, Y: y1})
	p.Line(vg.Point{X: x0, Y: y1})
	p.Close()
	return p
}

// imagePlot draws an image of time by region.
func (a *fieldAnalysis) imagePlot(title string, img image.Image) *plot.Plot {
	p := a.newPlot(title)
	a.timeAxis(p)
	p.Y.Label.Text = "region"
	regions := float64(len(a.field.Regions))
	p.Add(plotter.NewImage(img, p.X.Min, -0.5, p.X.Max, regions-0.5))
	p.Y.Min, p.Y.Max = -0.5, regions-0.5
	p.Y.Tick.Marker = plot.ConstantTicks(a.regionTicks())
	return p
}

// regionTicks names about a dozen regions.
func (a *fieldAnalysis) regionTicks() []plot.Tick {
	step := (len(a.field.Regions) + 11) / 12
	var ticks []plot.Tick
	for r := 0; r < len(a.field.Regions); r += step {
		name := a.field.Regions[r]
		if runes := []rune(name); len(runes) > 18 {
			name = string(runes[:17]) + "…"
		}
		ticks = append(ticks, plot.Tick{Value: float64(r), Label: name})
	}
	return ticks
}

// cellImage returns an image of time by region, the first region at the
// bottom. choose says whether the cell v goes before the cell shown so far in
// the same column; paint gives its colour.
func (a *fieldAnalysis) cellImage(choose func(v, shown int) bool, paint func(v int) color.Color) image.Image {
	regions, steps := len(a.field.Regions), a.field.Axis.Len()
	n := min(steps, plotColumns)
	tall := max(1, 400/regions) // pixels a region, so that scaling does not blur them
	wide := max(1, plotColumns/n)
	img := image.NewNRGBA(image.Rect(0, 0, n*wide, regions*tall))
	shown := make([]int, n)
	for r := range regions {
		for i := range shown {
			shown[i] = -1
		}
		for step := range steps {
			v := step*regions + r
			if at := a.column(step, n); shown[at] < 0 || choose(v, shown[at]) {
				shown[at] = v
			}
		}
		for i, v := range shown {
			colour := paint(v)
			for dx := range wide {
				for dy := range tall {
					img.Set(i*wide+dx, (regions-1-r)*tall+dy, colour)
				}
			}
		}
	}
	return img
}

// valueImage shows the largest value of each column by its rank, since the
// values of most urban functions are too skewed for a linear scale.
func (a *fieldAnalysis) valueImage() image.Image {
	sorted := slices.DeleteFunc(slices.Clone(a.field.Values), math.IsNaN)
	slices.Sort(sorted)
	rank := func(x float64) float64 {
		low, _ := slices.BinarySearch(sorted, x)
		high, _ := slices.BinarySearchFunc(sorted, x, func(y, x float64) int {
			if y <= x {
				return -1
			}
			return 1
		})
		return float64(low+high) / 2 / float64(len(sorted))
	}
	values := a.field.Values
	return a.cellImage(
		func(v, shown int) bool { return values[v] > values[shown] || values[shown] != values[shown] },
		func(v int) color.Color {
			if values[v] != values[v] {
				return missingIn
			}
			return ramp(rank(values[v]))
		})
}

func (a *fieldAnalysis) featureImage(levels []int, shades shades) image.Image {
	rarer := func(x, y int) bool {
		if x == 0 || y == 0 {
			return x != 0 && y == 0
		}
		return max(x, -x) < max(y, -y)
	}
	return a.cellImage(
		func(v, shown int) bool { return rarer(levels[v], levels[shown]) },
		func(v int) color.Color {
			switch {
			case a.field.Values[v] != a.field.Values[v]:
				return missingIn
			case levels[v] == 0:
				return color.White
			}
			return shades[levels[v]]
		})
}

// ramp goes from dark blue over green to yellow, ever brighter, for x in 0..1.
func ramp(x float64) color.Color {
	stops := [][3]float64{{28, 14, 77}, {51, 76, 140}, {33, 145, 140}, {122, 205, 90}, {253, 231, 60}}
	at := x * float64(len(stops)-1)
	i := min(int(at), len(stops)-2)
	share := at - float64(i)
	var c [3]uint8
	for j := range c {
		c[j] = uint8(stops[i][j]*(1-share) + stops[i+1][j]*share)
	}
	return color.NRGBA{c[0], c[1], c[2], 255}
}

// diagram draws the persistence diagram of both trees over all seasons.
func (a *fieldAnalysis) diagram() *plot.Plot {
	p := a.newPlot("Persistence (maxima red, minima blue)")
	p.X.Label.Text = "value at the extremum"
	p.Y.Label.Text = "value at the saddle"
	for _, d := range directions {
		points := a.diagramPoints(d)
		if len(points) == 0 {
			continue
		}
		scatter, err := plotter.NewScatter(points)
		if err != nil {
			continue // a value that cannot be drawn, of a field that has no finite range
		}
		scatter.Radius = vg.Points(1.8)
		scatter.Shape = draw.CircleGlyph{}
		scatter.Color = shade(1, 0)
		if d == topology.Sub {
			scatter.Color = shade(-1, 0)
		}
		p.Add(scatter)
	}
	low, high := min(p.X.Min, p.Y.Min), max(p.X.Max, p.Y.Max)
	if !(low < high) {
		low, high = low-1, low+1
	}
	if math.IsInf(low, 0) || math.IsNaN(low) {
		low, high = 0, 1
	}
	margin := (high - low) * 0.03
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = low-margin, high+margin, low-margin, high+margin
	diagonal := plotter.NewFunction(func(x float64) float64 { return x })
	diagonal.Color = ink
	diagonal.Width = vg.Points(0.5)
	p.Add(diagonal)
	return p
}

// diagramPoints returns birth and death of the most persistent pairs.
func (a *fieldAnalysis) diagramPoints(d topology.Direction) plotter.XYs {
	var points plotter.XYs
	if a.reference != nil {
		for i := range a.reference.Seasons {
			for _, p := range a.reference.Seasons[i].Of(d) {
				points = append(points, plotter.XY{X: float64(p.Birth), Y: float64(p.Death)})
			}
		}
	} else {
		for _, s := range a.index.Seasons() {
			for i := range s.Tree(d).Len() {
				p := s.Tree(d).Pair(i)
				points = append(points, plotter.XY{X: p.Birth, Y: p.Death})
			}
		}
	}
	slices.SortStableFunc(points, func(p, q plotter.XY) int { return cmp.Compare(math.Abs(q.X-q.Y), math.Abs(p.X-p.Y)) })
	return points[:min(len(points), diagramPoints)]
}
