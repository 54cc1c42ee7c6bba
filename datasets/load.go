package datasets

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/zeebo/xxh3"
)

// LoadOptions tunes a load. The zero value is ready to use.
type LoadOptions struct {
	Workers  int            // goroutines; 0 means one per CPU; the result does not depend on it
	Progress func(Progress) // called now and then, from one goroutine at a time; nil for none
}

// Progress says how far a load is.
type Progress struct {
	Rows       int64 // read so far
	TotalRows  int64 // -1 if it is not known
	Bytes      int64 // of the files read so far, in proportion
	TotalBytes int64
}

// Load reads a dataset of the catalog in one pass over its rows (two if
// unique_by asks for duplicates to be rejected) and keeps the states of all
// its functions at its finest resolution. systems are the region systems of
// the catalog, see [LoadSystems].
//
// A file that cannot be read as declared stops the load with a *[ColumnError].
// A row or value that cannot be used is counted in the report with its reason.
//
// Memory: the states of the occupied cells, for each worker, and a batch of
// rows; it does not depend on the number of rows, unless unique_by keeps a key
// of each.
func Load(ctx context.Context, store Store, c *Catalog, name string, systems map[string]*RegionSystem, o LoadOptions) (*Loaded, error) {
	spec, ok := c.Datasets[name]
	if !ok {
		return nil, fmt.Errorf("the catalog has no dataset %q; it has %s", name, strings.Join(c.Names(), ", "))
	}
	l := &loader{store: store, options: o, spec: spec}
	if l.options.Workers <= 0 {
		l.options.Workers = runtime.GOMAXPROCS(0)
	}
	return l.load(ctx, c, name, systems)
}

// load opens the files, reads them, the first rows only if there is a limit,
// and sums up. Of several errors each names the dataset.
func (l *loader) load(ctx context.Context, c *Catalog, name string, systems map[string]*RegionSystem) (loaded *Loaded, err error) {
	var all *partial
	if err = l.open(ctx, c, name, systems); err == nil {
		if l.limit > 0 {
			l.firstTasks()
		}
		all, err = l.read(ctx)
	}
	if err == nil {
		loaded = l.finish(all)
		err = l.unusable(loaded.Report)
	}
	if err == nil {
		return loaded, nil
	}
	errs := split(err)
	for i := range errs {
		errs[i] = fmt.Errorf("dataset %s: %w", name, errs[i])
	}
	return nil, errors.Join(errs...)
}

// A loader reads the files of one dataset.
type loader struct {
	store   Store
	options LoadOptions
	spec    DatasetSpec
	plan    *plan
	files   []*dataFile
	tasks   []loadTask
	rows    atomic.Int64 // read so far
	done    atomic.Int64 // bytes of finished tasks
	limit   int64        // rows to read of each chunk, 0 for all
	report  sync.Mutex
}

type dataFile struct {
	name    string
	bytes   int64
	binding *rowBinding
	chunks  int // to read
	rows    atomic.Int64
	unread  int64 // rows of chunks outside the period
	total   int64 // rows, -1 if only reading tells

	mu      sync.Mutex
	table   table // open while its chunks are read
	left    int   // chunks that have not been read in this pass
	badRows int64
	samples []string // of bad rows
}

// acquire opens the file, unless another worker has it open.
func (f *dataFile) acquire(ctx context.Context, l *loader) (table, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.table == nil {
		t, err := openTable(ctx, l.store, f.name, l.spec.CSV)
		if err != nil {
			return nil, err
		}
		f.table = t
	}
	return f.table, nil
}

// release closes the file after the last of its chunks.
func (f *dataFile) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left--; f.left == 0 && f.table != nil {
		if t, ok := f.table.(interface{ BadRows() (int64, []string) }); ok {
			f.badRows, f.samples = t.BadRows()
		}
		f.table.Close()
		f.table = nil
	}
}

// A loadTask is a chunk of a file.
type loadTask struct {
	file  int
	chunk int
	first int64 // its first row in the file
	bytes int64
}

// open looks at all files, so that a missing one is found before hours of
// work, and lists the chunks to read. Few files are open at a time, since a
// dataset may have thousands.
func (l *loader) open(ctx context.Context, c *Catalog, name string, systems map[string]*RegionSystem) error {
	var names []string
	var errs []error
	for _, pattern := range l.spec.Files {
		matches, err := l.store.Glob(ctx, c.ResolvePattern(pattern))
		if err != nil {
			return err
		}
		if len(matches) == 0 {
			errs = append(errs, fmt.Errorf("no file matches %q; check files in the catalog", pattern))
		}
		for _, m := range matches {
			if !slices.Contains(names, m) {
				names = append(names, m)
			}
		}
	}
	for _, file := range names {
		if err := l.openFile(ctx, c, name, file, systems); err != nil {
			errs = append(errs, inFile(err, file))
		}
	}
	return errors.Join(errs...)
}

