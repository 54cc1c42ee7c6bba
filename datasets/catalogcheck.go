package datasets

import (
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// problem notes a problem of the value at path, unless the value has one
// already.
func (r *catalogReader) problem(path, message, hint string) {
	if !r.flawed[path] {
		r.note(r.lineAt(path), path, message, hint)
	}
}

// hasFlaw reports whether a value at path, in it or around it has a problem.
func (r *catalogReader) hasFlaw(path string) bool {
	for flawed := range r.flawed {
		if flawed == path || isWithin(flawed, path) || isWithin(path, flawed) {
			return true
		}
	}
	return false
}

// isWithin reports whether inner is the path of a value in the value at outer.
func isWithin(inner, outer string) bool {
	rest, found := strings.CutPrefix(inner, outer)
	return outer != "" && found && rest != "" && (rest[0] == '.' || rest[0] == '[')
}

// missing notes that the value at path must be there.
func (r *catalogReader) missing(path, hint string) {
	if !r.hasFlaw(path) {
		r.problem(path, "missing", hint)
	}
}

// has reports whether the file has a value at path, be it a zero.
func (r *catalogReader) has(path string) bool { return r.lines[path] > 0 }

// check notes what is wrong with the values of a catalog, as far as that can
// be told without its files.
func (r *catalogReader) check(c *Catalog) {
	if c.City.Name == "" {
		r.missing("city.name", "add city: {name: ..., timezone: ...}")
	}
	if c.City.Timezone == "" {
		r.missing("city.timezone", "write a name of the IANA database, such as America/New_York")
	} else if _, err := parseZone(c.City.Timezone); err != nil {
		r.problem("city.timezone", err.Error(), "")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Regions)) {
		at := joinPath("regions", name)
		r.checkName(at, name)
		if name == "city" {
			r.problem(at, "city is the whole city, which is always there", "choose another name")
		}
		r.checkRegion(at, c.Regions[name])
	}
	if len(c.Datasets) == 0 {
	}
	for _, name := range slices.Sorted(maps.Keys(c.Datasets)) {
		at := joinPath("datasets", name)
		r.checkName(at, name)
		r.checkDataset(at, c.Datasets[name], c)
	}
}

// isNameRune reports whether c may be part of the name of a dataset or of a
// region system, which becomes part of file names and of queries.
func isNameRune(c rune) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

func (r *catalogReader) checkName(at, name string) {
	if name == "" {
		r.problem(at, "an empty name", "write a name of a-z, 0-9, _ and -")
		return
	}
	better := strings.Map(func(c rune) rune {
		if isNameRune(c) {
			return c
		}
		return '_'
	}, strings.ToLower(name))
	if better != name {
		r.problem(at, fmt.Sprintf("the name %q holds more than a-z, 0-9, _ and -", name), fmt.Sprintf("call it %s", better))
	}
}

func (r *catalogReader) checkRegion(at string, s RegionSpec) {
	forms := 0
	for _, key := range []string{"file", "grid", "h3"} {
		if r.has(at + "." + key) {
			forms++
		}
	}
	if forms != 1 && !r.hasFlaw(at) {
		r.problem(at, fmt.Sprintf("%d of file, grid and h3", forms), "give exactly one of them")
	}
	if !r.has(at + ".file") {
		for _, key := range []string{"id", "name", "tolerance"} {
			if r.has(at + "." + key) {
				r.problem(at+"."+key, key+" is about the polygons of a file, and there is none", "drop it, or give a file")
			}
		}
	}
	if (s.H3 < 1 || s.H3 > 15) && r.has(at+".h3") {
		r.problem(at+".h3", fmt.Sprintf("%d is no resolution of H3 cells that is used here", s.H3), "choose 1 (large) to 15; 8 is cells of about 0.7 km²")
	}
	if r.has(at+".tolerance") && (s.Tolerance <= 0 || math.IsInf(s.Tolerance, 0)) {
		r.problem(at+".tolerance", "not a number of metres above 0", "leave it out for 1 metre")
	}
	if s.Islands != "" && s.Islands != "keep" && s.Islands != "join" {
		r.problem(at+".islands", fmt.Sprintf("unknown %q", s.Islands), "choose keep or join")
	}
	if g := s.Grid; g != nil {
		r.checkGrid(at+".grid", g)
	}
}

