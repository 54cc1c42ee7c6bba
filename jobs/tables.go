package jobs

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	prettytable "github.com/jedib0t/go-pretty/v6/table"
)

// The result tables of a run are folders of Parquet files, below tables/NAME
// in the folder of the run, partitioned by run and by resolution where there
// is one: relationships/run=R/resolution=hour-city/part-0.parquet. The types
// are those that Athena, DuckDB, pandas and Spark all read without options:
// signed integers, doubles, strings, booleans, dates and UTC timestamps in
// milliseconds. What is not known is null, never NaN.
//
// A column's meaning and unit stand in the tags doc and unit of its field,
// and nowhere else: 'polygamy schema' prints them, jobs/docs/tables.md is its
// output.

// A Relationship is a row of the table relationships: a tested pair of
// functions of different datasets, of one version and threshold class, with
// all its levels and lags.
type Relationship struct {
	DatasetA  string `parquet:"dataset_a,dict,snappy" doc:"dataset of the first function; of two datasets, that whose name is less"`
	FunctionA string `parquet:"function_a,dict,snappy" doc:"first function, such as count or mean(fare)"`
	DatasetB  string `parquet:"dataset_b,dict,snappy" doc:"dataset of the second function"`
	FunctionB string `parquet:"function_b,dict,snappy" doc:"second function"`
	GroupA    string `parquet:"group_a,dict,snappy" doc:"function that stands for those of dataset_a that are nearly the same as the first one at this resolution; itself if there is none before it"`
	GroupB    string `parquet:"group_b,dict,snappy" doc:"the same for the second function"`
	Version   string `parquet:"version,dict,snappy" doc:"raw: the functions themselves; anomaly: their departures from the weekly routine and the slow level"`
	Class     string `parquet:"class,dict,snappy" doc:"threshold class of the features: sweep (tails of 1 to 20 %), salient or extreme"`

	Testable    bool    `parquet:"testable,snappy" doc:"there is a p-value"`
	Reason      *string `parquet:"reason,optional,dict,snappy" doc:"why there is none"`
	Exploratory bool    `parquet:"exploratory,snappy" doc:"the record is too short for windows, so that its weeks were permuted: never a discovery"`
	Dense       bool    `parquet:"dense,snappy" doc:"the features are more than half of the cells at every level: never a discovery"`

	P           *float64 `parquet:"p,optional,snappy" doc:"p-value of all levels, lags and five questions, the search paid for"`
	Q           *float64 `parquet:"q,optional,snappy" doc:"least false discovery rate at which the relationship is selected among all of the run (TreeBH), rounded up to two digits; null above 0.5"`
	Effective   *float64 `parquet:"effective,optional,snappy" unit:"tests" doc:"number of independent tests that the search amounts to"`
	Level       *string  `parquet:"level,optional,dict,snappy" doc:"level of the strongest association, such as tail:5; the effect sizes are those at this level and lag, or at tail:10 and lag 0 without a p-value"`
	LevelFrom   *string  `parquet:"level_from,optional,dict,snappy" doc:"first of the levels around it at which the finding holds at 0.05; null if it does not hold"`
	LevelTo     *string  `parquet:"level_to,optional,dict,snappy" doc:"last of these levels"`
	Lag         int32    `parquet:"lag,snappy" unit:"steps" doc:"lag of the strongest association: by so many steps the second function follows the first"`
	LagFirst    int32    `parquet:"lag_first,snappy" unit:"steps" doc:"first lag that was searched"`
	LagLast     int32    `parquet:"lag_last,snappy" unit:"steps" doc:"last lag that was searched"`
	Score       *float64 `parquet:"score,optional,snappy" doc:"tau: of the cells that are features of both, the share with equal signs less the share with opposite ones, -1 to 1; null without such cells"`
	Strength    float64  `parquet:"strength,snappy" doc:"rho: twice the cells that are features of both, over the features of each, 0 to 1"`
	Precision   float64  `parquet:"precision,snappy" doc:"share of the features of the second function that are features of the first"`
	Recall      float64  `parquet:"recall,snappy" doc:"share of the features of the first function that are features of the second"`
	Kappa       *float64 `parquet:"kappa,optional,snappy" doc:"excess signed strength: what is left of strength times score beyond the routine that both share; rank findings by it"`
	Lift        *float64 `parquet:"lift,optional,snappy" doc:"cells that are features of both over the number that chance would make"`
	Z           *float64 `parquet:"z,optional,snappy" unit:"standard deviations" doc:"signed overlap above its mean under the null"`
	Guard       *float64 `parquet:"guard,optional,snappy" doc:"factor by which long memory widens the null's variance; above 1.5 the p-value is in doubt"`
	PD          *float64 `parquet:"p_d,optional,snappy" doc:"p-value of the signed overlap at this level and lag, two-sided; it does not pay for the search"`
	PPP         *float64 `parquet:"p_pp,optional,snappy" doc:"p-value of positive features meeting positive ones, at this level and lag"`
	PNN         *float64 `parquet:"p_nn,optional,snappy" doc:"p-value of negative features meeting negative ones"`
	PPN         *float64 `parquet:"p_pn,optional,snappy" doc:"p-value of positive features of the first meeting negative ones of the second"`
	PNP         *float64 `parquet:"p_np,optional,snappy" doc:"p-value of negative features of the first meeting positive ones of the second"`
	PP          int64    `parquet:"pp,snappy" unit:"cells" doc:"positive features of both"`
	NN          int64    `parquet:"nn,snappy" unit:"cells" doc:"negative features of both"`
	PN          int64    `parquet:"pn,snappy" unit:"cells" doc:"positive features of the first, negative ones of the second"`
	NP          int64    `parquet:"np,snappy" unit:"cells" doc:"negative features of the first, positive ones of the second"`
	APositive   int64    `parquet:"a_positive,snappy" unit:"cells" doc:"positive features of the first function, where both have values"`
	ANegative   int64    `parquet:"a_negative,snappy" unit:"cells" doc:"negative features of the first function"`
	BPositive   int64    `parquet:"b_positive,snappy" unit:"cells" doc:"positive features of the second function"`
	BNegative   int64    `parquet:"b_negative,snappy" unit:"cells" doc:"negative features of the second function"`
	Cells       int64    `parquet:"cells,snappy" unit:"cells" doc:"cells (region, step) in which both have values, in the rows of the test"`
	Windows     int32    `parquet:"windows,snappy" doc:"windows inside which weeks were rotated"`
	Rows        int32    `parquet:"rows,snappy" doc:"weeks of the test; months or years at those steps"`
	DatasetPair bool     `parquet:"dataset_pair_selected,snappy" doc:"the pair of datasets is selected at the run's false discovery rate"`
	Pair        bool     `parquet:"function_pair_selected,snappy" doc:"the pair of functions is, too"`
	Selected    bool     `parquet:"selected,snappy" doc:"this relationship is, too: a discovery"`
}

