package arrowfile

import (
	"bytes"
	"errors"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/google/go-cmp/cmp"
)

var errKind = errors.New("not a file of numbers")

func kind() *Kind {
	return &Kind{Name: "numbers", Version: 3, Err: errKind, Fields: []arrow.Field{
		{Name: "n", Type: arrow.PrimitiveTypes.Int32},
		{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	}}
}

type title struct{ Title string }

// contents has a batch with missing values, one without, and an empty one.
func contents() []Batch {
	ints, floats := arrow.Int32Traits.CastToBytes, arrow.Float64Traits.CastToBytes
	return []Batch{
		{Rows: 3, Columns: []Column{{Values: ints([]int32{1, 2, 3})}, {Values: floats([]float64{0.5, 0, -1}), Validity: []byte{0b101}}}},
		{Rows: 1, Columns: []Column{{Values: ints([]int32{4})}, {Values: floats([]float64{7})}}},
		{Rows: 0, Columns: []Column{{Values: []byte{}}, {Values: []byte{}}}},
	}
}

func encoded(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := kind().Write(&b, title{"a"}, contents()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	var h title
	got, err := kind().Read(encoded(t), &h)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(contents(), got); diff != "" || h.Title != "a" {
		t.Errorf("title %q (-written +read):\n%s", h.Title, diff)
	}
}

// TestOpensInArrow reads the values with the Arrow library alone.
func TestOpensInArrow(t *testing.T) {
	file, err := ipc.NewFileReader(bytes.NewReader(encoded(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	record, err := file.Record(0)
	if err != nil {
		t.Fatal(err)
	}
	x := record.Column(1).(*array.Float64)
	if file.NumRecords() != 3 || record.NumRows() != 3 || x.Value(0) != 0.5 || !x.IsNull(1) || x.Value(2) != -1 {
		t.Errorf("%d batches, the first %v", file.NumRecords(), record)
	}
}

// TestDamage changes every byte and cuts everywhere: an error of the kind, or
// the same content.
func TestDamage(t *testing.T) {
	data := encoded(t)
	for i := range data {
		for _, bit := range []byte{0x01, 0x80} {
			damaged := bytes.Clone(data)
			damaged[i] ^= bit
			var h title
			got, err := kind().Read(damaged, &h)
			if err != nil && !errors.Is(err, errKind) {
				t.Fatalf("byte %d: error %v", i, err)
			}
			if err == nil && !cmp.Equal(contents(), got) {
				t.Fatalf("byte %d: a wrong answer", i)
			}
		}
		var h title
		if _, err := kind().Read(data[:i], &h); !errors.Is(err, errKind) {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
	}
	for name, change := range map[string]func(*Kind){"name": func(k *Kind) { k.Name = "letters" }, "version": func(k *Kind) { k.Version = 4 }} {
		k := kind()
		change(k)
		if _, err := k.Read(data, &title{}); !errors.Is(err, errKind) {
			t.Errorf("another %s: %v", name, err)
		}
	}
}