// openFile plans the dataset by its first file, and lists the chunks of each.
func (l *loader) openFile(ctx context.Context, c *Catalog, name, file string, systems map[string]*RegionSystem) error {
	t, err := openTable(ctx, l.store, file, l.spec.CSV)
	if err != nil {
		return err
	}
	defer t.Close()
	if l.plan == nil {
		look := func(columns []string) ([]ColumnProfile, error) { return profileNamed(ctx, t, columns) }
		if l.plan, err = newPlan(c, name, t.Schema(), geoOf(t), systems, look); err != nil {
			return err
		}
		l.plan.look = nil // it holds on to the file
	}
	f := &dataFile{name: file, bytes: t.Size()}
	if f.binding, err = l.plan.bind(t.Schema()); err != nil {
		return err
	}
	l.files = append(l.files, f)
	l.addTasks(t)
	return nil
}

// inFile names the file in an error that does not.
func inFile(err error, file string) error {
	if all := split(err); len(all) > 1 {
		for i := range all {
			all[i] = inFile(all[i], file)
		}
		return errors.Join(all...)
	}
	var e *ColumnError
	if errors.As(err, &e) {
		if e.File == "" {
			e.File = file
		}
		return err
	}
	if strings.Contains(err.Error(), file) {
		return err
	}
	return fmt.Errorf("%s: %w", file, err)
}

// addTasks adds the chunks of the last file.
func (l *loader) addTasks(t table) {
	file := len(l.files) - 1
	f := l.files[file]
	first := int64(0)
	total := int64(0)
	for chunk := range t.Chunks() {
		total += max(t.Rows(chunk), 1)
	}
	for chunk := range t.Chunks() {
		rows := t.Rows(chunk)
		if rows < 0 {
			f.total = -1
		} else if f.total >= 0 {
			f.total += rows
		}
		if l.plan.outside(t, chunk, f.binding.columns[f.binding.time]) {
			f.unread += rows
		} else {
			f.chunks++
			l.tasks = append(l.tasks, loadTask{file: file, chunk: chunk, first: first, bytes: f.bytes * max(rows, 1) / total})
		}
		first += max(rows, 0)
	}
}

// outside reports whether the statistics of a chunk say that all its times
// are outside the period to use. A day's difference is left for zones.
func (p *plan) outside(t table, chunk, column int) bool {
	if !p.bounded() || p.times == textTimes {
		return false
	}
	lo, hi, ok := t.Bounds(chunk, column)
	if !ok || t.Rows(chunk) < 0 {
		return false
	}
	per := 1.0
	switch typ := t.Schema().Field(column).Type.(type) {
	case *arrow.TimestampType:
		per = float64(time.Second / typ.Unit.Multiplier())
	case *arrow.Date32Type:
		per = 1.0 / daySeconds
	default:
		units, err := unitsPerSecond(p.spec.Time.Epoch)
		if err != nil {
			return false
		}
		per = float64(units)
	}
	const slack = daySeconds
	return hi/per+slack < float64(p.from) || lo/per-slack > float64(p.to)
}

// read adds up all tasks.
func (l *loader) read(ctx context.Context) (*partial, error) {
	if err := l.findH3Cells(ctx); err != nil {
		return nil, err
	}
	var firstRow map[rowKey]int64
	if len(l.spec.UniqueBy) > 0 {
		var keys keyPass
		err := l.each(ctx, func(int) taskReader {
			return &keyReader{pass: &keys, partial: newPartial(l.plan), first: make(map[rowKey]int64)}
		})
		if err != nil {
			return nil, err
		}
		firstRow = keys.first
	}
	partials := make([]*partial, l.options.Workers)
	err := l.each(ctx, func(worker int) taskReader {
		partials[worker] = newPartial(l.plan)
		partials[worker].firstRow = firstRow
		return partials[worker]
	})
	if err != nil {
		return nil, err
	}
	var all *partial
	for i, w := range partials {
		partials[i] = nil // let go of each as soon as it is merged
		switch {
		case w == nil:
		case all == nil:
			all = w
		default:
			all.merge(w)
		}
	}
	if all == nil {
		all = newPartial(l.plan)
	}
	return all, nil
}

// errEnough ends the reading of a chunk of which no more is wanted.
var errEnough = errors.New("enough rows")

// A taskReader takes the records of the tasks of one worker.
type taskReader interface {
	add(b *rowBinding, r arrow.Record, at rowOrigin) error
	end()
}

