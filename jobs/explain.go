package jobs

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"polygamy/datasets"
	"polygamy/relate"
)

// ExplainOptions are those of the command explain.
type ExplainOptions struct {
	Out     string // folder of the run
	A, B    string // functions, such as taxi.sum(trips), or datasets
	At      string // resolution; empty: that of the strongest relationship
	Version string // raw or anomaly; empty: that of the strongest relationship
	Level   string // such as tail:10; empty: that of the relationship
	Lag     *int   // by which B follows A; nil: that of the relationship
	Plot    string // picture, .svg or .png
	Format  string // table (default) or json
}

// An Explanation says where and when the features of two functions meet. a is
// the function whose dataset's name is less, as in the table relationships.
// Times are local, in RFC 3339; an end is where the last step ends.
type Explanation struct {
	A          ExplainedFunction `json:"a"`
	B          ExplainedFunction `json:"b"`
	Finding    string            `json:"finding"` // in a sentence
	Resolution string            `json:"resolution"`
	Version    string            `json:"version"`
	Class      string            `json:"class"`
	Level      string            `json:"level"`
	Lag        int               `json:"lag"` // steps by which b follows a
	Zone       string            `json:"zone"`
	Start      string            `json:"start"` // of the steps in which both are counted
	End        string            `json:"end"`

	// Of the row of the table relationships. The numbers are of its own level and
	// lag, which others may have been asked for.
	Selected bool     `json:"selected"` // a discovery
	Reason   string   `json:"reason,omitempty"`
	P        *float64 `json:"p"`
	Q        *float64 `json:"q"`
	Kappa    *float64 `json:"kappa"`
	AtLevel  string   `json:"strongest_level"`
	AtLag    int      `json:"strongest_lag"`

	Counts Meeting `json:"counts"`

	Events     []Event  `json:"events"`      // what makes D first, the largest first, then what is against it
	EventCount int      `json:"event_count"` // all of them
	Top        []Share  `json:"top"`         // of the 1, 5 and 10 largest events
	OnlyA      []Missed `json:"only_a"`      // largest features of a that meet none of b
	OnlyB      []Missed `json:"only_b"`
	OnlyACount int      `json:"only_a_count"` // all of them
	OnlyBCount int      `json:"only_b_count"`

	Without []LeftOut     `json:"without"` // the largest events, and each season
	Regions []RegionShare `json:"regions"` // in the order of the region system; empty for the whole city
	Notes   []string      `json:"notes"`

	meeting *meeting
	sides   [2]*side
}

// An ExplainedFunction is one of the two functions.
type ExplainedFunction struct {
	Name     string `json:"name"` // dataset.function
	Dataset  string `json:"dataset"`
	Function string `json:"function"`
	Unit     string `json:"unit"`         // of its values
	Version  string `json:"version_unit"` // of the values in the version that is explained
}

// A Meeting counts the features of two functions, in cells (region, step) that
// are counted: where both have values, in the rows of the test.
type Meeting struct {
	D         int     `json:"d"`       // cells that agree in sign less those that differ
	Overlap   int     `json:"overlap"` // cells that are features of both
	Score     float64 `json:"score"`
	Strength  float64 `json:"strength"`
	PP        int     `json:"pp"`
	NN        int     `json:"nn"`
	PN        int     `json:"pn"`
	NP        int     `json:"np"`
	APositive int     `json:"a_positive"`
	ANegative int     `json:"a_negative"`
	BPositive int     `json:"b_positive"`
	BNegative int     `json:"b_negative"`
	Cells     int     `json:"cells"`
}

// An Event is a connected group of cells in which features of both functions
// meet, with equal signs throughout.
type Event struct {
	Place
	SignA   string `json:"a_sign"`  // positive or negative
	SignB   string `json:"b_sign"`  //
	D       int    `json:"d"`       // its part of D: its cells, or less than 0 where signs differ
	Regions int    `json:"regions"` // that it is in
	A       Value  `json:"a"`       // in its most unusual cell
	B       Value  `json:"b"`       // lag steps later
}

// Missed is a feature of one function that no feature of the other meets.
type Missed struct {
	Place
	Sign    string `json:"sign"`
	Cells   int    `json:"cells"`
	Regions int    `json:"regions"`
	A       Value  `json:"a"`
	B       Value  `json:"b"`
}

// A Place says when and where. Times are those of a; of a feature of b alone,
// those of b.
type Place struct {
	Start      string `json:"start"`
	End        string `json:"end"`
	Steps      int    `json:"steps"`       // from the first to the last
	At         string `json:"at"`          // step of its most unusual cell
	Region     string `json:"region"`      // of that cell
	RegionName string `json:"region_name"` //

	text string // the time to read
}

// A Value is that of a cell; null is missing.
type Value struct {
	Raw     *float64 `json:"raw"`     // in the unit of the function
	Anomaly *float64 `json:"anomaly"` // in standard deviations
}

// A Share is how much of D the largest events make, of those that go its way.
type Share struct {
	Events int      `json:"events"`
	Cells  int      `json:"cells"`
	Share  *float64 `json:"share"` // of |D|; above 1 if others are against it; null if D is 0
}

// LeftOut is what remains when some steps are left out.
type LeftOut struct {
	What     string  `json:"what"`
	Steps    int     `json:"steps"` // left out
	D        int     `json:"d"`
	Overlap  int     `json:"overlap"`
	Score    float64 `json:"score"`
	Strength float64 `json:"strength"`
}

// A RegionShare is what a region has of the counts.
type RegionShare struct {
	Region  string `json:"region"`
	Name    string `json:"name"`
	D       int    `json:"d"`
	Overlap int    `json:"overlap"`
	Cells   int    `json:"cells"`
}