// A FunctionRow is a row of the table functions: a function at a resolution, in
// one version.
type FunctionRow struct {
	Dataset   string     `parquet:"dataset,dict,snappy" doc:"dataset of the function"`
	Function  string     `parquet:"function,dict,snappy" doc:"the function, such as count or mean(fare)"`
	Group     string     `parquet:"group,dict,snappy" doc:"function of the dataset that stands for those that are nearly the same (correlation above 0.98) at this resolution and version"`
	Version   string     `parquet:"version,dict,snappy" doc:"raw or anomaly"`
	Start     time.Time  `parquet:"start,timestamp(millisecond),snappy" unit:"UTC" doc:"begin of the first step"`
	End       time.Time  `parquet:"end,timestamp(millisecond),snappy" unit:"UTC" doc:"end of the last step"`
	Zone      string     `parquet:"zone,dict,snappy" doc:"time zone of the city, in which days begin"`
	Steps     int64      `parquet:"steps,snappy" doc:"steps of the axis"`
	Regions   int64      `parquet:"regions,snappy" doc:"regions of the region system"`
	Values    int64      `parquet:"values,snappy" unit:"cells" doc:"cells with a value"`
	Min       *float64   `parquet:"min,optional,snappy" unit:"of the function" doc:"least value"`
	Median    *float64   `parquet:"median,optional,snappy" unit:"of the function" doc:"median of the values"`
	Mean      *float64   `parquet:"mean,optional,snappy" unit:"of the function" doc:"mean of the values"`
	Max       *float64   `parquet:"max,optional,snappy" unit:"of the function" doc:"greatest value"`
	Reason    *string    `parquet:"reason,optional,dict,snappy" doc:"why the version has no values"`
	Maxima    int64      `parquet:"maxima,snappy" doc:"local maxima: pairs of the super-level tree"`
	Minima    int64      `parquet:"minima,snappy" doc:"local minima: pairs of the sub-level tree"`
	File      string     `parquet:"file,snappy" doc:"file of the raw function, below the folder of the run"`
	HighestAt *time.Time `parquet:"highest_at,optional,timestamp(millisecond),snappy" unit:"UTC" doc:"begin of the step of the greatest value"`
	LowestAt  *time.Time `parquet:"lowest_at,optional,timestamp(millisecond),snappy" unit:"UTC" doc:"begin of the step of the least value"`
}

