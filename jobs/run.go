package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"polygamy/datasets"
)

// RunOptions are those of the command run.
type RunOptions struct {
	Catalog     string
	Out         string   // folder
	Datasets    []string // those to load; empty for all
	Resolutions []string // such as hour-city; empty: hours to months of all regions
	Lags        int      // steps that the second function is moved by, both ways, in the whole city; negative: none
	Q           float64  // false discovery rate; 0 means 0.05
	Workers     int      // 0 means one per CPU; the result does not depend on it
	Memory      int64    // bytes to stay under; 0 means three quarters of the machine's
	DryRun      bool     // say what would run
	Version     string   // of the program
	Format      string   // of the summary: table (default) or json
	Progress    *Progress
	Now         func() time.Time
}

// runFormat changes when the same inputs and options would give other results
// or other files.
const runFormat = 1

// settings are what the results of a run depend on beside its inputs.
type settings struct {
	Format      int      `json:"format"`
	Resolutions []string `json:"resolutions,omitempty"`
	Lags        int      `json:"lags"`
	Q           float64  `json:"q"`
}

// A runner is a run in its folder.
type runner struct {
	store    datasets.Store
	o        RunOptions
	settings settings
	catalog  *datasets.Catalog
	systems  map[string]*datasets.RegionSystem
	bad      error // why some region systems could not be loaded
	begin    time.Time
	memory   *memoryBudget

	inputs  []*runInput // of all datasets, by name
	indexed []*indexed  // of those that could be loaded
	pairs   []*pairResult
	spent   spentTime
}

// A RunSummary is what a run says at its end.
type RunSummary struct {
	Run           string       `json:"run"`
	Unchanged     bool         `json:"unchanged"` // the folder holds this run already
	Datasets      int          `json:"datasets"`
	Loaded        int          `json:"loaded"` // by this run; the others were there
	Functions     int          `json:"functions"`
	Pairs         int          `json:"pairs"`         // of datasets
	Related       int          `json:"pairs_related"` // by this run; the others were there
	Relationships int          `json:"relationships"`
	Tested        int          `json:"tested"` // of these, with a p-value
	Selected      int          `json:"selected"`
	Seconds       float64      `json:"seconds"`
	Failed        []string     `json:"failed"` // datasets that could not be loaded, and why
	Strongest     []FoundInRun `json:"strongest"`
}

// A FoundInRun is a discovery in one line.
type FoundInRun struct {
	A          string  `json:"a"`
	B          string  `json:"b"`
	Resolution string  `json:"resolution"`
	Version    string  `json:"version"`
	Class      string  `json:"class"`
	Level      string  `json:"level"`
	Lag        int     `json:"lag"`
	Score      float64 `json:"score"`
	Strength   float64 `json:"strength"`
	Kappa      float64 `json:"kappa"`
	P          float64 `json:"p"`
	Q          float64 `json:"q"`
}

// Run does whatever changed since the last run in o.Out, and publishes the
// result: it loads the datasets of a catalog, finds the features of their
// functions, tests all pairs, and writes the tables. A dataset that cannot be
// loaded does not stop the others; the error, at the end, names all of them.
func Run(ctx context.Context, store datasets.Store, o RunOptions, w io.Writer) error {
	r, unlock, err := newRunner(ctx, store, o)
	if err != nil {
		return err
	}
	defer unlock()
	o = r.o // with defaults
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(o.Memory))
	defer o.Progress.End()
	if err := r.identify(ctx); err != nil {
		return err
	}
	if o.DryRun {
		return r.dryRun(ctx, w)
	}
	m, err := readManifest(o.Out)
	if err != nil {
		return err
	}
	if m != nil && m.Run == r.id() && len(r.failures()) == 0 {
		return printRun(w, o.Format, &RunSummary{Run: m.Run, Unchanged: true, Datasets: len(r.inputs), Functions: m.Functions, Relationships: m.Relationships,
			Tested: m.Tested, Selected: m.Selected, Seconds: o.Now().Sub(r.begin).Seconds(), Failed: []string{}, Strongest: m.Strongest})
	}
	for _, step := range []func(context.Context) error{r.index, r.relate, r.commit} {
		err := step(ctx)
		switch {
		case ctx.Err() != nil:
			return outputError(fmt.Errorf("%w; what is done stays, run it again for the rest", errInterrupted))
		case err != nil:
			return err
		}
	}
	o.Progress.End()
	summary, err := r.summary()
	if err != nil {
		return err
	}
	if err := printRun(w, o.Format, summary); err != nil {
		return err
	}
	if failed := r.failures(); len(failed) > 0 {
		return inputError(fmt.Errorf("%d of %d datasets were not loaded:\n%w", len(failed), len(r.inputs), errors.Join(failed...)))
	}
	return nil
}