// each runs all tasks. Of several errors it returns that of the first task,
// which does not depend on the number of workers.
func (l *loader) each(ctx context.Context, newReader func(worker int) taskReader) error {
	l.rows.Store(0)
	l.done.Store(0)
	for _, f := range l.files {
		f.rows.Store(0)
		f.left = f.chunks
	}
	workers := min(l.options.Workers, max(len(l.tasks), 1))
	queue := newTaskQueue(len(l.tasks), workers)
	errs := make([]error, len(l.tasks))
	var wait sync.WaitGroup
	for worker := range workers {
		wait.Go(func() {
			reader := newReader(worker)
			for i := queue.next(worker); i >= 0; i = queue.next(worker) {
				if errs[i] = l.runTask(ctx, l.tasks[i], reader); errs[i] != nil {
					queue.stopAfter(i)
				}
			}
			reader.end()
		})
	}
	wait.Wait()
	for _, f := range l.files {
		f.left = 1 // where tasks were left undone
		f.release()
	}
	return cmp.Or(errs...)
}

// A taskQueue hands out tasks to workers: to each those of a range of its own,
// from its beginning, then from the end of the longest range that is left.
// Neighbouring chunks mostly hold the same cells, so this keeps the workers'
// states from holding every cell twice.
type taskQueue struct {
	mu     sync.Mutex
	ranges [][2]int // first and end of each worker's
	end    int      // tasks from here on are not to be done
}

func newTaskQueue(tasks, workers int) *taskQueue {
	q := &taskQueue{end: tasks}
	for i := range workers {
		q.ranges = append(q.ranges, [2]int{i * tasks / workers, (i + 1) * tasks / workers})
	}
	return q
}

// next returns a task, -1 if there is none.
func (q *taskQueue) next(worker int) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.ranges {
		q.ranges[i][1] = max(min(q.ranges[i][1], q.end), q.ranges[i][0])
	}
	if own := &q.ranges[worker]; own[0] < own[1] {
		own[0]++
		return own[0] - 1
	}
	longest := 0
	for i, r := range q.ranges {
		if r[1]-r[0] > q.ranges[longest][1]-q.ranges[longest][0] {
			longest = i
		}
	}
	if other := &q.ranges[longest]; other[0] < other[1] {
		other[1]--
		return other[1]
	}
	return -1
}

// stopAfter leaves the tasks after i undone. Those before it are done all the
// same, so that the first error does not depend on the workers.
func (q *taskQueue) stopAfter(i int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.end = min(q.end, i)
}