// A SweepRow is a row of the table sweep: a function at one threshold.
type SweepRow struct {
	Dataset          string   `parquet:"dataset,dict,snappy" doc:"dataset of the function"`
	Function         string   `parquet:"function,dict,snappy" doc:"the function"`
	Version          string   `parquet:"version,dict,snappy" doc:"raw or anomaly"`
	Class            string   `parquet:"class,dict,snappy" doc:"threshold class: sweep, salient or extreme"`
	Level            string   `parquet:"level,dict,snappy" doc:"level of the class, such as tail:5; the class itself where it has one"`
	Positive         *float64 `parquet:"positive_threshold,optional,snappy" unit:"of the function" doc:"values from here on are positive features; null if there is no such threshold or each season has its own"`
	Negative         *float64 `parquet:"negative_threshold,optional,snappy" unit:"of the function" doc:"values up to here are negative features"`
	PositiveCells    int64    `parquet:"positive_cells,snappy" unit:"cells" doc:"cells that are positive features"`
	NegativeCells    int64    `parquet:"negative_cells,snappy" unit:"cells" doc:"cells that are negative features"`
	PositiveFeatures int64    `parquet:"positive_features,snappy" doc:"connected positive features"`
	NegativeFeatures int64    `parquet:"negative_features,snappy" doc:"connected negative features"`
	Share            float64  `parquet:"share,snappy" doc:"share of the cells with a value that are features"`
	Dense            bool     `parquet:"dense,snappy" doc:"that is more than half"`
}

// A FeatureRow is a row of the table features: a spike or valley of a function.
type FeatureRow struct {
	Dataset    string    `parquet:"dataset,dict,snappy" doc:"dataset of the function"`
	Function   string    `parquet:"function,dict,snappy" doc:"the function"`
	Version    string    `parquet:"version,dict,snappy" doc:"raw or anomaly"`
	Level      string    `parquet:"level,dict,snappy" doc:"threshold: tail:1 of the sweep, salient or extreme"`
	Sign       string    `parquet:"sign,dict,snappy" doc:"positive: a spike; negative: a valley"`
	Region     string    `parquet:"region,dict,snappy" doc:"region of the extremum"`
	RegionName string    `parquet:"region_name,dict,snappy" doc:"name of that region"`
	At         time.Time `parquet:"at,timestamp(millisecond),snappy" unit:"UTC" doc:"begin of the step of the extremum"`
	Start      time.Time `parquet:"start,timestamp(millisecond),snappy" unit:"UTC" doc:"begin of the feature's first step"`
	End        time.Time `parquet:"end,timestamp(millisecond),snappy" unit:"UTC" doc:"end of its last step"`
	Value      float64   `parquet:"value,snappy" unit:"of the function" doc:"value of the extremum"`
	Excess     float64   `parquet:"mean_excess,snappy" unit:"of the function" doc:"mean distance of its cells beyond the threshold"`
	Pers       float64   `parquet:"persistence,snappy" unit:"of the function" doc:"how far the extremum stands out before it merges into a greater one"`
	Steps      int64     `parquet:"steps,snappy" doc:"steps from the first to the last"`
	Regions    int64     `parquet:"regions,snappy" doc:"regions that it is in"`
	Cells      int64     `parquet:"cells,snappy" unit:"cells" doc:"its cells"`
}