func (r *catalogReader) checkGrid(at string, g *GridSpec) {
	// More cells than any city has places with data; the product of two
	// numbers below it does not overflow.
	const maxCells = 1 << 20
	for _, key := range []string{"west", "south", "east", "north", "columns", "rows"} {
		if !r.has(at + "." + key) {
			r.missing(at+"."+key, "give west, south, east, north in degrees, columns and rows")
		}
	}
	if r.hasFlaw(at) {
		return
	}
	switch {
	case !(-180 <= g.West && g.West < g.East && g.East <= 180):
		r.problem(at+".west", fmt.Sprintf("west %v and east %v are not ascending longitudes from -180 to 180", g.West, g.East), "west is the smaller number")
	case !(-90 <= g.South && g.South < g.North && g.North <= 90):
		r.problem(at+".south", fmt.Sprintf("south %v and north %v are not ascending latitudes from -90 to 90", g.South, g.North), "south is the smaller number")
	case g.Columns < 1 || g.Rows < 1 || g.Columns > maxCells || g.Rows > maxCells || g.Columns*g.Rows > maxCells:
		r.problem(at+".columns", fmt.Sprintf("%d columns and %d rows", g.Columns, g.Rows), fmt.Sprintf("give at least one of each, and at most %d cells", maxCells))
	}
}

func (r *catalogReader) checkDataset(at string, s DatasetSpec, c *Catalog) {
	if len(s.Files) == 0 {
		r.missing(at+".files", "name Parquet or CSV files, such as taxi/*.parquet")
	}
	for i, name := range s.Files {
		if name == "" {
			r.problem(r.itemPath(at+".files", i), "an empty name", "name a file")
		} else if _, err := path.Match(name, ""); err != nil && schemeOf(name) != "https://" {
			r.problem(r.itemPath(at+".files", i), fmt.Sprintf("%q is no pattern", name), "close the bracket, or write \\[ for the character itself")
		}
	}
	r.checkCSV(at+".csv", s.CSV)
	r.checkTime(at+".time", s.Time)
	r.checkPlace(at+".place", s.Place, c)
	for _, column := range slices.Sorted(maps.Keys(s.Where)) {
		if len(s.Where[column]) == 0 {
			r.missing(joinPath(at+".where", column), `give the values of the rows to use; "" is the empty text`)
		}
	}
	for _, column := range slices.Sorted(maps.Keys(s.Numbers)) {
		r.checkNumber(joinPath(at+".numbers", column), s.Numbers[column])
	}
	r.checkDistinct(at+".unique_by", s.UniqueBy)
	r.checkFunctions(at+".functions", s.Functions)
	r.checkResolutions(at, s, c)
}

// itemPath returns the path of an item of a Strings, which may be one text.
func (r *catalogReader) itemPath(at string, i int) string {
	if item := fmt.Sprintf("%s[%d]", at, i); r.has(item) {
		return item
	}
	return at
}

// checkDistinct notes empty and repeated items.
func (r *catalogReader) checkDistinct(at string, items []string) {
	seen := map[string]bool{}
	for i, item := range items {
		switch {
		case item == "":
			r.problem(r.itemPath(at, i), "an empty text", "name a column, or drop it")
		case seen[item]:
			r.problem(r.itemPath(at, i), fmt.Sprintf("%q a second time", item), "keep one of them")
		}
		seen[item] = true
	}
}

func (r *catalogReader) checkCSV(at string, s CSVSpec) {
	r.checkDistinct(at+".header", s.Header)
	if s.Delimiter == "" {
		return
	}
	c, size := utf8.DecodeRuneInString(s.Delimiter)
	if size != len(s.Delimiter) || c == '"' || c == '\r' || c == '\n' || c == utf8.RuneError {
		r.problem(at+".delimiter", fmt.Sprintf("%q does not part columns", s.Delimiter), `write one character, such as ";" or "\t"`)
	}
}