func (l *loader) runTask(ctx context.Context, task loadTask, reader taskReader) error {
	f := l.files[task.file]
	defer f.release()
	t, err := f.acquire(ctx, l)
	if err != nil {
		return err
	}
	err = t.Read(ctx, task.chunk, f.binding.columns, func(r arrow.Record, row int64) error {
		if err := reader.add(f.binding, r, rowOrigin{file: f.name, order: int64(task.file), row: task.first + row}); err != nil {
			return inFile(err, f.name)
		}
		f.rows.Add(r.NumRows())
		l.progress(r.NumRows())
		if l.limit > 0 && row+r.NumRows() >= l.limit {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	l.done.Add(task.bytes)
	return nil
}

func (l *loader) progress(rows int64) {
	n := l.rows.Add(rows)
	if l.options.Progress == nil || !l.report.TryLock() {
		return
	}
	defer l.report.Unlock()
	p := Progress{Rows: n, Bytes: l.done.Load()}
	for _, f := range l.files {
		p.TotalBytes += f.bytes
		if f.total < 0 || p.TotalRows < 0 {
			p.TotalRows = -1
		} else {
			p.TotalRows += f.total - f.unread
		}
	}
	l.options.Progress(p)
}

// end ends a worker.
func (w *partial) end() {}

// merge adds what another worker has read, which must not be used any more.
func (w *partial) merge(from *partial) {
	for i, t := range w.tables {
		t.absorb(from.tables[i])
	}
	w.rows += from.rows
	w.used += from.used
	w.leftOut += from.leftOut
	w.clock.Ambiguous += from.clock.Ambiguous
	w.clock.Skipped += from.clock.Skipped
	w.rejected.merge(&from.rejected)
	w.unplaced.merge(&from.unplaced)
	w.badValues.merge(&from.badValues)
	for i := range w.columns {
		c, d := &w.columns[i], &from.columns[i]
		c.Values += d.Values
		c.Min, c.Max = min(c.Min, d.Min), max(c.Max, d.Max)
	}
}

// finish makes the report.
func (l *loader) finish(w *partial) *Loaded {
	p := l.plan
	for _, t := range w.tables {
		t.pack()
	}
	loaded := &Loaded{p: p, tables: w.tables}
	occupied := make(map[int64]bool)
	last := int64(math.MinInt64)
	w.tables[0].each(func(step int64, _ int, _ int32) {
		if step != last {
			occupied[p.coverageStep(step)] = true
			last = step
		}
	})
	loaded.coverage = newCoverage(slices.Sorted(maps.Keys(occupied)))
	r := &Report{
		Dataset: p.name, Rows: w.rows, Used: w.used, LeftOut: w.leftOut,
		Ambiguous: w.clock.Ambiguous, Skipped: w.clock.Skipped, Step: p.step.String(),
		Columns: w.columns, Silence: loaded.coverage.silence,
		Gaps: []Gap{}, Functions: []FunctionReport{}, Warnings: []string{},
	}
	for i, f := range l.files {
		r.Files = append(r.Files, FileReport{Name: f.name, Bytes: f.bytes, Rows: f.rows.Load() + f.badRows + f.unread, Total: f.total})
		// A chunk that is outside the period is not read, and all of its rows
		// are left out.
		r.Rows += f.badRows + f.unread
		r.LeftOut += f.unread
		if f.badRows > 0 {
			e := w.rejected.add(reasonFields, "", "", f.badRows)
			for _, text := range f.samples { // which names the line
				e.sample(Sample{File: f.name, Row: -1, Text: text, order: int64(i)})
			}
		}
	}
	r.Rejected, r.Unplaced, r.BadValues = w.rejected.sorted(), w.unplaced.sorted(), w.badValues.sorted()
	instant := func(step int64) time.Time { return time.Unix(p.step.start(step, p.city), 0).In(p.city) }
	if c := loaded.coverage; c.first < c.end {
		r.First, r.Last = instant(c.first), instant(c.end-1)
		for _, g := range c.gaps {
			r.Gaps = append(r.Gaps, Gap{From: instant(g.first), To: instant(g.end - 1), Steps: g.end - g.first})
		}
	}
	for i := range r.Columns {
		if c := &r.Columns[i]; c.Min > c.Max {
			c.Min, c.Max = 0, 0 // no number was read
		}
	}
	r.partly = l.limit > 0
	r.midnight = p.step == Hour && len(occupied) > 1
	for step := range occupied {
		r.midnight = r.midnight && instant(step).Hour() == 0 && instant(step).Minute() == 0
	}
	r.warn(p)
	loaded.Report = r
	return loaded
}

// A rowKey identifies a row by the values of the columns of unique_by. Two
// different rows of a billion have equal keys with a probability of 1e-21.
type rowKey = xxh3.Uint128

// A keyPass finds the first row of each key, in the order of files and rows,
// among those that can be used.
type keyPass struct {
	mu    sync.Mutex
	first map[rowKey]int64
}

// A keyReader is a worker of a keyPass.
type keyReader struct {
	*partial
	pass  *keyPass
	first map[rowKey]int64
}

func (k *keyReader) add(b *rowBinding, r arrow.Record, at rowOrigin) error {
	w := k.partial
	w.resize(int(r.NumRows()))
	w.filter(b, r)
	if err := w.readTimes(r.Column(b.time), b.time, at); err != nil {
		return err
	}
	w.eachKey(b, r, at, func(_ int, key rowKey, row int64) {
		if seen, ok := k.first[key]; !ok || row < seen {
			k.first[key] = row
		}
	})
	return nil
}

func (k *keyReader) end() {
	k.pass.mu.Lock()
	defer k.pass.mu.Unlock()
	if k.pass.first == nil {
		k.pass.first = k.first
		return
	}
	for key, row := range k.first {
		if seen, ok := k.pass.first[key]; !ok || row < seen {
			k.pass.first[key] = row
		}
	}
}

// eachKey calls do with the key and the number, among all files, of every row
// that is still to be used.
func (w *partial) eachKey(b *rowBinding, r arrow.Record, at rowOrigin, do func(i int, key rowKey, row int64)) {
	var text []byte
	for i, used := range w.use {
		if !used {
			continue
		}
		text = text[:0]
		for _, column := range b.keys {
			a := r.Column(column)
			if a.IsNull(i) {
				text = append(text, 0)
				continue
			}
			value := w.cache(column, a).text(a, i)
			text = append(binary.AppendUvarint(text, uint64(len(value))+1), value...)
		}
		do(i, xxh3.Hash128(text), at.order<<40|(at.row+int64(i)))
	}
}

// rejectDuplicates takes out the rows whose key an earlier row has.
func (w *partial) rejectDuplicates(b *rowBinding, r arrow.Record, at rowOrigin) {
	if w.firstRow == nil {
		return
	}
	w.eachKey(b, r, at, func(i int, key rowKey, row int64) {
		if w.firstRow[key] != row {
			w.reject(i, reasonDuplicate, "", r.Column(b.keys[0]), at)
		}
	})
}
