package topology

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func encode(t testing.TB, x *Index) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := x.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sameIndex compares indexes, wherever their memory is.
var sameIndex = cmp.Options{
	cmp.AllowUnexported(Index{}, Tree{}, columns{}),
	cmpopts.EquateEmpty(),
	cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "mapped" }, cmp.Ignore()),
}

// smallIndex has two seasons, one of which is empty.
func smallIndex(t testing.TB) *Index {
	nan := math.NaN()
	return build(t, NewDomain(graph(t, 2, [2]int{0, 1}), 5), []float64{1, 5, 3, 4, nan, 2, nan, nan, nan, nan},
		[]Season{{Code: 201201, First: 0, End: 3}, {Code: 201202, First: 3, End: 5}})
}

func TestFileRoundTrip(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 11))
		d, f := randomDomain(rng, 1+rng.IntN(500))
		x := build(t, d, f, nil)
		data := encode(t, x)
		got, err := ReadIndex(data)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if diff := cmp.Diff(x, got, sameIndex); diff != "" {
			t.Fatalf("seed %d (-written +read):\n%s", seed, diff)
		}
		if !bytes.Equal(data, encode(t, got)) {
			t.Fatalf("seed %d: written again, the bytes differ", seed)
		}
	}
	for name, x := range map[string]*Index{"two seasons": smallIndex(t), "no steps": build(t, Path(0), nil, nil)} {
		got, err := ReadIndex(encode(t, x))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(x, got, sameIndex); diff != "" {
			t.Errorf("%s (-written +read):\n%s", name, diff)
		}
	}
}

// TestFileIsMapped: the columns lie in the file's own memory, so a mapped
// file is not copied.
func TestFileIsMapped(t *testing.T) {
	data := encode(t, smallIndex(t))
	x, err := ReadIndex(data)
	if err != nil {
		t.Fatal(err)
	}
	first, last := uintptr(unsafe.Pointer(&data[0])), uintptr(unsafe.Pointer(&data[len(data)-1]))
	for _, column := range x.seasons[0].Super.batch().Columns {
		if at := uintptr(unsafe.Pointer(&column.Values[0])); at < first || at > last {
			t.Errorf("a column lies outside the file")
		}
	}
	unaligned := append(make([]byte, 1, len(data)+1), data...)[1:]
	if x, err = ReadIndex(unaligned); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(smallIndex(t), x, sameIndex); diff != "" {
		t.Errorf("read at an odd address (-written +read):\n%s", diff)
	}
}

// TestRecycleOfAFile: the memory of a file is not written to.
func TestRecycleOfAFile(t *testing.T) {
	f := noiseField(1000)
	data := encode(t, build(t, Path(len(f)), f, nil))
	before := bytes.Clone(data)
	x, err := ReadIndex(data)
	if err != nil {
		t.Fatal(err)
	}
	var b Builder
	b.Recycle(x)
	if _, err := b.Build(context.Background(), Path(500), f[:500], nil); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, data) {
		t.Error("a build wrote into the file")
	}
}

// TestFileOpensInArrow reads the file with the Arrow library alone.
func TestFileOpensInArrow(t *testing.T) {
	x := smallIndex(t)
	file, err := ipc.NewFileReader(bytes.NewReader(encode(t, x)))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if file.NumRecords() != 4 {
		t.Fatalf("%d batches, want two a season", file.NumRecords())
	}
	record, err := file.Record(1) // the sub-level tree of the first season
	if err != nil {
		t.Fatal(err)
	}
	tree := x.Seasons()[0].Sub
	for i := range tree.Len() {
		p := tree.Pair(i)
		got := Pair{
			Extremum: int(record.Column(0).(*array.Int32).Value(i)),
			Saddle:   int(record.Column(1).(*array.Int32).Value(i)),
			Parent:   int(record.Column(2).(*array.Int32).Value(i)),
			Birth:    record.Column(3).(*array.Float64).Value(i),
			Death:    record.Column(4).(*array.Float64).Value(i),
		}
		if got != p {
			t.Errorf("pair %d is %+v, want %+v", i, got, p)
		}
	}
}

