package datasets

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
)

// A Proposal is a catalog entry for some files, with the reasons for it.
type Proposal struct {
	Name    string          `json:"name"`
	Files   int             `json:"files"`
	Rows    int64           `json:"rows"` // -1 if only reading tells
	Entry   DatasetSpec     `json:"entry"`
	Reasons []Reason        `json:"reasons"`
	Columns []ColumnProfile `json:"columns"`
}

// A Reason says why an entry is as it is, or what it lacks.
type Reason struct {
	Path string `json:"path"` // key of the entry, such as "time"
	Text string `json:"text"`
}

// Inspect proposes a catalog entry for files of one dataset, of which it reads
// the first rows. systems are region systems whose codes columns may hold; nil
// is fine. It proposes the best guess where the files leave a choice, and says
// so; an entry without a time column cannot be used as it is.
func Inspect(ctx context.Context, store Store, patterns []string, systems map[string]*RegionSystem) (*Proposal, error) {
	var names []string
	for _, pattern := range patterns {
		matches, err := store.Glob(ctx, pattern)
		if err != nil {
			return nil, err
		}
		if len(matches) == 0 {
			return nil, fmt.Errorf("no file matches %q", pattern)
		}
		names = append(names, matches...)
	}
	p := &Proposal{Name: proposedName(names), Files: len(names), Reasons: []Reason{}}
	p.Entry.Files = patterns
	var first table
	for i, name := range names {
		t, err := openTable(ctx, store, name, CSVSpec{})
		if err != nil {
			return nil, err
		}
		if i == 0 {
			first = t
			defer t.Close()
		} else if !slices.EqualFunc(first.Schema().Fields(), t.Schema().Fields(), sameField) {
			p.because("files", "%s has other columns than %s; are they one dataset?", name, names[0])
		}
		for chunk := range t.Chunks() {
			if rows := t.Rows(chunk); rows < 0 {
				p.Rows = -1
			} else if p.Rows >= 0 {
				p.Rows += rows
			}
		}
		if i > 0 {
			t.Close()
		}
	}
	var err error
	if p.Columns, err = profileColumns(ctx, first, nil); err != nil {
		return nil, err
	}
	p.chooseTime(first)
	p.choosePlace(geoOf(first), systems)
	p.chooseNumbers()
	for _, f := range chooseFunctions(p.Columns, &p.Entry) {
		p.Entry.Functions = append(p.Entry.Functions, f.spec.String())
		p.because(f.spec.String(), "%s", f.reason)
	}
	return p, nil
}

func sameField(a, b arrow.Field) bool {
	return a.Name == b.Name && valueType(a.Type) == valueType(b.Type)
}

func (p *Proposal) because(path, format string, args ...any) {
	text := strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ") // one line, since it becomes a comment
	p.Reasons = append(p.Reasons, Reason{path, text})
}

// proposedName makes a dataset's name of its first file's, or of the folder's
// if the file's name says nothing.
func proposedName(files []string) string {
	base := strings.TrimSuffix(path.Base(files[0]), ".gz")
	base = strings.TrimSuffix(base, path.Ext(base))
	parent := path.Base(path.Dir(files[0]))
	if strings.HasPrefix(base, "part") && parent != "." && parent != "/" {
		base = parent
	}
	name := strings.Trim(strings.Join(strings.FieldsFunc(strings.ToLower(base), func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9')
	}), "_"), "_")
	return cmp.Or(name, "dataset")
}

// chooseTime takes the column that is most likely when the row happened.
func (p *Proposal) chooseTime(t table) {
	var candidates []ColumnProfile
	for _, c := range p.Columns {
		if c.Role == RoleTime {
			candidates = append(candidates, c)
		}
	}
	if len(candidates) == 0 {
		p.because("time", "no column holds times; set time.column, and time.format if its text has a layout of its own")
		return
	}
	slices.SortStableFunc(candidates, func(a, b ColumnProfile) int { return b.timeScore() - a.timeScore() })
	c := &candidates[0]
	p.Entry.Time.Column = c.Name
	p.describeTime(c, t)
	switch step := c.steps(); {
	case c.Distinct > 2 && step%(7*daySeconds) == 0 && step > 0:
		p.Entry.Time.Step = "week"
		p.because("time.step", "all times of the sample are Mondays")
	case c.Distinct > 2 && step%daySeconds == 0 && c.kind == arrow.TIMESTAMP:
		p.Entry.Time.Step = "day"
		p.because("time.step", "all times of the sample are midnight, so they are dates")
	}
	for _, other := range candidates[1:] {
		p.because("time", "another column of times is `%s`", other.Name)
	}
}

// timeScore says how likely a column of times is to be that of its rows.
func (c *ColumnProfile) timeScore() int {
	score := 0
	switch {
	case c.kind == arrow.TIMESTAMP:
		score += 40
	case c.kind == arrow.DATE32:
		score += 20
	case c.kind == arrow.STRING && !c.dateOnly:
		score += 30
	case c.kind == arrow.STRING:
		score += 15
	default:
		score += 25 // an epoch number
	}
	if _, ok := hasWord(c.Name, "pickup start started begin created occurred observed from timestamp sched crash"); ok {
		score += 6
	}
	if _, ok := hasWord(c.Name, "dropoff end ended closed updated modified due resolution arr arrival"); ok {
		score -= 10
	}
	if c.Distinct == 1 {
		score -= 30
	}
	return score - 30*c.Missing/max(c.Values+c.Missing, 1)
}

