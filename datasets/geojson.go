package datasets

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A position is a point of the earth, in degrees of WGS 84.
type position struct{ lon, lat float64 }

// A ring is a closed line of three positions or more. The last one is joined
// to the first, which is not repeated; neighbours on the line differ.
type ring []position

// A polygon is what lies within an odd number of its rings, with the rings
// themselves: usually an outer ring and then its holes.
type polygon []ring

// edges calls do for each edge of each ring.
func (p polygon) edges(do func(a, b position)) {
	for _, r := range p {
		a := r[len(r)-1]
		for _, b := range r {
			do(a, b)
			a = b
		}
	}
}

// A feature is a region of a GeoJSON file.
type feature struct {
	id, name string // name is empty if the feature has none
	polygons []polygon
}

// readFeatures reads the regions of a GeoJSON file, in file order. Every
// feature must have an id, and one polygon or more.
//
// The JSON is decoded here rather than by a geometry library because those
// read a null or missing number as 0 and do not say which feature is broken.
func readFeatures(ctx context.Context, store Store, spec RegionSpec) ([]feature, error) {
	f, err := store.Open(ctx, spec.File)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var features []feature
	named := spec.Name == ""
	var last *geoFeature
	err = decodeFeatures(io.NewSectionReader(f, 0, f.Size()), func(raw *geoFeature) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		id, err := raw.featureID(spec.ID)
		if err != nil {
			return err
		}
		polygons, err := raw.polygons()
		if err != nil {
			return fmt.Errorf("id %s: %w", quote(id), err)
		}
		name := ""
		if value, ok := raw.Properties[spec.Name]; ok && spec.Name != "" {
			named = true
			name = valueText(value)
		}
		last = raw
		features = append(features, feature{id, name, polygons})
		return nil
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", spec.File, err)
	case len(features) == 0:
		return nil, fmt.Errorf("%s: the file has no features; a region file has one for each region", spec.File)
	case !named:
		return nil, fmt.Errorf("%s: no feature has the property %s to take names from; %s", spec.File, quote(spec.Name), last.propertyList())
	}
	return features, nil
}

// decodeFeatures calls do for each feature of a FeatureCollection. Errors say
// which feature they are about.
func decodeFeatures(r io.Reader, do func(*geoFeature) error) error {
	buffered := bufio.NewReader(r)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\uFEFF" {
		buffered.Discard(len(mark))
	}
	dec := json.NewDecoder(buffered)
	if token, err := dec.Token(); err != nil || token != json.Delim('{') {
		return notGeoJSON(err)
	}
	var kind string
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return notGeoJSON(err)
		}
		switch key {
		case "type":
			err = dec.Decode(&kind)
		case "features":
			if err := decodeFeatureList(dec, do); err != nil {
				return err
			}
		default:
			var ignored json.RawMessage
			err = dec.Decode(&ignored)
		}
		if err != nil {
			return notGeoJSON(err)
		}
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return notGeoJSON(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more after the end of the GeoJSON object; a region file is a single FeatureCollection")
	}
	if kind != "FeatureCollection" {
		return fmt.Errorf("its type is %s; a region file is a GeoJSON FeatureCollection", quote(kind))
	}
	return nil
}

// decodeFeatureList reads the array of features.
func decodeFeatureList(dec *json.Decoder, do func(*geoFeature) error) error {
	if token, err := dec.Token(); err != nil || token != json.Delim('[') {
		return notGeoJSON(err)
	}
	for i := 0; dec.More(); i++ {
		var raw geoFeature
		err := dec.Decode(&raw)
		if err != nil {
			return fmt.Errorf("features[%d]: %w; correct or leave out the feature (JSON has no NaN and no Infinity)", i, fullEOF(err))
		}
		if err := do(&raw); err != nil {
			return fmt.Errorf("features[%d]: %w", i, err)
		}
	}
	if _, err := dec.Token(); err != nil {
		return notGeoJSON(err)
	}
	return nil
}

// notGeoJSON reports a file of another structure, err being what the JSON
// decoder says, if anything.
func notGeoJSON(err error) error {
	const hint = "a region file is a GeoJSON FeatureCollection"
	if err == nil {
		return errors.New("the JSON is of another structure; " + hint)
	}
	return fmt.Errorf("%w; %s", fullEOF(err), hint)
}

// fullEOF says of an unexpected end that it is the file's: a JSON decoder
// gives both with texts that mean little to the reader of a message.
func fullEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the file ends early: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// A geoFeature is a feature as the file has it.
type geoFeature struct {
	ID         json.RawMessage            `json:"id"`
	Properties map[string]json.RawMessage `json:"properties"`
	Geometry   struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	} `json:"geometry"`
}

