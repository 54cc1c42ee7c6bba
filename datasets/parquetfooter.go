package datasets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// checkFooter walks the metadata of a Parquet file, a struct in Thrift's
// compact protocol, and checks that nothing in it claims to be longer than the
// metadata. The library allocates what a list claims before it reads it: one
// flipped bit would ask for hundreds of gigabytes, which ends the program.
func checkFooter(r io.ReaderAt, offset int64, size int) error {
	b := make([]byte, size)
	if err := readFull(r, b, offset); err != nil {
		return err
	}
	w := compactWalker{b}
	if err := w.value(compactStruct, 0); err != nil {
		return fmt.Errorf("the Parquet footer cannot be decoded: %w", err)
	}
	return nil
}

// Types of Thrift's compact protocol.
const (
	compactStop = iota
	compactTrue
	compactFalse
	compactByte
	compactI16
	compactI32
	compactI64
	compactDouble
	compactBinary
	compactList
	compactSet
	compactMap
	compactStruct
)

// compactDepth is how deep structs may nest: those of Parquet take fewer than
// ten levels.
const compactDepth = 50

var errCompact = errors.New("a value is longer than the footer")

// A compactWalker skips values at the start of its bytes.
type compactWalker struct{ b []byte }

func (w *compactWalker) skip(n uint64) error {
	if n > uint64(len(w.b)) {
		return errCompact
	}
	w.b = w.b[n:]
	return nil
}

func (w *compactWalker) byte() (byte, error) {
	if len(w.b) == 0 {
		return 0, errCompact
	}
	c := w.b[0]
	w.b = w.b[1:]
	return c, nil
}

func (w *compactWalker) varint() (uint64, error) {
	v, n := binary.Uvarint(w.b)
	if n <= 0 {
		return 0, errCompact
	}
	w.b = w.b[n:]
	return v, nil
}

func (w *compactWalker) value(typ byte, depth int) error {
	if depth > compactDepth {
		return fmt.Errorf("it nests deeper than %d levels", compactDepth)
	}
	switch typ {
	case compactTrue, compactFalse, compactByte: // as elements of lists
		return w.skip(1)
	case compactI16, compactI32, compactI64:
		_, err := w.varint()
		return err
	case compactDouble:
		return w.skip(8)
	case compactBinary:
		n, err := w.varint()
		if err != nil {
			return err
		}
		return w.skip(n)
	case compactList, compactSet:
		return w.list(depth)
	case compactMap:
		return w.mapping(depth)
	case compactStruct:
		return w.fields(depth)
	}
	return fmt.Errorf("it has a value of unknown type %d", typ)
}

func (w *compactWalker) list(depth int) error {
	head, err := w.byte()
	if err != nil {
		return err
	}
	n := uint64(head >> 4)
	if n == 15 {
		if n, err = w.varint(); err != nil {
			return err
		}
	}
	return w.elements(n, depth, head&15)
}

func (w *compactWalker) mapping(depth int) error {
	n, err := w.varint()
	if err != nil || n == 0 {
		return err
	}
	types, err := w.byte()
	if err != nil {
		return err
	}
	return w.elements(n, depth, types>>4, types&15)
}

// elements skips n values of each of the types in turn. Each has a byte at
// least, so that a false n ends with the footer.
func (w *compactWalker) elements(n uint64, depth int, types ...byte) error {
	for range n {
		for _, typ := range types {
			if err := w.value(typ, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *compactWalker) fields(depth int) error {
	for {
		head, err := w.byte()
		if err != nil || head == compactStop {
			return err
		}
		if head>>4 == 0 { // else the difference to the last field's number
			if _, err := w.varint(); err != nil {
				return err
			}
		}
		switch typ := head & 15; typ {
		case compactTrue, compactFalse: // the type is the value
		default:
			if err := w.value(typ, depth+1); err != nil {
				return err
			}
		}
	}
}