// A RunRow is a row of the table runs: one a dataset of a run, and what the run
// as a whole was.
type RunRow struct {
	Committed       time.Time `parquet:"committed,timestamp(millisecond),snappy" unit:"UTC" doc:"when the run was published"`
	Version         string    `parquet:"version,snappy" doc:"version of the program"`
	Options         string    `parquet:"options,snappy" doc:"options of the run, JSON"`
	Dataset         string    `parquet:"dataset,dict,snappy" doc:"dataset of the row"`
	Key             *string   `parquet:"key,optional,snappy" doc:"hash of all that its functions depend on"`
	Error           *string   `parquet:"error,optional,snappy" doc:"why it was not loaded"`
	Files           int64     `parquet:"files,snappy" doc:"its input files"`
	Bytes           int64     `parquet:"bytes,snappy" unit:"bytes" doc:"of its input files"`
	InputRows       int64     `parquet:"input_rows,snappy" unit:"rows" doc:"rows of its input files"`
	UsedRows        int64     `parquet:"used_rows,snappy" unit:"rows" doc:"of these, rows with a usable time"`
	Functions       int64     `parquet:"functions,snappy" doc:"its functions at all resolutions"`
	Tests           int64     `parquet:"tests,snappy" doc:"tests of the whole run with a p-value"`
	Selected        int64     `parquet:"selected,snappy" doc:"discoveries of the whole run"`
	Q               float64   `parquet:"false_discovery_rate,snappy" doc:"rate at which discoveries are selected"`
	DecoyProportion *float64  `parquet:"decoy_proportion,optional,snappy" doc:"pairs of functions selected among decoys, moved by 52 weeks, over those selected: the estimated false discovery proportion"`
	LoadSeconds     float64   `parquet:"load_seconds,snappy" unit:"s" doc:"of the whole run: reading and aggregating tables, summed over workers"`
	IndexSeconds    float64   `parquet:"index_seconds,snappy" unit:"s" doc:"trees, thresholds and features, summed over workers"`
	RelateSeconds   float64   `parquet:"relate_seconds,snappy" unit:"s" doc:"tests, summed over workers"`
	WallSeconds     float64   `parquet:"wall_seconds,snappy" unit:"s" doc:"from the start to the publication"`
	TestsPerSecond  *float64  `parquet:"tests_per_second,optional,snappy" unit:"1/s" doc:"tests of single levels and lags done by this run, per second of one worker"`
}

// A resultTable is a table of a run.
type resultTable struct {
	name         string
	doc          string
	row          reflect.Type
	byResolution bool // partitioned by resolution, too
}

// resultTables lists the tables of a run.
func resultTables() []resultTable {
	return []resultTable{
		{"relationships", "one row per tested pair of functions, version and class", reflect.TypeFor[Relationship](), true},
		{"features", "one row per feature of a function: the largest by persistence, up to 1000 of each sign and level", reflect.TypeFor[FeatureRow](), true},
		{"functions", "one row per function, resolution and version", reflect.TypeFor[FunctionRow](), true},
		{"sweep", "one row per function and threshold", reflect.TypeFor[SweepRow](), true},
		{"runs", "one row per dataset of a run", reflect.TypeFor[RunRow](), false},
	}
}

