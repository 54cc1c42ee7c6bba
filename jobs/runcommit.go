package jobs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"polygamy/relate"
)

// A resolved is a row of the table relationships with its resolution.
type resolved struct {
	Relationship
	resolution string
}

// commit controls false discoveries over the whole run, writes the tables, and
// publishes them: the manifest, which names every file, is written last.
func (r *runner) commit(ctx context.Context) error {
	r.o.Progress.Stage("tables", 0)
	var rows []resolved
	decoys := []resolved{}
	for _, p := range r.pairs {
		for _, row := range p.rows {
			rows = append(rows, resolved{row.Relationship, p.resolution})
			decoys = append(decoys, resolved{Relationship{DatasetA: row.DatasetA, FunctionA: row.FunctionA, DatasetB: row.DatasetB, FunctionB: row.FunctionB,
				P: row.decoy.P, Testable: row.decoy.P != nil, Dense: row.decoy.Dense}, p.resolution})
		}
	}
	if _, err := selectRows(rows, r.settings.Q, true); err != nil {
		return err
	}
	false_, err := selectRows(decoys, r.settings.Q, false)
	if err != nil {
		return err
	}
	m := &manifest{Format: runFormat, Run: r.id(), Committed: r.o.Now().UTC(), Catalog: r.o.Catalog, City: r.catalog.City.Name, Zone: r.catalog.City.Timezone, Settings: r.settings}
	functionPairs := map[[4]string]bool{}
	for _, x := range rows {
		m.Relationships++
		if x.P != nil {
			m.Tested++
		}
		if x.Selected {
			m.Selected++
		}
		if x.Pair {
			functionPairs[x.names()] = true
		}
	}
	m.Decoy = &decoySummary{Weeks: yearWeeks, DatasetPairs: false_.datasetPairs, FunctionPairs: false_.functionPairs, Proportion: share(false_.functionPairs, len(functionPairs))}
	m.Strongest = strongest(rows, keptFindings)
	for _, x := range r.indexed {
		m.Functions += len(x.Functions)
	}
	for _, in := range r.inputs {
		d := manifestDataset{Name: in.name, Key: in.key, Folder: filepath.Join("functions", fileName(in.name), in.key)}
		if d.Index = filepath.Join(d.Folder, indexName); in.err != nil {
			d = manifestDataset{Name: in.name, Error: in.err.Error()}
		}
		m.Datasets = append(m.Datasets, d)
	}
	if err := r.writeTables(ctx, m, rows); err != nil {
		return err
	}
	return r.keep(ctx, filepath.Join(r.o.Out, manifestName), m)
}

func (x *resolved) names() [4]string {
	return [4]string{x.DatasetA, x.FunctionA, x.DatasetB, x.FunctionB}
}

// selectedCounts are how many pairs are selected.
type selectedCounts struct{ datasetPairs, functionPairs int }

// qLevels are the rates to two digits, ascending, up to a half.
func qLevels() []float64 {
	var list []float64
	for _, power := range []float64{1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3} {
		for digits := 10; digits < 100; digits++ {
			list = append(list, float64(digits)*power)
		}
	}
	for digits := 10; digits <= 50; digits++ {
		list = append(list, float64(digits)*1e-2)
	}
	return list
}

// selectRows marks the rows that control of false discoveries selects, over all
// of them, and gives each its q if that is asked for.
func selectRows(rows []resolved, q float64, qs bool) (n selectedCounts, err error) {
	byPair := map[[2]string][]int{}
	for i := range rows {
		if rows[i].Testable && !rows[i].Exploratory && !rows[i].Dense {
			pair := [2]string{rows[i].DatasetA, rows[i].DatasetB}
			byPair[pair] = append(byPair[pair], i)
		}
	}
	pairs := slices.SortedFunc(maps.Keys(byPair), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	trees, p := make([]*relate.Tree, len(pairs)), make([]float64, len(pairs))
	for k, pair := range pairs {
		names, leaves := [][2]string{}, []float64{}
		for _, i := range byPair[pair] {
			names, leaves = append(names, [2]string{rows[i].FunctionA, rows[i].FunctionB}), append(leaves, *rows[i].P)
		}
		if trees[k], err = relate.NewTree(names, leaves); err != nil {
			return n, err
		}
		p[k] = trees[k].P()
	}
	ranking, err := relate.NewRanking(p)
	if err != nil {
		return n, err
	}
	levels := qLevels()
	for k, pair := range pairs {
		s := trees[k].Select(q, ranking.Selected(q), ranking.Testable())
		if s.DatasetPair {
			n.datasetPairs++
		}
		functions := map[[2]string]bool{}
		for leaf, i := range byPair[pair] {
			rows[i].DatasetPair, rows[i].Pair, rows[i].Selected = s.DatasetPair, s.FunctionPair[leaf], s.Leaf[leaf]
			if s.FunctionPair[leaf] {
				functions[[2]string{rows[i].FunctionA, rows[i].FunctionB}] = true
			}
		}
		n.functionPairs += len(functions)
		if !qs {
			continue
		}
		for l, selection := range trees[k].SelectAll(ranking.Levels(levels...)) {
			for leaf, i := range byPair[pair] {
				if selection.Leaf[leaf] && rows[i].Q == nil {
					rows[i].Q = &levels[l]
				}
			}
		}
	}
	return n, nil
}

// writeTables writes the tables of the run, whose files m is to name.
func (r *runner) writeTables(ctx context.Context, m *manifest, rows []resolved) error {
	slices.SortStableFunc(rows, func(a, b resolved) int {
		x, y := a.names(), b.names()
		return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[2], y[2]), cmp.Compare(x[1], y[1]), cmp.Compare(x[3], y[3]))
	})
	byResolution := map[string][]Relationship{}
	for _, x := range rows {
		byResolution[x.resolution] = append(byResolution[x.resolution], x.Relationship)
	}
	for _, resolution := range slices.Sorted(maps.Keys(byResolution)) {
		if err := writeTable(ctx, r, m, "relationships", resolution, byResolution[resolution]); err != nil {
			return err
		}
	}
	if err := joinParts[FeatureRow](ctx, r, m, "features"); err != nil {
		return err
	}
	if err := joinParts[FunctionRow](ctx, r, m, "functions"); err != nil {
		return err
	}
	if err := joinParts[SweepRow](ctx, r, m, "sweep"); err != nil {
		return err
	}
	return writeTable(ctx, r, m, "runs", "", r.runRows(m))
}