// TestDamagedFile changes every bit and cuts the file at every byte: an error,
// or, where the bit is padding, the same index.
func TestDamagedFile(t *testing.T) {
	x := smallIndex(t)
	data := encode(t, x)
	for i := range data {
		for bit := range 8 {
			damaged := bytes.Clone(data)
			damaged[i] ^= 1 << bit
			got, err := ReadIndex(damaged)
			if err != nil {
				if !errors.Is(err, ErrFile) {
					t.Fatalf("byte %d, bit %d: error %v does not wrap ErrFile", i, bit, err)
				}
				continue
			}
			if diff := cmp.Diff(x, got, sameIndex); diff != "" {
				t.Fatalf("byte %d, bit %d: a wrong answer (-written +read):\n%s", i, bit, diff)
			}
		}
	}
	for n := range data {
		if _, err := ReadIndex(data[:n]); !errors.Is(err, ErrFile) {
			t.Fatalf("cut to %d bytes: error %v", n, err)
		}
	}
}

// A seekingBuffer is a buffer that can only say where it is.
type seekingBuffer struct{ *bytes.Buffer }

func (b *seekingBuffer) Seek(int64, int) (int64, error) { return int64(b.Len()), nil }

func TestForeignFile(t *testing.T) {
	var other bytes.Buffer
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int32}}, nil)
	w, err := ipc.NewFileWriter(&seekingBuffer{&other}, ipc.WithSchema(schema))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var next []byte // the file with another version: one of its bytes "1" is the version
	for i, data := 0, encode(t, smallIndex(t)); i < len(data) && next == nil; i++ {
		changed := bytes.Clone(data)
		changed[i] = '2'
		if _, err := ReadIndex(changed); data[i] == '1' && err != nil && strings.Contains(err.Error(), "version") {
			next = changed
		}
	}
	for _, tc := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "not an Arrow file, or cut off"},
		{"text", []byte(strings.Repeat("time,value\n", 20)), "not an Arrow file, or cut off"},
		{"another Arrow file", other.Bytes(), "an Arrow file of another kind"},
		{"another version", next, `format version "2"; this program reads version 1, so make the file again`},
	} {
		if _, err := ReadIndex(tc.data); err == nil || err.Error() != "topology: not a readable merge tree file: "+tc.want {
			t.Errorf("%s: error %v", tc.name, err)
		}
	}
}

// FuzzReadIndex: no bytes make it panic, and what it reads it can write.
func FuzzReadIndex(f *testing.F) {
	f.Add(encode(f, smallIndex(f)))
	f.Add([]byte("ARROW1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := ReadIndex(data)
		if err != nil {
			return
		}
		if err := x.Write(&bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestSameBytes: the file depends on the function alone, not on workers,
// slabs or recycled memory.
func TestSameBytes(t *testing.T) {
	d := NewDomain(neighborhoods(t), 400)
	f := noiseField(d.NumVertices())
	want := encode(t, build(t, d, f, nil))
	for _, b := range []*Builder{{Workers: 1}, {Workers: 2}, {Workers: 7, slabSteps: 3}, {Workers: 64, slabSteps: 1}} {
		for range 2 {
			x, err := b.Build(context.Background(), d, f, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(want, encode(t, x)) {
				t.Errorf("%d workers, slabs of %d steps: the bytes differ", b.Workers, b.slabSteps)
			}
			b.Recycle(x)
		}
	}
}

// BenchmarkReadIndex reads a file of many pairs that lies in memory.
func BenchmarkReadIndex(b *testing.B) {
	f := noiseField(1 << 20)
	data := encode(b, build(b, Path(len(f)), f, nil))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := ReadIndex(data); err != nil {
			b.Fatal(err)
		}
	}
}