// A Column describes a column of a result table.
type Column struct {
	Table   string `json:"table"`
	Name    string `json:"name"`
	Type    string `json:"type"` // string, boolean, int, bigint, double or timestamp, as in Athena
	Null    bool   `json:"null"` // may be null
	Unit    string `json:"unit"`
	Meaning string `json:"meaning"`
}

// Columns returns the columns of all result tables, partition columns last.
func Columns() []Column {
	var list []Column
	for _, t := range resultTables() {
		for i := range t.row.NumField() {
			list = append(list, columnOf(t.name, t.row.Field(i)))
		}
		list = append(list, Column{Table: t.name, Name: "run", Type: "string", Meaning: "the run, a folder of the table; run.json names the one to read"})
		if t.byResolution {
			list = append(list, Column{Table: t.name, Name: "resolution", Type: "string", Meaning: "step and region system, such as hour-city; a folder of the table"})
		}
	}
	return list
}

func columnOf(tableName string, f reflect.StructField) Column {
	name, _, _ := strings.Cut(f.Tag.Get("parquet"), ",")
	c := Column{Table: tableName, Name: name, Unit: f.Tag.Get("unit"), Meaning: f.Tag.Get("doc")}
	typ := f.Type
	if typ.Kind() == reflect.Pointer {
		typ, c.Null = typ.Elem(), true
	}
	switch typ.Kind() {
	case reflect.String:
		c.Type = "string"
	case reflect.Bool:
		c.Type = "boolean"
	case reflect.Int32:
		c.Type = "int"
	case reflect.Int64:
		c.Type = "bigint"
	case reflect.Float64:
		c.Type = "double"
	default:
		c.Type = "timestamp"
	}
	return c
}

// Schema prints the columns of the result tables, of all or of those named, as
// table, markdown or json.
func Schema(names []string, format string, w io.Writer) error {
	known := map[string]bool{}
	for _, t := range resultTables() {
		known[t.name] = true
	}
	wanted := map[string]bool{}
	for _, name := range names {
		if !known[name] {
			return usageErrorf("unknown table %q; the tables are relationships, features, functions, sweep and runs", name)
		}
		wanted[name] = true
	}
	var columns []Column
	for _, c := range Columns() {
		if len(wanted) == 0 || wanted[c.Table] {
			columns = append(columns, c)
		}
	}
	switch format {
	case "json":
		return outputError(printJSON(w, columns))
	case "", "table", "markdown":
	default:
		return usageErrorf("unknown format %q; choose table, markdown or json", format)
	}
	var b strings.Builder
	for _, t := range resultTables() {
		if len(wanted) > 0 && !wanted[t.name] {
			continue
		}
		page := prettytable.NewWriter()
		page.AppendHeader(prettytable.Row{"column", "type", "unit", "meaning"})
		for _, c := range columns {
			if c.Table == t.name {
				typ := c.Type
				if c.Null {
					typ += ", null"
				}
				page.AppendRow(prettytable.Row{c.Name, typ, c.Unit, c.Meaning})
			}
		}
		if format == "markdown" {
			fmt.Fprintf(&b, "## %s\n\n%s.\n\n%s\n\n", t.name, strings.ToUpper(t.doc[:1])+t.doc[1:], page.RenderMarkdown())
			continue
		}
		page.SetStyle(prettytable.StyleLight)
		page.Style().Options = prettytable.OptionsNoBordersAndSeparators
		page.SetColumnConfigs([]prettytable.ColumnConfig{{Number: 4, WidthMax: 80}})
		fmt.Fprintf(&b, "%s: %s\n\n%s\n\n", t.name, t.doc, page.Render())
	}
	_, err := io.WriteString(w, b.String())
	return outputError(err)
}