// joinParts writes a table of the rows that each dataset has of it.
func joinParts[T any](ctx context.Context, r *runner, m *manifest, table string) error {
	byResolution := map[string][]string{}
	for _, x := range r.indexed {
		seen := map[string]bool{}
		for _, f := range x.Functions {
			if !seen[f.Resolution] {
				seen[f.Resolution] = true
				byResolution[f.Resolution] = append(byResolution[f.Resolution], filepath.Join(r.o.Out, x.folder, f.Resolution, table+".parquet"))
			}
		}
	}
	for _, resolution := range slices.Sorted(maps.Keys(byResolution)) {
		var rows []T
		for _, name := range byResolution[resolution] {
			part, err := readRows[T](name)
			if err != nil {
				return err
			}
			rows = append(rows, part...)
		}
		if err := writeTable(ctx, r, m, table, resolution, rows); err != nil {
			return err
		}
	}
	return nil
}

// writeTable writes a file of a table and names it in the manifest.
func writeTable[T any](ctx context.Context, r *runner, m *manifest, table, resolution string, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	name := filepath.Join("tables", table, "run="+m.Run)
	if resolution != "" {
		name = filepath.Join(name, "resolution="+resolution)
	}
	name = filepath.Join(name, "part-0.parquet")
	var content bytes.Buffer
	if err := writeParquet(&content, rows); err != nil {
		return fmt.Errorf("table %s: %w", table, err)
	}
	sum := xxh3.Hash128(content.Bytes()).Bytes()
	m.Tables = append(m.Tables, manifestFile{Table: table, Name: name, Rows: len(rows), Bytes: int64(content.Len()), XXH3: hex.EncodeToString(sum[:])})
	return r.write(ctx, name, func(w io.Writer) error {
		_, err := w.Write(content.Bytes())
		return err
	})
}

// runRows are the rows of the table runs.
func (r *runner) runRows(m *manifest) []RunRow {
	options, err := json.Marshal(r.settings)
	if err != nil {
		panic(fmt.Sprintf("jobs: settings: %v", err)) // our own type
	}
	byName := map[string]*indexed{}
	for _, x := range r.indexed {
		byName[x.Dataset] = x
	}
	var rows []RunRow
	for _, in := range r.inputs {
		row := RunRow{
			Committed: m.Committed, Version: strings.TrimSpace(r.o.Version), Options: string(options), Dataset: in.name, Files: int64(in.files), Bytes: in.bytes,
			Tests: int64(m.Tested), Selected: int64(m.Selected), Q: r.settings.Q, DecoyProportion: m.Decoy.Proportion,
			LoadSeconds: seconds(r.spent.load), IndexSeconds: seconds(r.spent.index), RelateSeconds: seconds(r.spent.relate), WallSeconds: seconds(r.o.Now().Sub(r.begin)),
		}
		if r.spent.relate > 0 {
			rate := float64(r.spent.tests) / r.spent.relate.Seconds()
			row.TestsPerSecond = &rate
		}
		if in.err != nil {
			text := in.err.Error()
			row.Error = &text
		} else if x := byName[in.name]; x != nil {
			row.Key, row.InputRows, row.UsedRows, row.Functions = &in.key, x.Rows, x.Used, int64(len(x.Functions))
		}
		rows = append(rows, row)
	}
	return rows
}

// dryRun says what a run would do.
func (r *runner) dryRun(ctx context.Context, w io.Writer) error {
	var b strings.Builder
	load, bytesToRead, pairs := 0, int64(0), 0
	fresh := map[string]bool{}
	for _, in := range r.inputs {
		if in.err != nil {
			fmt.Fprintf(&b, "  cannot be loaded: %v\n", in.err)
			continue
		}
		data, err := readIfThere(filepath.Join(r.o.Out, "functions", fileName(in.name), in.key, indexName))
		if err != nil {
			return err
		}
		if data == nil {
			fresh[in.name] = true
			load++
			bytesToRead += in.bytes
			fmt.Fprintf(&b, "  load and index %s: %s, %s MB\n", in.name, plural(in.files, "file"), groupDigits((in.bytes+500_000)/1_000_000))
		}
	}
	for i, x := range r.inputs {
		for _, y := range r.inputs[i+1:] {
			if x.err == nil && y.err == nil && (fresh[x.name] || fresh[y.name]) {
				pairs++
			}
		}
	}
	_, err := fmt.Fprintf(w, "run %s would load %s of %d (%s MB) and relate %s of datasets\n%s", r.id(), plural(load, "dataset"), len(r.inputs),
		groupDigits((bytesToRead+500_000)/1_000_000), plural(pairs, "pair"), b.String())
	return outputError(err)
}
