package jobs

import (
	"bytes"
	"os"
	"testing"
)

// TestTablesPage: the page of the tables is what the command prints; -update
// rewrites it.
func TestTablesPage(t *testing.T) {
	const name = "docs/tables.md"
	page := bytes.NewBufferString("# The tables of a run\n\nPrinted by `polygamy schema --format markdown`.\n\n")
	if err := Schema(nil, "markdown", page); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(name, page.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, page.Bytes()) {
		t.Errorf("%s is not what the command prints; go test ./jobs -run TestTablesPage -update rewrites it", name)
	}
}
