package jobs

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"polygamy/datasets"
)

// runOf runs some datasets of the bundled corpus and returns the summary.
func runOf(t *testing.T, o RunOptions) *RunSummary {
	t.Helper()
	if o.Catalog == "" {
		o.Catalog = "../notebooks/corpus/catalog.yaml"
	}
	o.Format = "json"
	var out bytes.Buffer
	if err := Run(context.Background(), datasets.Disk{}, o, &out); err != nil {
		t.Fatal(err)
	}
	var s RunSummary
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		t.Fatalf("%v: %s", err, out.Bytes())
	}
	return &s
}

// smallRun has two cheap datasets at two resolutions.
func smallRun(out string) RunOptions {
	return RunOptions{Out: out, Datasets: []string{"citibike_daily", "weather_central_park_daily"}, Resolutions: []string{"day-city", "week-city"}, Lags: 2}
}

// filesOf returns the content of the files below a folder, but for those that
// say when something was done.
func filesOf(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		if strings.HasPrefix(name, "tables/runs/") || slices.Contains([]string{manifestName, ".lock", "inputs.json"}, name) {
			return nil
		}
		data, err := os.ReadFile(path)
		files[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func sameFiles(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	for name, content := range want {
		if other, ok := got[name]; !ok {
			t.Errorf("%s: %s is missing", what, name)
		} else if other != content {
			t.Errorf("%s: %s differs", what, name)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: %s is left over", what, name)
		}
	}
}

// TestRun finds that bike trips fall with rain and rise with warmth, does
// nothing the second time, and only what is new the third time.
func TestRun(t *testing.T) {
	out := t.TempDir()
	o := smallRun(out)
	first := runOf(t, o)
	if first.Loaded != 2 || first.Pairs != 1 || first.Related != 1 || first.Selected == 0 || first.Unchanged {
		t.Errorf("first run: %+v", first)
	}
	rows, err := readRows[Relationship](filepath.Join(out, "tables", "relationships", "run="+first.Run, "resolution=day-city", "part-0.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for _, r := range rows {
		if r.Selected && r.Version == "anomaly" {
			found[r.FunctionA+" "+r.FunctionB] = *r.Kappa
		}
	}
	if found["sum(trips) sum(precip_in)"] > -0.1 || found["sum(trips) max(temp_max_f)"] < 0.1 {
		t.Errorf("found %v", found)
	}
	second := runOf(t, o)
	if !second.Unchanged || second.Run != first.Run || second.Selected != first.Selected {
		t.Errorf("second run: %+v", second)
	}
	o.Datasets = append(o.Datasets, "taxi_yellow_daily")
	third := runOf(t, o)
	if third.Loaded != 1 || third.Pairs != 3 || third.Related != 2 || third.Run == first.Run {
		t.Errorf("with a new dataset: %+v", third)
	}
	o.Lags = 1
	if fourth := runOf(t, o); fourth.Loaded != 0 || fourth.Related != 3 {
		t.Errorf("with other lags: %+v", fourth)
	}
}

// TestRunBytes: any number of workers writes the same bytes.
func TestRunBytes(t *testing.T) {
	var want map[string]string
	for _, workers := range []int{1, 2, 7} {
		o := smallRun(t.TempDir())
		o.Workers = workers
		o.Datasets = append(o.Datasets, "flights", "taxi_passengers_halfhourly")
		runOf(t, o)
		if files := filesOf(t, o.Out); want == nil {
			want = files
		} else {
			sameFiles(t, plural(workers, "worker"), files, want)
		}
	}
}

// TestRunAppended: a file that is added to one dataset costs that dataset and
// its pairs.
func TestRunAppended(t *testing.T) {
	folder := t.TempDir()
	csv := func(name, from string, values ...string) {
		begin, err := time.Parse(time.DateOnly, from)
		if err != nil {
			t.Fatal(err)
		}
		text := "day,value\n"
		for i := range 400 {
			text += begin.AddDate(0, 0, i).Format(time.DateOnly) + "," + values[i*i%len(values)] + "\n"
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	csv("a-1.csv", "2014-01-01", "1", "2", "5", "3", "8")
	csv("b-1.csv", "2014-01-01", "3", "2", "9", "4", "8", "7")
	csv("c-1.csv", "2014-01-01", "3", "2", "9", "1")
	catalog := "city: {name: X, timezone: UTC}\ndatasets:\n"
	for _, name := range []string{"a", "b", "c"} {
		catalog += "  " + name + ": {files: '" + name + "-*.csv', time: {column: day}, place: {city: true}, functions: mean(value)}\n"
	}
	if err := os.WriteFile(filepath.Join(folder, "catalog.yaml"), []byte(catalog), 0o666); err != nil {
		t.Fatal(err)
	}
	o := RunOptions{Catalog: filepath.Join(folder, "catalog.yaml"), Out: filepath.Join(folder, "out")}
	if s := runOf(t, o); s.Loaded != 3 || s.Related != 3 {
		t.Errorf("first run: %+v", s)
	}
	csv("a-2.csv", "2015-02-05", "1", "2", "5")
	if s := runOf(t, o); s.Loaded != 1 || s.Related != 2 {
		t.Errorf("with a second file of a: %+v", s)
	}
}

// TestRunUnreadable: a dataset that cannot be read does not stop the others.
func TestRunUnreadable(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "bad.parquet"), []byte("no Parquet"), 0o666); err != nil {
		t.Fatal(err)
	}
	corpus, err := filepath.Abs("../notebooks/corpus")
	if err != nil {
		t.Fatal(err)
	}
	catalog := `city: {name: New York, timezone: America/New_York}
datasets:
  bad: {files: bad.parquet, time: {column: day}, place: {city: true}, functions: count}
  bikes: {files: '` + corpus + `/nyc/citibike_daily/*.parquet', time: {column: date}, place: {city: true}, functions: sum(trips)}
`
	if err := os.WriteFile(filepath.Join(folder, "catalog.yaml"), []byte(catalog), 0o666); err != nil {
		t.Fatal(err)
	}
	o := RunOptions{Catalog: filepath.Join(folder, "catalog.yaml"), Out: filepath.Join(folder, "out"), Resolutions: []string{"day-city"}}
	var text bytes.Buffer
	err = Run(context.Background(), datasets.Disk{}, o, &text)
	if ExitCode(err) != ExitInput || !strings.Contains(err.Error(), "dataset bad") {
		t.Errorf("error %v", err)
	}
	m, err := readManifest(o.Out)
	if err != nil || m == nil {
		t.Fatal(m, err)
	}
	if m.Functions != 1 || m.Datasets[0].Error == "" || m.Datasets[1].Error != "" {
		t.Errorf("manifest %+v", m)
	}
	runs, err := readRows[RunRow](filepath.Join(o.Out, "tables", "runs", "run="+m.Run, "part-0.parquet"))
	if err != nil || len(runs) != 2 || runs[0].Error == nil || runs[1].Error != nil {
		t.Errorf("runs %+v, %v", runs, err)
	}
}

// TestRunFolder: two runs into one folder, a folder that is none, options that
// are none.
func TestRunFolder(t *testing.T) {
	out := t.TempDir()
	unlock, err := lockFolder(out)
	if err != nil {
		t.Fatal(err)
	}
	run := func(o RunOptions) error {
		return Run(context.Background(), datasets.Disk{}, o, &bytes.Buffer{})
	}
	catalog := "../notebooks/corpus/catalog.yaml"
	if err := run(RunOptions{Catalog: catalog, Out: out}); ExitCode(err) != ExitTransient {
		t.Errorf("while another run works: %v", err)
	}
	unlock()
	file := filepath.Join(out, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		o    RunOptions
		code int
	}{
		"no folder":      {RunOptions{Catalog: catalog}, ExitUsage},
		"a file":         {RunOptions{Catalog: catalog, Out: file}, ExitPartial},
		"no catalog":     {RunOptions{Catalog: filepath.Join(out, "none"), Out: out}, ExitUsage},
		"no such system": {RunOptions{Catalog: catalog, Out: out, Resolutions: []string{"day-county"}}, ExitUsage},
		"no such step":   {RunOptions{Catalog: catalog, Out: out, Resolutions: []string{"minute-city"}}, ExitUsage},
		"no such rate":   {RunOptions{Catalog: catalog, Out: out, Q: 1.5}, ExitUsage},
		"no memory":      {RunOptions{Catalog: catalog, Out: out, Memory: 1000}, ExitUsage},
		"no dataset":     {RunOptions{Catalog: catalog, Out: out, Datasets: []string{"nosuch"}}, ExitUsage},
	} {
		if err := run(tc.o); ExitCode(err) != tc.code {
			t.Errorf("%s: code %d, %v", name, ExitCode(err), err)
		}
	}
}

// TestRunKilled kills the program at every line of progress that it writes, and
// lets it go on: the files are those of a run that nothing disturbed.
func TestRunKilled(t *testing.T) {
	program := filepath.Join(t.TempDir(), "polygamy")
	if text, err := exec.Command("go", "build", "-o", program, "./polygamy").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	command := func(out string) *exec.Cmd {
		return exec.Command(program, "run", "--catalog", "../notebooks/corpus/catalog.yaml", "--out", out, "--log", "json", "--resolution", "day-city,week-city",
			"citibike_daily", "weather_central_park_daily", "taxi_yellow_daily")
	}
	whole := t.TempDir()
	if text, err := command(whole).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	want := filesOf(t, whole)
	killed := 0
	for lines, ended := 1, false; !ended; lines++ {
		out := t.TempDir()
		for attempt := 0; ; attempt++ {
			cmd := command(out)
			stderr, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			scanner := bufio.NewScanner(stderr)
			n := 0
			for scanner.Scan() {
				if n++; n == lines && attempt < 2 {
					cmd.Process.Kill()
				}
			}
			err = cmd.Wait()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			if err == nil {
				ended = attempt == 0
				break
			}
			if _, err := os.Stat(filepath.Join(out, manifestName)); err == nil {
				break // it was killed after its end
			}
			killed++
		}
		sameFiles(t, "killed at line "+string(rune('0'+lines)), withoutTemporary(filesOf(t, out)), want)
	}
	if killed < 5 {
		t.Errorf("only %d runs were killed", killed)
	}
}

// withoutTemporary leaves out the hidden files that writers which were killed
// leave behind; no reader takes them for anything.
func withoutTemporary(files map[string]string) map[string]string {
	for name := range files {
		if strings.HasPrefix(filepath.Base(name), ".") {
			delete(files, name)
		}
	}
	return files
}

// TestRunFull: where no more can be written the error says so, nothing is
// published, and the run goes on when there is room.
func TestRunFull(t *testing.T) {
	program := filepath.Join(t.TempDir(), "polygamy")
	if text, err := exec.Command("go", "build", "-o", program, "./polygamy").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	out := t.TempDir()
	arguments := " run --catalog ../notebooks/corpus/catalog.yaml --out " + out + " --resolution day-city citibike_daily weather_central_park_daily"
	text, err := exec.Command("sh", "-c", "ulimit -f 16; exec "+program+arguments).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != ExitPartial || !strings.Contains(string(text), "file too large") {
		t.Errorf("%v: %s", err, text)
	}
	if _, err := os.Stat(filepath.Join(out, manifestName)); err == nil {
		t.Error("a run was published")
	}
	if text, err := exec.Command("sh", "-c", program+arguments).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, text)
	}
}

// TestParseBytes reads amounts of memory.
func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int64{"4GiB": 4 << 30, "1.5 MB": 1_500_000, "300": 300, "2KiB": 2048, "7B": 7, "": 0, "GiB": 0, "-1GB": 0, "1e30TB": 0, "4gb": 0} {
		got, err := ParseBytes(text)
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
}

// TestMemoryBudget: work that fits runs together, work that needs all of it
// alone.
func TestMemoryBudget(t *testing.T) {
	b := newMemoryBudget(10 * cellMemory)
	b.take(4)
	b.take(6)
	done := make(chan int)
	go func() {
		b.take(1000)
		done <- 1
	}()
	b.give(4)
	select {
	case <-done:
		t.Error("it did not wait for all the memory")
	default:
	}
	b.give(6)
	<-done
	b.give(1000)
	if b.free != b.all {
		t.Errorf("%d of %d bytes are free at the end", b.free, b.all)
	}
}

// TestSchema: every column has a meaning, and the page names all of them.
func TestSchema(t *testing.T) {
	var page bytes.Buffer
	if err := Schema(nil, "markdown", &page); err != nil {
		t.Fatal(err)
	}
	for _, c := range Columns() {
		if c.Meaning == "" || !strings.Contains(page.String(), "| "+c.Name+" |") {
			t.Errorf("column %s of %s: %q", c.Name, c.Table, c.Meaning)
		}
	}
	if ExitCode(Schema([]string{"nosuch"}, "", &page)) != ExitUsage || ExitCode(Schema(nil, "xml", &page)) != ExitUsage {
		t.Error("no table and no format are accepted")
	}
}
