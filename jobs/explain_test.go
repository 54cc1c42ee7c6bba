package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"polygamy/datasets"
	"polygamy/relate"
	"polygamy/topology"
)

// An explainedRun is a small run that tests explain.
type explainedRun struct {
	out string
	m   *manifest
}

func TestExplain(t *testing.T) {
	r := explainedRun{out: t.TempDir()}
	o := RunOptions{Catalog: corpus + "/catalog.yaml", Out: r.out, Lags: 2, Resolutions: []string{"day-city", "day-borough", "week-city"},
		Datasets: []string{"citibike_daily", "weather_central_park_daily", "uber_pickups", "collisions"}}
	err := Run(context.Background(), datasets.Disk{}, o, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if r.m, err = readManifest(r.out); err != nil {
		t.Fatal(err)
	}
	t.Run("page", r.testPage)
	t.Run("counts", r.testCounts)
	t.Run("turned", r.testTurned)
	t.Run("errors", r.testErrors)
	t.Run("damaged", r.testDamaged)
	t.Run("plot", r.testPlot)
}

func (r explainedRun) explain(t *testing.T, o ExplainOptions) (*Explanation, string) {
	t.Helper()
	o.Out = r.out
	var page bytes.Buffer
	if err := Explain(context.Background(), o, &page); err != nil {
		t.Fatal(err)
	}
	var e Explanation
	if o.Format == "json" {
		if err := json.Unmarshal(page.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
	}
	return &e, page.String()
}

func (r explainedRun) testPage(t *testing.T) {
	_, page := r.explain(t, ExplainOptions{A: "citibike_daily.sum(trips)", B: "weather_central_park_daily.sum(precip_in)", At: "day-city"})
	_, places := r.explain(t, ExplainOptions{A: "collisions", B: "uber_pickups", At: "day-borough", Level: "tail:5"})
	golden(t, "explain", page+"\n"+places)
}

// testCounts: what is counted is what the run counted, for every row of
// the table relationships, lags and untested pairs included; and events, months
// and regions are parts of it.
func (r explainedRun) testCounts(t *testing.T) {
	out, m := r.out, r.m
	rows, err := relationshipsOf(out, m)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != m.Relationships {
		t.Fatalf("%d relationships, want %d", len(rows), m.Relationships)
	}
	explained := 0
	for i := range rows {
		x := &rows[i]
		if x.Level == nil {
			continue
		}
		e, err := explainPair(context.Background(), out, m, x, *x.Level, int(x.Lag))
		name := fmt.Sprint(x.names(), x.resolution, x.Version, *x.Level)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		explained++
		c := e.Counts
		got := []int64{int64(c.PP), int64(c.NN), int64(c.PN), int64(c.NP), int64(c.APositive), int64(c.ANegative), int64(c.BPositive), int64(c.BNegative), int64(c.Cells)}
		if want := []int64{x.PP, x.NN, x.PN, x.NP, x.APositive, x.ANegative, x.BPositive, x.BNegative, x.Cells}; !slices.Equal(got, want) {
			t.Errorf("%s: counts %v, want %v", name, got, want)
		}
		events, overlap := 0, 0
		for _, v := range e.Events {
			events, overlap = events+v.D, overlap+max(v.D, -v.D)
		}
		if e.EventCount <= mostEvents && (events != c.D || overlap != c.Overlap) {
			t.Errorf("%s: events of D %d, overlap %d; want %d, %d", name, events, overlap, c.D, c.Overlap)
		}
		seasons := 0
		for _, l := range e.Without[len(e.Without)-4:] {
			seasons += c.D - l.D
		}
		if seasons != c.D {
			t.Errorf("%s: seasons have D %d, want %d", name, seasons, c.D)
		}
		regions := 0
		for _, region := range e.Regions {
			regions += region.D
		}
		if len(e.Regions) > 0 && regions != c.D {
			t.Errorf("%s: regions have D %d, want %d", name, regions, c.D)
		}
	}
	if explained < 100 {
		t.Errorf("only %d relationships were explained", explained)
	}
}

// TestExplainDocs: jobs/docs/explain.md names every key of the JSON.
func TestExplainDocs(t *testing.T) {
	docs, err := os.ReadFile("docs/explain.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[Explanation](), reflect.TypeFor[ExplainedFunction](), reflect.TypeFor[Meeting](), reflect.TypeFor[Event](),
		reflect.TypeFor[Missed](), reflect.TypeFor[Place](), reflect.TypeFor[Value](), reflect.TypeFor[Share](), reflect.TypeFor[LeftOut](), reflect.TypeFor[RegionShare]()} {
		for i := range typ.NumField() {
			key, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if key != "" && !bytes.Contains(docs, []byte("`"+key+"`")) {
				t.Errorf("the key %s of %s is not explained", key, typ)
			}
		}
	}
}

func TestStronger(t *testing.T) {
	number := func(x float64) *float64 { return &x }
	// The best first.
	list := []*resolved{
		{Relationship: Relationship{Selected: true, Kappa: number(-0.4), P: number(0.001)}},
		{Relationship: Relationship{Selected: true, Kappa: number(0.3), P: number(1e-9)}},
		{Relationship: Relationship{Kappa: number(0.9), P: number(0.2)}},
		{Relationship: Relationship{P: number(0.3)}},
		{Relationship: Relationship{P: number(1e-12), Dense: true}},
		{Relationship: Relationship{P: number(0.01), Exploratory: true}},
		{Relationship: Relationship{Strength: 0.9}},
		{Relationship: Relationship{Strength: 0.1}},
	}
	for i, r := range list {
		for j, than := range list {
			if got := stronger(r, than); got != (i < j) {
				t.Errorf("relationship %d is stronger than %d: %t", i, j, got)
			}
		}
	}
}

// randomMeeting is a meeting of random signs on a path of regions.
func randomMeeting(seed uint64, slots, regions int) *meeting {
	rng := rand.New(rand.NewPCG(seed, 5))
	var edges [][2]int
	for r := 1; r < regions; r++ {
		edges = append(edges, [2]int{r - 1, r})
	}
	graph, err := topology.NewGraph(regions, edges)
	if err != nil {
		panic(err)
	}
	m := &meeting{graph: graph, regions: regions}
	for i := range 2 {
		m.axes[i] = datasets.NewAxis(datasets.Day, nil, time.Date(2015, 1, 5, 0, 0, 0, 0, time.UTC), slots)
		for s := range slots {
			m.steps[i] = append(m.steps[i], int32(s))
		}
	}
	for range slots * regions {
		x, y := int8(rng.IntN(3)-1), int8(rng.IntN(3)-1)
		if rng.IntN(10) == 0 {
			x, y = uncounted, uncounted
		}
		m.signs[0], m.signs[1] = append(m.signs[0], x), append(m.signs[1], y)
	}
	return m
}

// linked is the definition of events: two cells of one pair of signs are linked
// if they are neighbours in one slot, or in one region with cells between them
// all of which have one of the signs in its function.
func linked(m *meeting, v, w int) bool {
	if m.pair(v) == 0 || m.pair(v) != m.pair(w) {
		return false
	}
	r, s, from, to := v%m.regions, w%m.regions, v/m.regions, w/m.regions
	if from == to {
		return r-s == 1 || s-r == 1
	}
	if r != s {
		return false
	}
	for slot := min(from, to) + 1; slot < max(from, to); slot++ {
		u := slot*m.regions + r
		if m.signs[0][u] != m.signs[0][v] && m.signs[1][u] != m.signs[1][v] {
			return false
		}
	}
	return true
}

func TestEvents(t *testing.T) {
	for seed := range uint64(20) {
		m := randomMeeting(seed, 30, 1+int(seed%4))
		label := make([]int, len(m.signs[0]))
		for v := range label {
			label[v] = v
		}
		for changed := true; changed; {
			changed = false
			for v := range label {
				for w := range label {
					if label[w] < label[v] && linked(m, v, w) {
						label[v], changed = label[w], true
					}
				}
			}
		}
		want := map[int][]int{}
		for v, l := range label {
			if m.pair(v) != 0 {
				want[l] = append(want[l], v)
			}
		}
		events := m.events()
		if len(events) != len(want) {
			t.Errorf("seed %d: %d events, want %d", seed, len(events), len(want))
		}
		for _, cells := range events {
			if !slices.Equal(cells, want[cells[0]]) {
				t.Errorf("seed %d: event %v, want %v", seed, cells, want[cells[0]])
			}
		}
	}
}

// TestAlone: features of one function, by signs of both, a slot each.
func TestAlone(t *testing.T) {
	signs := func(text string) (list []int8) {
		for _, c := range text {
			list = append(list, map[rune]int8{'+': 1, '-': -1, '.': 0, 'x': uncounted}[c])
		}
		return list
	}
	for _, tc := range []struct{ a, b, want string }{
		{"++.--", ".....", "[[0 1] [3 4]]"},
		{"++.--", ".-...", "[[3 4]]"},
		{"++x++", "..x.+", "[[0 1]]"},
		{"+-+", "...", "[[0] [1] [2]]"},
		{"...", "+++", "[]"},
	} {
		m := randomMeeting(1, len(tc.a), 1)
		m.signs = [2][]int8{signs(tc.a), signs(tc.b)}
		if got := fmt.Sprint(m.alone(0)); got != tc.want {
			t.Errorf("%s beside %s: alone %s, want %s", tc.a, tc.b, got, tc.want)
		}
	}
}

// testTurned: the functions may be named in any order, the lag is that
// of the second named.
func (r explainedRun) testTurned(t *testing.T) {
	lag, back := 1, -1
	a, b := "citibike_daily.sum(trips)", "weather_central_park_daily.sum(precip_in)"
	_, forth := r.explain(t, ExplainOptions{A: a, B: b, At: "day-city", Lag: &lag})
	_, turned := r.explain(t, ExplainOptions{A: b, B: a, At: "day-city", Lag: &back})
	if forth != turned {
		t.Errorf("turned:\n%s\nwant:\n%s", turned, forth)
	}
	// The rain of the day after.
	e, _ := r.explain(t, ExplainOptions{A: a, B: b, At: "day-city", Lag: &lag, Format: "json"})
	out, m := r.out, r.m
	s, err := readSide(out, m, "weather_central_park_daily", "sum(precip_in)", "day-city", 0, "tail:10")
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339, e.Events[0].At)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := *e.Events[0].B.Raw, s.raw.Values[s.raw.Axis.Step(at)+1]; got != want {
		t.Errorf("rain at lag 1 is %g, want %g", got, want)
	}
}

func (r explainedRun) testErrors(t *testing.T) {
	out := r.out
	far := 100_000
	for _, tc := range []struct {
		name string
		o    ExplainOptions
		want string
	}{
		{"no folder", ExplainOptions{}, "give --out"},
		{"no run", ExplainOptions{Out: t.TempDir()}, "holds no run"},
		{"format", ExplainOptions{Out: out, Format: "xml"}, "choose table or json"},
		{"picture", ExplainOptions{Out: out, Plot: "x.pdf"}, "must end in"},
		{"dataset", ExplainOptions{Out: out, A: "colisions", B: "uber_pickups"}, "did you mean collisions?"},
		{"unlike any dataset", ExplainOptions{Out: out, A: "q", B: "uber_pickups"}, "its datasets are citibike_daily, "},
		{"function", ExplainOptions{Out: out, A: "collisions.sum(persons_injurd)", B: "uber_pickups"}, "did you mean collisions.sum(persons_injured)?"},
		{"one dataset", ExplainOptions{Out: out, A: "collisions", B: "collisions.count"}, "of one dataset"},
		{"resolution", ExplainOptions{Out: out, A: "collisions", B: "uber_pickups", At: "hour-city"}, "share the resolutions day-borough, day-city, week-city"},
		{"level", ExplainOptions{Out: out, A: "collisions", B: "uber_pickups", Level: "tail:7"}, "choose tail:1, tail:2"},
		{"version", ExplainOptions{Out: out, A: "collisions", B: "uber_pickups", Version: "anomaly", Level: "salient"}, "--version anomaly --level salient"},
		{"lag", ExplainOptions{Out: out, A: "collisions", B: "uber_pickups", Lag: &far}, "choose a lag"},
	} {
		err := Explain(context.Background(), tc.o, io.Discard)
		var exit *exitError
		if err == nil || !errors.As(err, &exit) || exit.code != ExitUsage || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one of usage with %q", tc.name, err, tc.want)
		}
	}
}

