package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// An example is a command of the README with the output that it shows.
type example struct {
	command string   // on one line
	want    []string // lines; "..." stands for any number
}

// readExamples returns the examples of a Markdown file: indented blocks, in
// which commands begin with a dollar sign and are continued after a backslash.
func readExamples(text string) (examples []example) {
	var open *example // to which a line belongs
	continued := false
	for line := range strings.Lines(text) {
		line, indented := strings.CutPrefix(strings.TrimRight(line, "\n"), "    ")
		command, begins := strings.CutPrefix(line, "$ ")
		switch {
		case !indented:
			open = nil
			continue
		case begins:
			examples = append(examples, example{})
			open = &examples[len(examples)-1]
		case open == nil:
			continue
		case continued:
			command = " " + strings.TrimSpace(line)
		default:
			open.want = append(open.want, line)
			continue
		}
		command, continued = strings.CutSuffix(command, `\`)
		open.command += command
	}
	return examples
}

// matches returns the line of want that got has not where it should be, if so.
func matches(want, got []string) (missing string, ok bool) {
	anywhere := false
	for _, line := range want {
		if strings.TrimSpace(line) == "..." {
			anywhere = true
			continue
		}
		i := slices.Index(got, line)
		if i < 0 || i > 0 && !anywhere {
			return line, false
		}
		got, anywhere = got[i+1:], false
	}
	if len(got) > 0 && !anywhere {
		return "the end", false
	}
	return "", true
}

// TestReadme runs the commands of the README whose output it shows, on the
// corpus of the repository.
func TestReadme(t *testing.T) {
	t.Chdir("../..")
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := readExamples(string(text))
	if len(examples) < 4 {
		t.Fatalf("%d examples", len(examples))
	}
	const functions = "bin/out/functions/"
	out := t.TempDir()
	args := []string{"ingest", "--catalog", "notebooks/corpus/catalog.yaml", "--out", out}
	for _, match := range regexp.MustCompile(functions+`(\w+)/`).FindAllStringSubmatch(fmt.Sprint(examples), -1) {
		if !slices.Contains(args, match[1]) {
			args = append(args, match[1])
		}
	}
	if err := run(t.Context(), args, new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	for _, e := range examples {
		command, filter, filtered := strings.Cut(e.command, "| grep ")
		args := strings.Fields(strings.ReplaceAll(command, functions, filepath.Join(out, "functions")+"/"))
		if args[0] != "bin/polygamy" {
			t.Errorf("%s: not a command of this program", e.command)
			continue
		}
		var b bytes.Buffer
		if err := run(t.Context(), args[1:], &b); err != nil {
			t.Errorf("%s: %v", e.command, err)
			continue
		}
		got := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
		if filtered {
			got = slices.DeleteFunc(got, func(line string) bool { return !strings.Contains(line, filter) })
		}
		if line, ok := matches(e.want, got); !ok {
			t.Errorf("%s: %q is not there in\n%s", e.command, line, strings.Join(got, "\n"))
		}
	}
}

func TestMatches(t *testing.T) {
	got := []string{"a", "b", "c", "d"}
	for _, tc := range []struct{ want, missing string }{
		{"a b c d", ""}, {"a ... d", ""}, {"... c ...", ""}, {"a ...", ""}, {"a b c", "the end"}, {"b c d", "b"}, {"a c d", "c"}, {"a ... x ...", "x"}, {"a ... c b ...", "b"},
	} {
		if missing, _ := matches(strings.Fields(tc.want), got); missing != tc.missing {
			t.Errorf("%s: %q is missing, want %q", tc.want, missing, tc.missing)
		}
	}
	examples := readExamples("text\n\n    $ one \\\n          two\n    out\n      in\n\n    make\n\n    $ three\n\ntext\n    $ four\n    x\n")
	want := `[{one  two [out   in]} {three []} {four [x]}]`
	if got := fmt.Sprint(examples); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