// newRunner reads the catalog and locks the folder.
func newRunner(ctx context.Context, store datasets.Store, o RunOptions) (r *runner, unlock func(), err error) {
	if o.Out == "" {
		return nil, nil, usageErrorf("give --out FOLDER, which results are written to")
	}
	if err := checkFormat(o.Format); err != nil {
		return nil, nil, err
	}
	if o.Q == 0 {
		o.Q = 0.05
	}
	if !(o.Q > 0 && o.Q < 1) {
		return nil, nil, usageErrorf("--q %g: a rate of false discoveries is between 0 and 1", o.Q)
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Memory == 0 {
		if o.Memory = machineMemory() / 4 * 3; o.Memory == 0 {
			o.Memory = 4 << 30
		}
	}
	if err := checkMemory(o.Memory); err != nil {
		return nil, nil, err
	}
	r = &runner{store: store, o: o, begin: o.Now(), memory: newMemoryBudget(o.Memory - leastMemory/2)}
	r.settings = settings{Format: runFormat, Resolutions: slices.Sorted(slices.Values(o.Resolutions)), Lags: max(o.Lags, 0), Q: o.Q}
	if r.catalog, err = datasets.ReadCatalog(ctx, store, o.Catalog); err != nil {
		return nil, nil, UsageError(err)
	}
	if err := r.checkResolutions(); err != nil {
		return nil, nil, err
	}
	unlock, err = lockFolder(o.Out)
	return r, unlock, err
}

// checkResolutions refuses what no dataset of the catalog can have.
func (r *runner) checkResolutions() error {
	for _, text := range r.o.Resolutions {
		step, system, _ := strings.Cut(text, "-")
		if _, err := datasets.ParseResolution(step); err != nil {
			return usageErrorf("--resolution %s: %v", text, err)
		}
		if _, ok := r.catalog.Regions[system]; !ok && system != "city" {
			return usageErrorf("--resolution %s: the catalog has no region system %q; write such as hour-city", text, system)
		}
	}
	return nil
}

// wants reports whether functions of a resolution take part: of those named,
// or all that can be tested.
func (r *runner) wants(step datasets.Resolution, system string) bool {
	if len(r.settings.Resolutions) > 0 {
		return slices.Contains(r.settings.Resolutions, step.String()+"-"+system)
	}
	return step <= datasets.Month
}

// id returns the name of the run: a hash of everything that it depends on.
func (r *runner) id() string {
	keys := map[string]string{}
	for _, in := range r.inputs {
		keys[in.name] = in.key
		if in.err != nil {
			keys[in.name] = "error"
		}
	}
	return hashOf(r.settings, keys)
}

// failures returns the errors of the datasets that could not be loaded.
func (r *runner) failures() (list []error) {
	for _, in := range r.inputs {
		if in.err != nil {
			list = append(list, in.err)
		}
	}
	return list
}

// summary says what the run has done.
func (r *runner) summary() (*RunSummary, error) {
	m, err := readManifest(r.o.Out)
	if err != nil {
		return nil, err
	}
	s := &RunSummary{Run: m.Run, Datasets: len(r.inputs), Functions: m.Functions, Relationships: m.Relationships,
		Tested: m.Tested, Selected: m.Selected, Seconds: r.o.Now().Sub(r.begin).Seconds(), Failed: []string{}, Strongest: m.Strongest}
	for _, x := range r.indexed {
		if x.fresh {
			s.Loaded++
		}
	}
	s.Pairs, s.Related = countPairs(r.pairs)
	for _, err := range r.failures() {
		s.Failed = append(s.Failed, err.Error())
	}
	return s, nil
}

// countPairs returns the number of pairs of datasets, and of those that this
// run has tested at some resolution.
func countPairs(pairs []*pairResult) (all, fresh int) {
	seen, tested := map[[2]string]bool{}, map[[2]string]bool{}
	for _, p := range pairs {
		pair := [2]string{p.a.Dataset, p.b.Dataset}
		seen[pair] = true
		if p.fresh {
			tested[pair] = true
		}
	}
	return len(seen), len(tested)
}

// A summary keeps so many findings, and its page shows some.
const keptFindings, shownFindings = 50, 10

func printRun(w io.Writer, format string, s *RunSummary) error {
	if format == "json" {
		return outputError(printJSON(w, s))
	}
	var b strings.Builder
	if s.Unchanged {
		fmt.Fprintf(&b, "nothing has changed: run %s holds %s relationships of %s functions, %s of them discoveries (%.2f s)\n",
			s.Run, groupDigits(int64(s.Relationships)), groupDigits(int64(s.Functions)), groupDigits(int64(s.Selected)), s.Seconds)
	} else {
		fmt.Fprintf(&b, "run %s: %s, %d of them loaded now, %s; %s of datasets, %d of them related now\n",
			s.Run, plural(s.Datasets, "dataset"), s.Loaded, plural(s.Functions, "function"), plural(s.Pairs, "pair"), s.Related)
		fmt.Fprintf(&b, "%s relationships, %s with a p-value, %s discoveries, in %.0f s\n",
			groupDigits(int64(s.Relationships)), groupDigits(int64(s.Tested)), groupDigits(int64(s.Selected)), s.Seconds)
	}
	if len(s.Strongest) > 0 {
		b.WriteString("\nthe strongest, one for each pair of datasets whose names have no word in common:\n")
	}
	for _, f := range s.Strongest[:min(shownFindings, len(s.Strongest))] {
		fmt.Fprintf(&b, "  %s\n", f.sentence())
	}
	_, err := io.WriteString(w, b.String())
	return outputError(err)
}

// sentence says a discovery in words.
func (f *FoundInRun) sentence() string {
	how := "move together"
	switch {
	case f.Kappa < 0:
		how = "move against each other"
	case f.Score > -0.3 && f.Score < 0.3:
		how = "are unusual together"
	}
	lag := ""
	step, _, _ := strings.Cut(f.Resolution, "-")
	if f.Lag > 0 {
		lag = fmt.Sprintf(", the second %s later", plural(f.Lag, step))
	} else if f.Lag < 0 {
		lag = fmt.Sprintf(", the second %s earlier", plural(-f.Lag, step))
	}
	return fmt.Sprintf("%s and %s %s%s (%s, %s %s, score %.2f, strength %.2f, q %.2g)", f.A, f.B, how, lag, f.Resolution, f.Version, f.Level, f.Score, f.Strength, f.Q)
}

// A manifest is the file run.json: what readers of a run trust.
type manifest struct {
	Format        int               `json:"format"`
	Run           string            `json:"run"`
	Committed     time.Time         `json:"committed"`
	Catalog       string            `json:"catalog"`
	City          string            `json:"city"`
	Zone          string            `json:"zone"`
	Settings      settings          `json:"settings"`
	Datasets      []manifestDataset `json:"datasets"`
	Tables        []manifestFile    `json:"tables"` // files of all tables
	Functions     int               `json:"functions"`
	Relationships int               `json:"relationships"`
	Tested        int               `json:"tested"`
	Selected      int               `json:"selected"`
	Decoy         *decoySummary     `json:"decoy"`
	Strongest     []FoundInRun      `json:"strongest"`
}

// manifestDataset says where what a run keeps of a dataset is.
type manifestDataset struct {
	Name   string `json:"name"`
	Key    string `json:"key"`
	Folder string `json:"folder"` // of its functions, below the folder of the run
	Index  string `json:"index"`  // file that lists them
	Error  string `json:"error,omitempty"`
}

type manifestFile struct {
	Table string `json:"table"`
	Name  string `json:"name"` // below the folder of the run
	Rows  int    `json:"rows"`
	Bytes int64  `json:"bytes"`
	XXH3  string `json:"xxh3"` // of its content
}

// decoySummary is what the decoy run of a run found.
type decoySummary struct {
	Weeks         int      `json:"weeks"`
	DatasetPairs  int      `json:"dataset_pairs"`
	FunctionPairs int      `json:"function_pairs"`
	Proportion    *float64 `json:"proportion"` // of function pairs
}

const manifestName = "run.json"

// readManifest returns the manifest of the committed run in a folder, nil if
// there is none.
func readManifest(out string) (*manifest, error) {
	data, err := readIfThere(filepath.Join(out, manifestName))
	if data == nil || err != nil {
		return nil, err
	}
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, inputError(fmt.Errorf("%s: %w; it is not what a run writes", filepath.Join(out, manifestName), err))
	}
	if m.Format != runFormat {
		return nil, nil // of another version of the program: to be done again
	}
	return &m, nil
}