// describeTime says how the times of a column are to be read.
func (p *Proposal) describeTime(c *ColumnProfile, t table) {
	switch c.kind {
	case arrow.TIMESTAMP:
		field := t.Schema().Field(t.Schema().FieldIndices(c.Name)[0])
		if field.Type.(*arrow.TimestampType).TimeZone != "" {
			p.because("time", "timestamps in UTC, says the file; if they are local times all the same, set time.zone")
		} else {
			p.because("time", "timestamps without a zone: read as local times of the city; set time.zone if they are not")
		}
	case arrow.STRING:
		p.Entry.Time.Format = c.layout
		switch {
		case c.other != "":
			p.because("time.format", "a guess: no value is above 12 that would tell month and day apart; %s reads all texts, too", c.other)
		case strings.HasPrefix(c.layout, "M/D") || strings.HasPrefix(c.layout, "D/M"):
			p.because("time.format", "month and day are told apart by values above 12")
		}
		if c.utc {
			p.because("time", "texts with an offset from UTC")
		} else {
			p.because("time", "texts without a zone: read as local times of the city; set time.zone if they are not")
		}
	case arrow.DATE32:
		p.because("time", "dates")
	default:
		for _, unit := range []string{"s", "ms", "us", "ns"} {
			per, err := unitsPerSecond(unit)
			if err == nil && c.Min/float64(per) > 6e8 && c.Max/float64(per) < 4e9 {
				p.Entry.Time.Epoch = unit
			}
		}
		p.because("time", "%s", c.Reason)
	}
}

// choosePlace prefers points to codes, and codes to the whole city.
func (p *Proposal) choosePlace(geo geometryColumn, systems map[string]*RegionSystem) {
	find := func(role ColumnRole, list string) string {
		name := ""
		for _, c := range p.Columns {
			if c.Role != role {
				continue
			}
			if _, ok := hasWord(c.Name, "dest destination dropoff end source"); ok && name != "" {
				continue
			}
			if _, ok := hasWord(c.Name, list); name == "" || ok && list != "" {
				name = c.Name
			}
		}
		return name
	}
	place := &p.Entry.Place
	lon, lat := find(RoleLongitude, ""), find(RoleLatitude, "")
	var projected []string
	for _, c := range p.Columns {
		if c.Role == RoleProjected {
			projected = append(projected, c.Name)
		}
	}
	switch {
	case geo.column != "":
		place.Geometry, place.EPSG = geo.column, geo.epsg
		p.because("place", "the file says that `%s` holds geometries", geo.column)
		return
	case lon != "" && lat != "" && p.column(lon).Distinct == 1 && p.column(lat).Distinct == 1:
		place.City = true
		p.because("place", "all rows are of one point, so they are of the whole city")
		return
	case lon != "" && lat != "":
		place.Lon, place.Lat = lon, lat
		p.because("place", "longitudes and latitudes")
		if column, system, share := p.matchRegions(systems); column != "" {
			p.because("place", "or { region: %s, column: %s }: %.0f %% of its values in the sample are ids", system, column, 100*share)
		}
		return
	case len(projected) == 2:
		place.X, place.Y = projected[0], projected[1]
		if strings.Contains(strings.ToLower(projected[0]), "y") && !strings.Contains(strings.ToLower(projected[0]), "x") {
			place.X, place.Y = projected[1], projected[0]
		}
		p.because("place", "projected coordinates; set place.epsg to the code of the projection (2263 is New York in feet)")
		return
	}
	if column, system, share := p.matchRegions(systems); column != "" {
		place.Region, place.Column = system, column
		p.because("place", "%.0f %% of the values of `%s` in the sample are ids of %s", 100*share, column, system)
		return
	}
	place.City = true
	p.because("place", "no column tells where, so the rows are of the whole city; if one holds region codes, set place.region and place.column")
}

func (p *Proposal) column(name string) *ColumnProfile {
	for i := range p.Columns {
		if p.Columns[i].Name == name {
			return &p.Columns[i]
		}
	}
	return nil
}

// matchRegions finds the column whose values are most often ids of a region
// system.
func (p *Proposal) matchRegions(systems map[string]*RegionSystem) (column, system string, share float64) {
	for _, name := range sortedKeys(systems) {
		codes := newCodeIndex(systems[name])
		for i := range p.Columns {
			c := &p.Columns[i]
			switch c.Role {
			case RoleTime, RoleQuantity, RoleAmount, RoleKey, RoleEmpty, RoleUnknown, RoleGeometry:
				continue
			}
			if c.Distinct < 2 || c.sample == nil {
				continue
			}
			found, all := 0, 0
			for _, v := range c.sample.order {
				all += c.sample.counts[v]
				if codes.find(strings.TrimSuffix(strings.TrimSpace(v), ".0")) >= 0 {
					found += c.sample.counts[v]
				}
			}
			if s := float64(found) / float64(all); s >= 0.5 && s > share {
				column, system, share = c.Name, name, s
			}
		}
	}
	return column, system, share
}