func (r *catalogReader) checkTime(at string, s TimeSpec) {
	if s.Column == "" {
		r.missing(at+".column", "name the column that tells the time of a row")
	}
	if s.Zone != "" {
		if _, err := parseZone(s.Zone); err != nil {
			r.problem(at+".zone", err.Error(), "")
		}
	}
	if _, err := parseTimeFormat(s.Format); err != nil {
		r.problem(at+".format", err.Error(), "")
	}
	switch {
	case s.Epoch == "":
	case !slices.Contains([]string{"s", "ms", "us", "ns"}, s.Epoch):
		r.problem(at+".epoch", fmt.Sprintf("unknown unit %q", s.Epoch), "choose s, ms, us or ns")
	case s.Format != "":
		r.problem(at+".format", "a format as well as an epoch", "a format is for text, an epoch for numbers; keep one of them")
	case s.Zone != "":
		r.problem(at+".zone", "a zone as well as an epoch", "time since 1970 is the same in all zones; leave the zone out")
	}
	if s.Step != "" {
		if _, err := ParseResolution(s.Step); err != nil {
			r.problem(at+".step", err.Error(), "")
		}
	}
	from, fromOK := r.checkDay(at+".from", s.From)
	to, toOK := r.checkDay(at+".to", s.To)
	if fromOK && toOK && from >= to {
		r.problem(at+".to", fmt.Sprintf("%s is not after from, %s", s.To, s.From), "to is the first day not to use")
	}
}

// checkDay returns the first second of a day such as 2015-01-31.
func (r *catalogReader) checkDay(at, day string) (seconds int64, ok bool) {
	if day == "" {
		return 0, false
	}
	s, ok := parseStamp(day)
	if !ok || s.form != dateStamp || len(day) != len("2015-01-31") {
		r.problem(at, fmt.Sprintf("%q is no day", day), "write it like 2015-01-31")
		return 0, false
	}
	return s.seconds, true
}

// checkPlace notes whether the keys of a place are not exactly one of its
// forms.
func (r *catalogReader) checkPlace(at string, s PlaceSpec, c *Catalog) {
	if s.Region != "" && s.Region != "city" {
		r.checkRegionName(at+".region", s.Region, c)
	}
	if r.hasFlaw(at) {
		return
	}
	var keys []string
	for _, k := range []struct {
		name string
		set  bool
	}{
		{"lon", s.Lon != ""}, {"lat", s.Lat != ""}, {"x", s.X != ""}, {"y", s.Y != ""}, {"epsg", s.EPSG != 0 || r.has(at+".epsg")},
		{"geometry", s.Geometry != ""}, {"region", s.Region != ""}, {"column", s.Column != ""}, {"city", s.City},
	} {
		if k.set {
			keys = append(keys, k.name)
		}
	}
	const forms = "give lon and lat; or x, y and epsg; or geometry (and epsg if it is not WGS 84); or region and column; or city: true"
	switch strings.Join(keys, " ") {
	case "lon lat", "x y epsg", "geometry", "epsg geometry", "region column", "city":
	case "":
		r.missing(at, forms)
	case "lon", "lat":
		r.problem(at, "lon and lat need each other", "name the column of each")
	case "x", "y", "x y", "x epsg", "y epsg":
		r.problem(at, "x, y and epsg need each other", "name the columns, and the EPSG number of their coordinate system")
	case "region", "column":
		r.problem(at, "region and column need each other", "name the region system, and the column of its codes")
	default:
		r.problem(at, strings.Join(keys, ", ")+" do not go together", forms)
	}
	switch s.Empty {
	case "", "missing", "zero":
	default:
		r.problem(at+".empty", fmt.Sprintf("%q is not known", s.Empty), "choose missing or zero")
	}
	if r.has(at+".city") && !s.City {
		r.problem(at+".city", "false says nothing", "drop it, or write true")
	}
	if s.Region == "city" {
		r.problem(at+".region", "city is no region system with codes", "write place: {city: true}")
	}
	if s.EPSG < 1024 && r.has(at+".epsg") || s.EPSG > 32767 {
		r.problem(at+".epsg", fmt.Sprintf("%d is no EPSG number", s.EPSG), "they are from 1024 to 32767; WGS 84 is 4326")
	}
}

