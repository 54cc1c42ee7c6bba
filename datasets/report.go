package datasets

import (
	"cmp"
	"slices"
	"time"
)

// A Report says what became of the rows of a dataset. Every row read is in
// exactly one of Used, LeftOut and Rejected; a row that is used may still have
// values that are not (BadValues) or no region (Unplaced).
type Report struct {
	Dataset   string           `json:"dataset"`
	Files     []FileReport     `json:"files"`
	Rows      int64            `json:"rows"`            // read
	Used      int64            `json:"used"`            // with a time that can be used
	LeftOut   int64            `json:"left_out"`        // by where, or outside from and to
	Rejected  []Reject         `json:"rejected"`        // rows, by reason
	Unplaced  []Reject         `json:"unplaced"`        // used rows that are in no region, by region system and reason
	BadValues []Reject         `json:"bad_values"`      // values of used rows, by column and reason
	Ambiguous int64            `json:"ambiguous_times"` // wall clock times that autumn repeats: the earlier is taken
	Skipped   int64            `json:"skipped_times"`   // wall clock times that spring skips: moved forward
	Step      string           `json:"step"`            // finest resolution of the times
	First     time.Time        `json:"first"`           // start of the first step that has a row
	Last      time.Time        `json:"last"`            // start of the last one
	Silence   int64            `json:"usual_silence"`   // steps without a row that are no gap
	Gaps      []Gap            `json:"gaps"`
	Columns   []ColumnReport   `json:"columns"`
	Functions []FunctionReport `json:"functions"`
	Warnings  []string         `json:"warnings"`

	partly   bool // only the first rows of each file have been read
	midnight bool // steps are hours, and all that have rows begin a day
}

// A FileReport is a file that was read.
type FileReport struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
	Rows  int64  `json:"rows"` // also those of row groups that lie outside from and to, which are not read
	Total int64  `json:"-"`    // rows that the file says it has, -1 if it does not
}

// A Reject counts rows or values that are not used for one reason.
type Reject struct {
	Reason  string   `json:"reason"`
	Column  string   `json:"column,omitempty"`
	Regions string   `json:"regions,omitempty"` // region system
	Count   int64    `json:"count"`
	Samples []Sample `json:"samples,omitempty"` // the first in the order of files and rows, at most maxSamples, all different
}

// A Sample is a value that could not be used.
type Sample struct {
	File string `json:"file"`
	Row  int64  `json:"row"` // from 0; -1 if the text says the line
	Text string `json:"text"`

	order int64 // of its file
}

const maxSamples = 5

// A Gap is a stretch in which the whole dataset is silent for longer than is
// usual for it.
type Gap struct {
	From  time.Time `json:"from"` // start of the first silent step
	To    time.Time `json:"to"`   // start of the last one
	Steps int64     `json:"steps"`
}

// A ColumnReport summarises the values of a column.
type ColumnReport struct {
	Column string  `json:"column"`
	Values int64   `json:"values"`
	Min    float64 `json:"min"` // of numbers, 0 if there are none
	Max    float64 `json:"max"`
}

// A FunctionReport summarises a scalar function.
type FunctionReport struct {
	Function   string  `json:"function"`
	Resolution string  `json:"resolution"`
	Regions    string  `json:"regions"`
	NumRegions int     `json:"num_regions"` // with a value
	AllRegions int     `json:"all_regions"` // of the system
	Steps      int     `json:"steps"`
	Values     int     `json:"values"` // cells that are not missing
	Zeros      int     `json:"zeros"`
	Min        float64 `json:"min"`
	Median     float64 `json:"median"`
	Max        float64 `json:"max"`
	Estimated  int     `json:"estimated,omitempty"` // cells whose value is an estimate, see distinct counts and medians
}

// rejects counts what is not used, by reason, with samples. The zero value is
// ready to use.
type rejects struct {
	list []*Reject
}

// add counts n rows or values and returns the entry for samples.
func (r *rejects) add(reason, column, regions string, n int64) *Reject {
	for _, e := range r.list {
		if e.Reason == reason && e.Column == column && e.Regions == regions {
			e.Count += n
			return e
		}
	}
	e := &Reject{Reason: reason, Column: column, Regions: regions, Count: n}
	r.list = append(r.list, e)
	return e
}

// sample keeps s if it is among the first in the order of files and rows. Of
// equal texts the first stands for all.
func (e *Reject) sample(s Sample) {
	same := slices.IndexFunc(e.Samples, func(t Sample) bool { return t.Text == s.Text })
	switch {
	case same >= 0 && !s.before(e.Samples[same]):
		return
	case same >= 0:
		e.Samples = slices.Delete(e.Samples, same, same+1)
	case len(e.Samples) == maxSamples && !s.before(e.Samples[maxSamples-1]):
		return
	}
	at, _ := slices.BinarySearchFunc(e.Samples, s, func(a, b Sample) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.Row, b.Row))
	})
	e.Samples = slices.Insert(e.Samples, at, s)
	e.Samples = e.Samples[:min(len(e.Samples), maxSamples)]
}

// wants reports whether a row of a file could still be a sample, so that its
// text need not be made otherwise.
func (e *Reject) wants(order, row int64) bool {
	return len(e.Samples) < maxSamples || Sample{Row: row, order: order}.before(e.Samples[maxSamples-1])
}

func (s Sample) before(t Sample) bool {
	return s.order < t.order || s.order == t.order && s.Row < t.Row
}

// merge adds what another part of the dataset counted.
func (r *rejects) merge(from *rejects) {
	for _, e := range from.list {
		to := r.add(e.Reason, e.Column, e.Regions, e.Count)
		for _, s := range e.Samples {
			to.sample(s)
		}
	}
}

// sorted returns the entries, the most frequent first.
func (r *rejects) sorted() []Reject {
	list := make([]Reject, 0, len(r.list))
	for _, e := range r.list {
		list = append(list, *e)
	}
	slices.SortFunc(list, func(a, b Reject) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Regions, b.Regions))
	})
	return list
}
