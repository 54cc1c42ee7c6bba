package datasets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// openTable opens a file as a table: what starts with the magic bytes of
// Parquet, whatever its name, and text that is named .csv, .tsv or .txt or
// that is compressed with gzip. An error is a *ColumnError.
func openTable(ctx context.Context, store Store, name string, spec CSVSpec) (table, error) {
	fail := func(err error, hint string) (table, error) {
		return nil, &ColumnError{File: name, RowGroup: -1, Row: -1, Err: err, Hint: hint}
	}
	file, err := store.Open(ctx, name)
	if err != nil {
		return fail(err, "")
	}
	head := make([]byte, min(file.Size(), headBytes))
	if err := readFull(file, head, 0); err != nil {
		file.Close()
		return fail(err, damaged)
	}
	extension := tableExtension(name)
	if format, hint := foreignFormat(head, extension); format != "" {
		file.Close()
		return fail(errors.New(format), hint)
	}
	var t table
	if bytes.HasPrefix(head, []byte("PAR1")) {
		t, err = openParquet(name, file)
	} else {
		t, err = openCSV(name, file, spec, extension == ".tsv")
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return t, nil
}

// headBytes is how much of the start of a file tells its format.
const headBytes = 512

// tableExtension returns the last extension of name in lower case, without a
// .gz after it.
func tableExtension(name string) string {
	return path.Ext(strings.TrimSuffix(strings.ToLower(name), ".gz"))
}

// foreignMagic are the first bytes of files that are met in place of tables.
var foreignMagic = []struct{ magic, format, hint string }{
	{"PARE", "the Parquet footer is encrypted", "write the file without encryption"},
	{"PK\x03\x04", "this is a ZIP archive (or an Excel file)", "unpack it, or save the sheet as CSV"},
	{"PK\x05\x06", "this is an empty ZIP archive", "get the file again"},
	{"\xd0\xcf\x11\xe0", "this is an old Excel file", "save the sheet as CSV"},
	{"ARROW1", "this is an Arrow file", "write it as Parquet"},
	{"FEA1", "this is a Feather file", "write it as Parquet"},
	{"ORC", "this is an ORC file", "write it as Parquet"},
	{"Obj\x01", "this is an Avro file", "write it as Parquet"},
	{"SQLite format 3\x00", "this is a SQLite database", "export the table as CSV or Parquet"},
	{"\x28\xb5\x2f\xfd", "this is compressed with zstd", "decompress it, or compress it with gzip"},
	{"BZh", "this is compressed with bzip2", "decompress it, or compress it with gzip"},
	{"\xfd7zXZ\x00", "this is compressed with xz", "decompress it, or compress it with gzip"},
	{"7z\xbc\xaf\x27\x1c", "this is a 7z archive", "unpack it"},
	{"%PDF", "this is a PDF file", "get the table as CSV or Parquet"},
	{"\xff\xfe", "this is UTF-16 text", "save it as UTF-8"},
	{"\xfe\xff", "this is UTF-16 text", "save it as UTF-8"},
}

// foreignFormat says why a file that starts with head is not a table, and what
// to do. It returns "" for Parquet, gzip and plain text.
func foreignFormat(head []byte, extension string) (format, hint string) {
	if len(head) == 0 {
		return "the file is empty", "get it again, or leave it out"
	}
	if bytes.HasPrefix(head, []byte("PAR1")) || bytes.HasPrefix(head, gzipMagic) {
		return "", ""
	}
	for _, f := range foreignMagic {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return f.format, f.hint
		}
	}
	text := strings.ToLower(strings.TrimSpace(strings.TrimPrefix(string(head), byteOrderMark)))
	for _, start := range []string{"<!doctype html", "<html", "<?xml", "<error"} {
		if strings.HasPrefix(text, start) {
			return "this is an HTML or XML page", "the server sent a message in place of the file: read it, and get the file again"
		}
	}
	switch isText := slices.Contains([]string{".csv", ".tsv", ".txt"}, extension); {
	case bytes.IndexByte(head, 0) >= 0:
		return fmt.Sprintf("this is neither Parquet nor text: it starts with %q", head[:min(4, len(head))]), damaged
	case extension == ".parquet":
		return fmt.Sprintf("this is not a Parquet file: it starts with %q instead of %q", head[:min(4, len(head))], "PAR1"), damaged
	case !isText && (text == "" || text[0] == '{' || text[0] == '['):
		return "this is JSON", "write the table as CSV or Parquet"
	case !isText:
		return "the format of the file is unknown", "name Parquet files .parquet and text files .csv, .csv.gz or .tsv"
	}
	return "", ""
}