// checkRegionName notes that there is no region system of this name.
func (r *catalogReader) checkRegionName(at, name string, c *Catalog) (ok bool) {
	if _, ok := c.Regions[name]; ok {
		return true
	}
	names := slices.Sorted(maps.Keys(c.Regions))
	hint := "the catalog has none; add it under regions"
	if near := Nearest(name, names); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	} else if len(names) > 0 {
		hint = "choose " + strings.Join(names, ", ") + ", or add it under regions"
	}
	r.problem(at, fmt.Sprintf("no region system %q", name), hint)
	return false
}

func (r *catalogReader) checkNumber(at string, s NumberSpec) {
	decimal := s.Decimal
	if decimal == "" {
		decimal = "."
	}
	if decimal != "." && decimal != "," {
		r.problem(at+".decimal", fmt.Sprintf("%q is no decimal sign", s.Decimal), `choose "." or ","`)
	}
	switch {
	case s.Thousands == "":
	case utf8.RuneCountInString(s.Thousands) != 1 || strings.Contains("0123456789+-eE", s.Thousands):
		r.problem(at+".thousands", fmt.Sprintf("%q does not part thousands", s.Thousands), `write one character, such as ","`)
	case s.Thousands == decimal:
		r.problem(at+".thousands", fmt.Sprintf("%q is the decimal sign too", s.Thousands), `set decimal, or choose another separator`)
	}
	if strings.TrimSpace(s.Unit) != s.Unit || strings.ContainsAny(s.Unit, "0123456789+-.,") {
		r.problem(at+".unit", fmt.Sprintf("%q could be part of a number", s.Unit), "write a unit such as $ or %, without digits, signs and blanks")
	}
}

func (r *catalogReader) checkFunctions(at string, functions Strings) {
	if len(functions) == 0 {
		r.missing(at, "write auto, or a list such as [count, mean(fare)]")
	}
	seen := map[FunctionSpec]bool{}
	for i, text := range functions {
		item := r.itemPath(at, i)
		if text == "auto" {
			if len(functions) > 1 {
				r.problem(item, "auto among other functions", "write functions: auto, or list them all")
			}
			continue
		}
		f, err := ParseFunction(text)
		switch {
		case err != nil:
			r.problem(item, err.Error(), "")
		case seen[f]:
			r.problem(item, fmt.Sprintf("%v a second time", f), "keep one of them")
		}
		seen[f] = true
	}
}

// checkResolutions notes resolutions that do not exist or that the place and
// the time of the dataset cannot tell.
func (r *catalogReader) checkResolutions(dataset string, s DatasetSpec, c *Catalog) {
	at := dataset + ".resolutions"
	r.checkDistinct(at, s.Resolutions)
	step, stepErr := ParseResolution(s.Time.Step)
	for i, text := range s.Resolutions {
		item := r.itemPath(at, i)
		words := strings.Fields(text)
		if len(words) == 0 {
			r.problem(item, "no resolution", "write one such as day, or day with a region system")
			continue
		}
		resolution, err := ParseResolution(words[0])
		switch {
		case len(words) > 2:
			r.problem(item, fmt.Sprintf("%q is no resolution", text), "write one such as day, or day with a region system")
			continue
		case err != nil:
			r.problem(item, err.Error(), "")
			continue
		case stepErr == nil && resolution < step:
			r.problem(item, fmt.Sprintf("%v is finer than the %v of the times (time.step)", resolution, step), "drop it")
			continue
		case len(words) == 1 || words[1] == "city" || !r.checkRegionName(item, words[1], c):
			continue
		}
		switch region := words[1]; {
		case s.Place.City:
			r.problem(item, fmt.Sprintf("the dataset is about the whole city, and does not tell its %s", region), fmt.Sprintf("write %v city", resolution))
		case s.Place.Region != "" && s.Place.Region != region:
			r.problem(item, fmt.Sprintf("the places are regions of %s, and do not tell those of %s", s.Place.Region, region), fmt.Sprintf("write %v %s, or %v city", resolution, s.Place.Region, resolution))
		}
	}
}