// chooseNumbers adds how texts are numbers, where they need it.
func (p *Proposal) chooseNumbers() {
	for _, c := range p.Columns {
		if c.spec.Thousands == "" && c.spec.Decimal == "" && len(c.spec.Missing) == 0 {
			continue
		}
		if p.Entry.Numbers == nil {
			p.Entry.Numbers = make(map[string]NumberSpec)
		}
		p.Entry.Numbers[c.Name] = c.spec
		p.because("numbers", "`%s` holds numbers as text", c.Name)
	}
}

// YAML returns the entry as it can stand in a catalog, with the reasons as
// comments.
func (p *Proposal) YAML() string {
	var b strings.Builder
	reasons := func(indent, path string) {
		for _, r := range p.Reasons {
			if r.Path == path {
				fmt.Fprintf(&b, "%s# %s\n", indent, r.Text)
			}
		}
	}
	rows := fmt.Sprintf("%d rows", p.Rows)
	if p.Rows < 0 {
		rows = "rows not counted"
	}
	files := "1 file"
	if p.Files != 1 {
		files = fmt.Sprintf("%d files", p.Files)
	}
	fmt.Fprintf(&b, "  %s: # %s, %s\n", p.Name, files, rows)
	reasons("    ", "files")
	fmt.Fprintf(&b, "    files: %s\n", flowList(p.Entry.Files))
	t := p.Entry.Time
	reasons("    ", "time")
	reasons("    ", "time.step")
	reasons("    ", "time.format")
	fmt.Fprintf(&b, "    time: %s\n", flowMap("column", t.Column, "zone", t.Zone, "format", t.Format, "epoch", t.Epoch, "step", t.Step))
	reasons("    ", "place")
	place := p.Entry.Place
	epsg, city := "", ""
	if place.EPSG != 0 {
		epsg = fmt.Sprint(place.EPSG)
	}
	if place.City {
		city = "true"
	}
	fmt.Fprintf(&b, "    place: %s\n", flowMap("lon", place.Lon, "lat", place.Lat, "x", place.X, "y", place.Y, "epsg", epsg,
		"geometry", place.Geometry, "region", place.Region, "column", place.Column, "city", city))
	if len(p.Entry.Numbers) > 0 {
		reasons("    ", "numbers")
		b.WriteString("    numbers:\n")
		for _, c := range sortedKeys(p.Entry.Numbers) {
			n := p.Entry.Numbers[c]
			missing := ""
			if len(n.Missing) > 0 {
				missing = flowList(n.Missing)
			}
			fmt.Fprintf(&b, "      %s: %s\n", quoteYAML(c), strings.Replace(flowMap("thousands", n.Thousands, "decimal", n.Decimal, "missing", missing), quoteYAML(missing), missing, 1))
		}
	}
	b.WriteString("    functions:\n")
	for _, f := range p.Entry.Functions {
		line := "      - " + quoteYAML(f)
		for _, r := range p.Reasons {
			if r.Path == f {
				line += " # " + r.Text
			}
		}
		b.WriteString(line + "\n")
	}
	title := "    # left out:\n"
	for _, c := range p.Columns {
		if !p.uses(c.Name) {
			b.WriteString(title)
			title = ""
			fmt.Fprintf(&b, "    #   %s\n", strings.Join(strings.Fields(fmt.Sprintf("%s: %s, %s", c.Name, c.Role, c.Reason)), " "))
		}
	}
	return b.String()
}

func (p *Proposal) uses(column string) bool {
	t, place := p.Entry.Time, p.Entry.Place
	if slices.Contains([]string{t.Column, place.Lon, place.Lat, place.X, place.Y, place.Geometry, place.Column}, column) {
		return true
	}
	return slices.ContainsFunc(p.Entry.Functions, func(f string) bool { return strings.HasSuffix(f, "("+column+")") })
}

// flowMap returns keys and values as a YAML map on one line, without those
// that are empty.
func flowMap(pairs ...string) string {
	var parts []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			parts = append(parts, pairs[i]+": "+quoteYAML(pairs[i+1]))
		}
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

func flowList(list []string) string {
	if len(list) == 1 {
		return quoteYAML(list[0])
	}
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = quoteYAML(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// quoteYAML quotes a text that would otherwise not read as itself.
func quoteYAML(s string) string {
	plain := s != ""
	for i, c := range s {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		plain = plain && (letter || i > 0 && (c >= '0' && c <= '9' || strings.ContainsRune("_-./()", c)) || i == 0 && (c == '/' || c == '_') || c >= '0' && c <= '9')
	}
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		if s != "true" {
			plain = false
		}
	}
	if plain {
		return s
	}
	quoted, err := json.Marshal(s) // JSON is YAML, control characters and all
	if err != nil {
		return `""`
	}
	return string(quoted)
}
