package sql

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"polygamy/datasets"
)

// memoryVariable asks the test program to measure a load instead.
const memoryVariable = "POLYGAMY_SQL_TEST_LOAD"

func TestMain(m *testing.M) {
	if text := os.Getenv(memoryVariable); text != "" {
		if err := measureLoad(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// A memoryRun is a load of trips by hour and zone in a process of its own.
type memoryRun struct {
	Files, Functions []string
	Zones            string // GeoJSON

	// The measured.
	Rows     int64
	Cells    int   // of a function
	Peak     int64 // bytes of memory that the process held at most
	HeapUsed int64 // bytes that the loaded states hold
}

// BenchmarkLoadMemory reports the memory of loading one month of trips, and
// five of them in one dataset with the same cells.
func BenchmarkLoadMemory(b *testing.B) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		b.Log("the peak of memory is known on Linux only")
		return
	}
	zones := zoneFile(b)
	file := writeTrips(b, benchmarkRows)
	files := []string{file}
	for len(files) < 5 {
		name := filepath.Join(filepath.Dir(file), fmt.Sprintf("trips-%d.parquet", len(files)))
		if err := os.Link(file, name); err != nil {
			b.Fatal(err)
		}
		files = append(files, name)
	}
	for b.Loop() {
		functions := []string{"count", "mean(fare)", "sum(fare)"}
		one := inNewProcess(b, memoryRun{Files: files[:1], Functions: functions, Zones: zones})
		five := inNewProcess(b, memoryRun{Files: files, Functions: functions, Zones: zones})
		if one.Rows != benchmarkRows || five.Rows != 5*benchmarkRows || five.Cells != one.Cells {
			b.Fatalf("loaded %+v and %+v", one, five)
		}
		mean := inNewProcess(b, memoryRun{Files: files[:1], Functions: []string{"mean(fare)"}, Zones: zones})
		b.ReportMetric(float64(one.Peak)/1e6, "peak-MB-10M-rows")
		b.ReportMetric(float64(five.Peak)/1e6, "peak-MB-50M-rows")
		b.ReportMetric(float64(five.Peak)/float64(one.Peak), "peak-ratio")
		b.ReportMetric(float64(mean.HeapUsed)/float64(mean.Cells), "bytes/cell")
	}
	b.ReportMetric(0, "ns/op") // of making processes
}

func inNewProcess(b *testing.B, run memoryRun) memoryRun {
	b.Helper()
	text, err := json.Marshal(run)
	if err != nil {
		b.Fatal(err)
	}
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), memoryVariable+"="+string(text))
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		b.Fatalf("a load of %d files: %v", len(run.Files), err)
	}
	if err := json.Unmarshal(output, &run); err != nil {
		b.Fatal(err)
	}
	return run
}

// measureLoad loads what a memoryRun says and prints it with the measures.
func measureLoad(text string) error {
	var run memoryRun
	if err := json.Unmarshal([]byte(text), &run); err != nil {
		return err
	}
	ctx := context.Background()
	zones, err := datasets.LoadRegions(ctx, datasets.Disk{}, "taxi_zone", datasets.RegionSpec{File: run.Zones})
	if err != nil {
		return err
	}
	systems := map[string]*datasets.RegionSystem{"taxi_zone": zones}
	c := newYork("trips", tripSpec(run.Functions, run.Files...))
	// The first load leaves zones, pools and the like in memory.
	if _, err := datasets.Load(ctx, datasets.Disk{}, c, "trips", systems, datasets.LoadOptions{Workers: 2}); err != nil {
		return err
	}
	before := heapUsed()
	loaded, err := datasets.Load(ctx, datasets.Disk{}, c, "trips", systems, datasets.LoadOptions{Workers: 2})
	if err != nil {
		return err
	}
	run.HeapUsed = heapUsed() - before
	run.Rows = loaded.Report.Rows
	for _, spec := range loaded.Functions() {
		f, err := loaded.Function(spec, datasets.Hour, zones)
		if err != nil {
			return err
		}
		run.Cells = len(f.Values)
	}
	if run.Peak, err = peakMemory(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(run)
}

func heapUsed() int64 {
	runtime.GC()
	runtime.GC() // the first leaves what pools hold
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// peakMemory returns the most bytes of memory that the process has held.
func peakMemory() (int64, error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var kilobytes int64
		if _, err := fmt.Sscanf(lines.Text(), "VmHWM: %d kB", &kilobytes); err == nil {
			return kilobytes << 10, nil
		}
	}
	return 0, fmt.Errorf("/proc/self/status has no VmHWM: %v", lines.Err())
}