// DefaultLags is how many steps a run moves functions of the city, both ways.
const DefaultLags = 12

// ofKin reports whether two datasets have a word of their names in common,
// other than that of a step: two weathers that agree are no news.
func ofKin(a, b string) bool {
	words := strings.Split(b, "_")
	for _, word := range strings.Split(a, "_") {
		switch word {
		case "hourly", "halfhourly", "daily", "weekly", "monthly", "yearly", "":
		default:
			if slices.Contains(words, word) {
				return true
			}
		}
	}
	return false
}

// strongest returns the best discovery of each pair of datasets that are not of
// kin, the strongest first, up to so many.
func strongest(rows []resolved, most int) []FoundInRun {
	best := map[[2]string]*resolved{}
	for i := range rows {
		r := &rows[i]
		if !r.Selected || r.Kappa == nil || r.Score == nil || r.Version != "anomaly" || ofKin(r.DatasetA, r.DatasetB) {
			continue
		}
		pair := [2]string{r.DatasetA, r.DatasetB}
		if b := best[pair]; b == nil || abs(*r.Kappa) > abs(*b.Kappa) {
			best[pair] = r
		}
	}
	list := []FoundInRun{}
	for _, r := range best {
		list = append(list, FoundInRun{A: r.DatasetA + "." + r.FunctionA, B: r.DatasetB + "." + r.FunctionB, Resolution: r.resolution, Version: r.Version, Class: r.Class,
			Level: *r.Level, Lag: int(r.Lag), Score: *r.Score, Strength: r.Strength, Kappa: *r.Kappa, P: *r.P, Q: *r.Q})
	}
	slices.SortFunc(list, func(a, b FoundInRun) int {
		return cmp.Or(cmp.Compare(abs(b.Kappa), abs(a.Kappa)), strings.Compare(a.A+a.B, b.A+b.B))
	})
	return list[:min(most, len(list))]
}

func abs(x float64) float64 { return max(x, -x) }
