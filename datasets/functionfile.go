package datasets

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/apache/arrow/go/v15/arrow"

	"polygamy/internal/arrowfile"
	"polygamy/topology"
)

// A function file is an Arrow IPC file, not compressed, that any Arrow library
// can open or map. It has one column, "value", one row a cell, step by step
// and in a step region by region; missing values are NaN and null. The header
// in the schema's metadata (key polygamy.header, JSON) says what the function
// is, which times the steps and which places the regions are.

// ErrFunctionFile is the cause of every error about the content of a function
// file: it is none, of another version, or damaged.
var ErrFunctionFile = errors.New("not a readable function file")

func functionFile() *arrowfile.Kind {
	return &arrowfile.Kind{
		Name:    "scalar function",
		Version: 2, // 1 did not tell anomalies from raw functions
		Fields:  []arrow.Field{{Name: "value", Type: arrow.PrimitiveTypes.Float64, Nullable: true}},
		Err:     ErrFunctionFile,
	}
}

// functionHeader is the header of a function file.
type functionHeader struct {
	Dataset    string       `json:"dataset"`
	Function   string       `json:"function"`
	Version    string       `json:"version"`
	Resolution string       `json:"resolution"`
	Zone       string       `json:"zone"`
	First      int64        `json:"first"` // number of the first step, see Resolution.step
	Start      string       `json:"start"` // of the first step, RFC 3339
	Steps      int          `json:"steps"`
	Estimated  int          `json:"estimated"`
	Regions    regionHeader `json:"regions"`
}

type regionHeader struct {
	Name  string     `json:"name"`
	IDs   []string   `json:"ids"`
	Names []string   `json:"names"`
	Edges [][2]int32 `json:"edges"`
}

// Write writes f as a function file. Equal functions give equal bytes.
func (f *Function) Write(w io.Writer) error {
	h := functionHeader{
		Dataset: f.Dataset, Function: f.Spec.String(), Version: f.Version.String(), Resolution: f.Axis.Resolution.String(), Zone: f.Axis.zone().String(),
		First: f.Axis.first, Start: f.Axis.Start(0).Format(time.RFC3339), Steps: f.Axis.Steps, Estimated: f.Estimated,
		Regions: regionHeader{Name: f.Regions.Name, IDs: f.Regions.IDs, Names: f.Regions.Names, Edges: [][2]int32{}},
	}
	for u := range f.Regions.IDs {
		for _, v := range f.Regions.Graph.Neighbours(u) {
			if int32(u) < v {
				h.Regions.Edges = append(h.Regions.Edges, [2]int32{int32(u), v})
			}
		}
	}
	var valid []byte
	if slices.ContainsFunc(f.Values, math.IsNaN) {
		valid = make([]byte, (len(f.Values)+7)/8)
		for i, x := range f.Values {
			if !math.IsNaN(x) {
				valid[i>>3] |= 1 << (i & 7)
			}
		}
	}
	b := arrowfile.Batch{Rows: len(f.Values), Columns: []arrowfile.Column{{Values: arrow.Float64Traits.CastToBytes(f.Values), Validity: valid}}}
	if err := functionFile().Write(w, h, []arrowfile.Batch{b}); err != nil {
		return fmt.Errorf("write function %s: %w", f.Name(), err)
	}
	return nil
}

// ReadFunction returns the function in data, the bytes of a function file.
// Its values point into data, which may be mapped memory and must not change
// or vanish while they are in use. Data that is not a whole function file of
// this version gives an error that wraps ErrFunctionFile.
func ReadFunction(data []byte) (*Function, error) {
	var h functionHeader
	batches, err := functionFile().Read(data, &h)
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*Function, error) { return nil, fmt.Errorf("%w: header: %w", ErrFunctionFile, err) }
	regions := len(h.Regions.IDs)
	if len(batches) != 1 || regions == 0 || len(h.Regions.Names) != regions || batches[0].Rows%regions != 0 || h.Steps != batches[0].Rows/regions {
		return fail(fmt.Errorf("%d steps of %d regions do not fit the file", h.Steps, regions))
	}
	f := &Function{Dataset: h.Dataset, Estimated: h.Estimated, Values: arrow.Float64Traits.CastFromBytes(batches[0].Columns[0].Values)}
	if f.Spec, err = ParseFunction(h.Function); err != nil {
		return fail(err)
	}
	if f.Version, err = ParseVersion(h.Version); err != nil {
		return fail(err)
	}
	if f.Axis.Resolution, err = ParseResolution(h.Resolution); err != nil {
		return fail(err)
	}
	if f.Axis.Zone, err = parseZone(h.Zone); err != nil {
		return fail(err)
	}
	f.Axis.first, f.Axis.Steps = h.First, h.Steps
	edges := make([][2]int, len(h.Regions.Edges))
	for i, e := range h.Regions.Edges {
		edges[i] = [2]int{int(e[0]), int(e[1])}
	}
	graph, err := topology.NewGraph(regions, edges)
	if err != nil {
		return fail(err)
	}
	f.Regions = &RegionSystem{Name: h.Regions.Name, IDs: h.Regions.IDs, Names: h.Regions.Names, Graph: graph}
	return f, nil
}
