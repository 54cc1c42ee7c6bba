package jobs

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math"
	"strconv"

	prettytable "github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// A table is a result to print: named columns, and rows that are computed as
// they are printed. Values are int, float64 (NaN is missing), float32, string
// or stepTime.
type table struct {
	columns []string
	rows    iter.Seq[[]any]
}

func newTable(columns ...string) *table { return &table{columns: columns} }

// print writes the table as an aligned table, as CSV with a header, or as a
// JSON array of objects. It stops between two rows when ctx is cancelled.
func (t *table) print(ctx context.Context, w io.Writer, format string) error {
	b := bufio.NewWriter(w)
	interruptible := *t
	interruptible.rows = func(yield func([]any) bool) {
		for row := range t.rows {
			if ctx.Err() != nil || !yield(row) {
				return
			}
		}
	}
	var err error
	switch format {
	case "csv":
		err = interruptible.printCSV(b)
	case "json":
		err = interruptible.printJSON(b)
	default:
		interruptible.printTable(b)
	}
	if err == nil {
		err = b.Flush()
	}
	if err == nil && ctx.Err() != nil {
		err = errInterrupted
	}
	return err
}

func (t *table) printCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(t.columns); err != nil {
		return err
	}
	record := make([]string, len(t.columns))
	for row := range t.rows {
		for i, v := range row {
			record[i] = dataText(v)
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// dataText is the shortest text that reads back as the same value.
func dataText(v any) string {
	switch x := v.(type) {
	case float64:
		if math.IsNaN(x) {
			return ""
		}
		return shortest(x, 64)
	case float32:
		return shortest(float64(x), 32)
	case stepTime:
		return x.data
	}
	return fmt.Sprint(v)
}

// shortest is the shortest text that reads back as x, without an exponent for
// numbers of a usual size.
func shortest(x float64, bits int) string {
	format := byte('f')
	if a := math.Abs(x); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.FormatFloat(x, format, -1, bits)
}

func (t *table) printJSON(w io.Writer) error {
	separator := "["
	for row := range t.rows {
		for i, v := range row {
			open := ", "
			if i == 0 {
				open = separator + "\n  {"
			}
			value, err := jsonText(v)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(w, "%s%q: %s", open, t.columns[i], value); err != nil {
				return err
			}
		}
		if _, err := io.WriteString(w, "}"); err != nil {
			return err
		}
		separator = ","
	}
	if separator == "[" {
		_, err := io.WriteString(w, "[]\n")
		return err
	}
	_, err := io.WriteString(w, "\n]\n")
	return err
}

func jsonText(v any) ([]byte, error) {
	if missing(v) {
		return []byte("null"), nil
	}
	if x, ok := v.(stepTime); ok {
		v = x.data
	}
	return json.Marshal(v)
}

func (t *table) printTable(w io.Writer) {
	out := prettytable.NewWriter()
	out.SetStyle(prettytable.StyleLight)
	out.Style().Options = prettytable.OptionsNoBordersAndSeparators
	out.Style().Format.Header = text.FormatDefault
	header := make(prettytable.Row, len(t.columns))
	for i, name := range t.columns {
		header[i] = name
	}
	out.AppendHeader(header)
	numeric := make([]bool, len(t.columns))
	for row := range t.rows {
		cells := make(prettytable.Row, len(row))
		for i, v := range row {
			cells[i] = readableText(v)
			if _, isText := v.(string); !isText {
				_, isTime := v.(stepTime)
				numeric[i] = !isTime
			}
		}
		out.AppendRow(cells)
	}
	var config []prettytable.ColumnConfig
	for i, n := range numeric {
		if n {
			config = append(config, prettytable.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight})
		}
	}
	out.SetColumnConfigs(config)
	fmt.Fprintln(w, out.Render())
}

// readableText rounds to what a reader takes in.
func readableText(v any) string {
	switch x := v.(type) {
	case float64:
		if math.IsNaN(x) {
			return ""
		}
		return roundedText(x)
	case float32:
		return roundedText(float64(x))
	case stepTime:
		return x.local
	}
	return fmt.Sprint(v)
}

// roundedText keeps whole numbers whole and gives others five digits.
func roundedText(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	if a := math.Abs(x); a >= 1e5 && a < 1e15 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 5, 64)
}