// featureID returns the value of the property that identifies a region. The
// property "id", the default, may also be the id of the feature itself.
func (f *geoFeature) featureID(property string) (string, error) {
	if property == "" {
		property = "id"
	}
	value := f.Properties[property]
	if property == "id" && (value == nil || string(value) == "null") {
		value = f.ID
	}
	if value == nil || string(value) == "null" {
		return "", fmt.Errorf("the feature has no %s to identify it; name a property that all features have (%s)", quote(property), f.propertyList())
	}
	id, err := idText(value)
	if err != nil {
		return "", fmt.Errorf("property %s: %w", quote(property), err)
	}
	return id, nil
}

// propertyList names the properties of a feature, for error messages.
func (f *geoFeature) propertyList() string {
	names := slices.Sorted(maps.Keys(f.Properties))
	if len(names) == 0 {
		return "this one has no properties"
	}
	const most = 12
	end := ""
	if len(names) > most {
		names, end = names[:most], ", ..."
	}
	for i, name := range names {
		names[i] = quote(name)
	}
	return "this one has " + strings.Join(names, ", ") + end
}

// idText returns an id as text: a string without the blanks around it, or a
// whole number without decimals.
func idText(value json.RawMessage) (string, error) {
	var text string
	if json.Unmarshal(value, &text) == nil {
		text = strings.TrimSpace(text)
		if text == "" {
			return "", errors.New("the id is empty; give every feature an id")
		}
		return text, nil
	}
	number := string(value)
	if _, err := strconv.ParseInt(number, 10, 64); err == nil {
		return number, nil
	}
	// 7.0 and 7e0 are how some programs write the integers of a float column.
	// Beyond 2^53 such a number may stand for a neighbouring id.
	x, err := strconv.ParseFloat(number, 64)
	if err != nil || x != math.Trunc(x) || math.Abs(x) > 1<<53 {
		return "", fmt.Errorf("%s is not an id; use a text or a whole number", quote(number))
	}
	return strconv.FormatInt(int64(x), 10), nil
}

// valueText returns a property as text to show, empty if it is null.
func valueText(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return strings.TrimSpace(text)
	}
	return string(value)
}

// polygons returns the polygons of a feature.
func (f *geoFeature) polygons() ([]polygon, error) {
	var parts [][][]position
	var err error
	switch f.Geometry.Type {
	case "Polygon":
		parts = make([][][]position, 1)
		err = json.Unmarshal(f.Geometry.Coordinates, &parts[0])
	case "MultiPolygon":
		err = json.Unmarshal(f.Geometry.Coordinates, &parts)
	case "":
		return nil, errors.New("the feature has no geometry; leave it out or give it a polygon")
	default:
		return nil, fmt.Errorf("its geometry is a %s; a region is a Polygon or a MultiPolygon", f.Geometry.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("the coordinates are not those of a %s: %w", f.Geometry.Type, err)
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("the %s is empty; leave the feature out or give it a polygon", f.Geometry.Type)
	}
	polygons := make([]polygon, len(parts))
	for i, part := range parts {
		if len(part) == 0 {
			return nil, fmt.Errorf("polygon %d of the %s is empty; leave it out or give it a ring", i, f.Geometry.Type)
		}
		for j, positions := range part {
			r, err := newRing(positions)
			if err != nil {
				return nil, fmt.Errorf("polygon %d, ring %d: %w", i, j, err)
			}
			polygons[i] = append(polygons[i], r)
		}
	}
	return polygons, nil
}

// newRing checks a ring of a file. An unclosed ring is closed, and positions
// that repeat the one before, which bound nothing, are left out.
func newRing(positions []position) (ring, error) {
	for _, p := range positions {
		if !(math.Abs(p.lon) <= 180 && math.Abs(p.lat) <= 90) {
			return nil, fmt.Errorf("(%v, %v) is not a longitude and latitude in degrees; if the file is projected, convert it to WGS 84 (EPSG:4326) first", p.lon, p.lat)
		}
	}
	r := ring(slices.Compact(positions))
	for len(r) > 1 && r[len(r)-1] == r[0] {
		r = r[:len(r)-1]
	}
	if len(r) < 3 {
		return nil, fmt.Errorf("the ring has %d different points; it needs 3 to bound an area", len(r))
	}
	return slices.Clip(r), nil
}

// UnmarshalJSON reads the first two numbers of an array; more of them, such
// as a height, do not matter.
func (p *position) UnmarshalJSON(data []byte) error {
	inner, ok := bytes.CutPrefix(data, []byte("["))
	if ok {
		inner, ok = bytes.CutSuffix(inner, []byte("]"))
	}
	lon, rest, two := bytes.Cut(inner, []byte(","))
	lat, _, _ := bytes.Cut(rest, []byte(","))
	if !ok || !two {
		return fmt.Errorf("%s is not a position; it needs a longitude and a latitude", quote(string(data)))
	}
	for _, number := range [2]struct {
		to   *float64
		text []byte
	}{{&p.lon, lon}, {&p.lat, lat}} {
		x, err := strconv.ParseFloat(string(bytes.TrimSpace(number.text)), 64)
		if err != nil {
			return fmt.Errorf("%s is not a position; it needs two numbers", quote(string(data)))
		}
		*number.to = x
	}
	return nil
}