// testDamaged: files of a run that are not what they were.
func (r explainedRun) testDamaged(t *testing.T) {
	out, m := r.out, r.m
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(out)); err != nil {
		t.Fatal(err)
	}
	o := ExplainOptions{Out: copied, A: "collisions", B: "uber_pickups.count", At: "day-city", Version: "anomaly"}
	var index datasetIndex
	for _, d := range m.Datasets {
		if d.Name == "uber_pickups" {
			if err := readJSON(filepath.Join(out, d.Index), &index); err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(index.Functions, func(f indexedFunction) bool { return f.Resolution == "day-city" })
			for _, name := range []string{index.Functions[i].Kinds[0].Marks, index.Functions[i].File, d.Index} {
				for _, damage := range []func(string) error{func(n string) error { return os.WriteFile(n, []byte("{"), 0o600) }, os.Remove} {
					if err := damage(filepath.Join(copied, name)); err != nil {
						t.Fatal(err)
					}
					var exit *exitError
					if err := Explain(context.Background(), o, io.Discard); !errors.As(err, &exit) || exit.code != ExitInput {
						t.Errorf("%s: error %v, want one of input", name, err)
					}
				}
				data, err := os.ReadFile(filepath.Join(out, name))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(copied, name), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// testPlot: pictures can be read, and are the same each time; without
// the region file the map is left out, and the page says so.
func (r explainedRun) testPlot(t *testing.T) {
	folder := t.TempDir()
	o := ExplainOptions{A: "collisions", B: "uber_pickups", At: "day-borough"}
	var pictures [2][]byte
	for i := range pictures {
		o.Plot = filepath.Join(folder, fmt.Sprint(i, ".png"))
		if _, page := r.explain(t, o); strings.Contains(page, "left out, the") {
			t.Errorf("the map is left out: %s", page)
		}
		var err error
		if pictures[i], err = os.ReadFile(o.Plot); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(pictures[0], pictures[1]) {
		t.Error("two pictures differ")
	}
	img, err := png.Decode(bytes.NewReader(pictures[0]))
	if err != nil {
		t.Fatal(err)
	}
	if want := int((timelineWidth + mapWidth) / 72 * 96); img.Bounds().Dx() != want {
		t.Errorf("the picture with a map is %d wide, want %d", img.Bounds().Dx(), want)
	}
	svg := filepath.Join(folder, "x.svg")
	r.explain(t, ExplainOptions{A: "citibike_daily", B: "weather_central_park_daily", Plot: svg})
	data, err := os.ReadFile(svg)
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(bytes.NewReader(data)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Contains(data, []byte("America/New_York")) {
		t.Error("the time axis does not name the zone")
	}

	out, m := r.out, r.m
	moved := *m
	m = &moved
	m.Catalog = filepath.Join(folder, "moved.yaml")
	o.Out = out
	x, level, lag, err := o.choose(m)
	if err != nil {
		t.Fatal(err)
	}
	e, err := explainPair(context.Background(), out, m, x, level, lag)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.plot(context.Background(), m, filepath.Join(folder, "y.png")); err != nil {
		t.Fatal(err)
	}
	if page := e.text(); !strings.Contains(page, "the map is left out") {
		t.Errorf("the page does not say that the map is left out:\n%s", page)
	}
}

// TestNewMeeting: cells by their slots, with a lag.
func TestNewMeeting(t *testing.T) {
	monday := time.Date(2015, 1, 5, 0, 0, 0, 0, time.UTC)
	system := datasets.WholeCity()
	f := &datasets.Function{Axis: datasets.NewAxis(datasets.Day, nil, monday, 14), Regions: system}
	g := &datasets.Function{Axis: datasets.NewAxis(datasets.Day, nil, monday.AddDate(0, 0, 1), 13), Regions: system}
	first, _, _, err := datasets.WeekSlots(f.Axis)
	if err != nil {
		t.Fatal(err)
	}
	a := &relate.Marks{First: first, Rows: 2, Words: 1, Cells: 7, Positive: []uint64{0b0000010, 0}, Negative: []uint64{0, 0b1000000}}
	b := &relate.Marks{First: first, Rows: 2, Words: 1, Cells: 7, Positive: []uint64{0b0000100, 0}, Negative: []uint64{0, 0}, Valid: []uint64{0b1111110, 0b1111111}}
	m, err := newMeeting(f, g, a, b, 1, []int{first, first + 1})
	if err != nil {
		t.Fatal(err)
	}
	c := m.counts(func(int) bool { return true })
	if want := (relate.Counts{PositivePositive: 1, PositiveF: 1, PositiveG: 1, Cells: 13}); c != want {
		t.Errorf("counts %+v, want %+v", c, want)
	}
	// Tuesday meets the second function's Wednesday, its second step.
	if m.agreement(1) != 1 || m.steps[0][1] != 1 || m.steps[1][1] != 1 {
		t.Errorf("Tuesday: %d, steps %d and %d", m.agreement(1), m.steps[0][1], m.steps[1][1])
	}
	if m.counted(13) {
		t.Error("the last day, which nothing follows, is counted")
	}
}

func TestRoundTicks(t *testing.T) {
	for _, tc := range []struct {
		low, high float64
		want      string
	}{
		{-8, 17, "-5 0 5 10 15"},
		{-0.01, 0.09, "0 0.02 0.04 0.06 0.08"},
		{-5.2, 3, "-4 -2 0 2"},
	} {
		var labels []string
		for _, tick := range (roundTicks{}).Ticks(tc.low, tc.high) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != tc.want {
			t.Errorf("ticks of %g to %g: %s, want %s", tc.low, tc.high, got, tc.want)
		}
	}
}

// TestComparePlot: a picture of two fields and their lags.
func TestComparePlot(t *testing.T) {
	a := saveSteps(t, "a", datasets.Day, 700, 1, noise(1))
	b := saveSteps(t, "b", datasets.Day, 700, 1, noise(2))
	for _, tc := range []struct {
		last  int
		width int
	}{{0, 1248}, {3, 1632}} {
		name := filepath.Join(t.TempDir(), "x.png")
		compare(t, CompareOptions{A: a, B: b, Last: tc.last, Plot: name})
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if img.Bounds().Dx() != tc.width {
			t.Errorf("lags to %d: %d wide, want %d", tc.last, img.Bounds().Dx(), tc.width)
		}
	}
	constant := saveSteps(t, "c", datasets.Day, 700, 1, func(int, int) float64 { return 1 })
	err := Compare(context.Background(), CompareOptions{A: a, B: constant, Plot: filepath.Join(t.TempDir(), "y.png")}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "nothing to draw") {
		t.Errorf("a constant field: error %v", err)
	}
}
