package datasets_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"polygamy/datasets"
)

// fieldText writes a field the way the tables below show it: resolution,
// the first step, the regions, and the values of each step.
func fieldText(f *datasets.Field) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v from %s, %s:", f.Axis.Resolution, f.TimeText(0), strings.Join(f.Regions, " "))
	for t := range f.Axis.Len() {
		if t > 0 {
			b.WriteString(" |")
		}
		for _, x := range f.Values[t*len(f.Regions) : (t+1)*len(f.Regions)] {
			if math.IsNaN(x) {
				b.WriteString(" -")
			} else {
				fmt.Fprintf(&b, " %v", x)
			}
		}
	}
	if f.AmbiguousTimes+f.NonexistentTimes > 0 {
		fmt.Fprintf(&b, " (%d ambiguous, %d nonexistent)", f.AmbiguousTimes, f.NonexistentTimes)
	}
	return b.String()
}

func TestReadFieldCSV(t *testing.T) {
	for _, tc := range []struct {
		name, zone string
		resolution datasets.Resolution
		regions    int
		text, want string
	}{
		{name: "city", text: "time,value\n0,1\n3600,2.5\n7200,-3e2\n",
			want: "hour from 0, city: 1 | 2.5 | -300"},
		{name: "long", text: "region,time,value\nb,0,1\na,0,2\nb,3600,3\n",
			want: "hour from 0, a b: 2 1 | - 3"},
		{name: "wide", text: "time,b,a\n0,1,2\n3600,3,4\n",
			want: "hour from 0, b a: 1 2 | 3 4"},
		{name: "wide of one region", text: "time,downtown\n0,1\n3600,3\n",
			want: "hour from 0, downtown: 1 | 3"},
		{name: "column called time", text: "time,time\n0,1\n3600,3\n",
			want: "hour from 0, time: 1 | 3"},
		{name: "upper case and blanks", text: " Time , VALUE \n 0 , 1 \n 3600 , 2 \n",
			want: "hour from 0, city: 1 | 2"},
		{name: "region names keep their case", text: "Region,Time,Value\n Bronx ,0,1\nbronx,0,2\n",
			want: "day from 0, Bronx bronx: 1 2"},
		{name: "byte order mark and CRLF", text: "\ufefftime,value\r\n0,1\r\n3600,2\r\n",
			want: "hour from 0, city: 1 | 2"},
		{name: "no end of line, blank lines", text: "time,value\n\n0,1\n\n3600,2",
			want: "hour from 0, city: 1 | 2"},
		{name: "quotes", text: "time,\"Lower, East\",\"a \"\"b\"\"\"\n\"0\",\"1\",2\n",
			want: `day from 0, Lower, East a "b": 1 2`},
		{name: "missing cells", text: "time,a,b,c,d,e\n0,,NaN,nan,NA,null\n3600, ,1,Null,na,NULL\n",
			want: "hour from 0, a b c d e: - - - - - | - 1 - - -"},
		{name: "absent steps", text: "time,value\n0,1\n3600,2\n14400,5\n",
			want: "hour from 0, city: 1 | 2 | - | - | 5"},
		{name: "times within their steps", text: "time,value\n1800,1\n3600,2\n10799,3\n",
			want: "hour from 0, city: 1 | 2 | 3", resolution: datasets.Hour},
		{name: "negative epoch", text: "time,value\n-3600,1\n0,2\n",
			want: "hour from -3600, city: 1 | 2"},

		{name: "long: numeric names in numeric order", text: "region,time,value\n10,0,1\n9,0,2\n-1,0,3\n",
			want: "day from 0, -1 9 10: 3 2 1"},
		{name: "long: one name is no number", text: "region,time,value\n10,0,1\n9,0,2\nx,0,3\n",
			want: "day from 0, 10 9 x: 1 2 3"},
		{name: "long: equal numbers", text: "region,time,value\n1,0,1\n01,0,2\n",
			want: "day from 0, 01 1: 2 1"},
		{name: "long with graph", regions: 4, text: "region,time,value\n2,0,1\nr1,0,2\nr2,3600,3\n",
			want: "hour from 0, 0 1 2 3: - 2 1 - | - - 3 -"},
		{name: "wide with graph", regions: 2, text: "time,x,y\n0,1,2\n",
			want: "day from 0, x y: 1 2"},
		{name: "city with graph", regions: 2, text: "time,value\n0,1\n",
			want: "day from 0, city: 1"},

		{name: "wall clock without clock change", zone: "America/New_York", text: "time,value\n2012-01-01T05:00,1\n2012-01-01 06,2\n2012-01-01 07:00:00,3\n2012-01-01 08:00:00.5,4\n",
			want: "hour from 2012-01-01T05:00:00-05:00, city: 1 | 2 | 3 | 4"},
		{name: "offsets", zone: "America/New_York", text: "time,value\n2012-01-01T05:00Z,1\n2012-01-01T08:00:00+02:00,2\n2012-01-01 02:00:00.25-05:00,3\n",
			want: "hour from 2012-01-01T00:00:00-05:00, city: 1 | 2 | 3"},
		{name: "clocks go back, both hours", zone: "America/New_York", text: "time,value\n2012-11-04 00:00,0\n2012-11-04 01:00,1\n2012-11-04 01:00,2\n2012-11-04 02:00,3\n",
			want: "hour from 2012-11-04T00:00:00-04:00, city: 0 | 1 | 2 | 3 (2 ambiguous, 0 nonexistent)"},
		{name: "clocks go back, one hour: the earlier", zone: "America/New_York", text: "time,value\n2012-11-04 00:00,0\n2012-11-04 01:00,1\n2012-11-04 02:00,3\n",
			want: "hour from 2012-11-04T00:00:00-04:00, city: 0 | 1 | - | 3 (1 ambiguous, 0 nonexistent)"},
		{name: "clocks go back, the row before has an offset", zone: "America/New_York", text: "time,value\n2012-11-04 01:00-04:00,1\n2012-11-04 01:00,2\n",
			want: "hour from 2012-11-04T01:00:00-04:00, city: 1 | 2 (1 ambiguous, 0 nonexistent)"},
		{name: "clocks go back, per region", zone: "America/New_York", text: "region,time,value\na,2012-11-04 01:00,1\nb,2012-11-04 01:00,2\na,2012-11-04 01:00,3\nb,2012-11-04 01:00,4\n",
			want: "hour from 2012-11-04T01:00:00-04:00, a b: 1 2 | 3 4 (4 ambiguous, 0 nonexistent)"},
		{name: "clocks go forward", zone: "America/New_York", text: "time,value\n2012-03-11 01:00,1\n2012-03-11 03:00,2\n",
			want: "hour from 2012-03-11T01:00:00-05:00, city: 1 | 2"},
		{name: "clocks go forward over the time", zone: "America/New_York", text: "time,value\n2012-03-11 01:00,1\n2012-03-11 02:00,2\n2012-03-11 04:00,3\n",
			want: "hour from 2012-03-11T01:00:00-05:00, city: 1 | 2 | 3 (0 ambiguous, 1 nonexistent)"},
		{name: "wall clock of a zone by the half hour", zone: "Asia/Kolkata", text: "time,value\n2012-01-01 05:30,1\n2012-01-01 06:30,2\n",
			want: "hour from 2012-01-01T05:30:00+05:30, city: 1 | 2"},

		{name: "days", zone: "America/New_York", text: "time,value\n2012-03-10,1\n2012-03-11,2\n2012-03-12,3\n",
			want: "day from 2012-03-10T00:00:00-05:00, city: 1 | 2 | 3"},
		{name: "day without midnight is no nonexistent time", zone: "America/Sao_Paulo", text: "time,value\n2018-11-03,1\n2018-11-04,2\n2018-11-05,3\n",
			want: "day from 2018-11-03T00:00:00-03:00, city: 1 | 2 | 3"},
		{name: "day with two midnights is no ambiguous time", zone: "America/Havana", text: "time,value\n2012-11-03,1\n2012-11-04,2\n2012-11-05,3\n",
			want: "day from 2012-11-03T00:00:00-04:00, city: 1 | 2 | 3"},
		{name: "day that the zone skipped", zone: "Pacific/Apia", text: "time,value\n2011-12-29,1\n2011-12-30,2\n",
			want: "day from 2011-12-29T00:00:00-10:00, city: 1 | - | 2 (0 ambiguous, 1 nonexistent)"},
		{name: "weeks", zone: "America/New_York", text: "time,value\n2012-03-05,1\n2012-03-12,2\n2012-03-26,3\n",
			want: "week from 2012-03-05T00:00:00-05:00, city: 1 | 2 | - | 3"},
		{name: "weeks named by their Sunday", text: "time,value\n2012-03-04,1\n2012-03-11,2\n",
			want: "week from 2012-02-27T00:00:00Z, city: 1 | 2"},
		{name: "months", zone: "America/New_York", text: "time,value\n2012-01,1\n2012-02,2\n2012-03,3\n2012-05,4\n",
			want: "month from 2012-01-01T00:00:00-05:00, city: 1 | 2 | 3 | - | 4"},
		{name: "months, the shortest", text: "time,value\n2011-02,1\n2011-03,2\n",
			want: "month from 2011-02-01T00:00:00Z, city: 1 | 2"},
		{name: "months across a clock change", zone: "America/New_York", text: "time,value\n2012-03,1\n2012-04,2\n",
			want: "month from 2012-03-01T00:00:00-05:00, city: 1 | 2"},
		{name: "years", text: "time,value\n2010-01,1\n2011-01,2\n2012-01,3\n",
			want: "year from 2010-01-01T00:00:00Z, city: 1 | 2 | 3"},
		{name: "six-hourly is hourly with gaps", text: "time,value\n0,1\n21600,2\n",
			want: "hour from 0, city: 1 | - | - | - | - | - | 2"},
		{name: "resolution of all regions together", text: "region,time,value\na,0,1\na,7200,2\nb,3600,3\n",
			want: "hour from 0, a b: 1 - | - 3 | 2 -"},
		{name: "resolution of regions one after the other", text: "region,time,value\na,2012-01-01,1\na,2012-01-03,2\nb,2012-01-02,3\n",
			want: "day from 2012-01-01T00:00:00Z, a b: 1 - | - 3 | 2 -"},
		{name: "one time at midnight", zone: "America/New_York", text: "time,value\n2012-01-01T00:00,1\n",
			want: "day from 2012-01-01T00:00:00-05:00, city: 1"},
		{name: "one time not at local midnight", zone: "America/New_York", text: "time,value\n2012-01-01T00:00Z,1\n",
			want: "hour from 2011-12-31T19:00:00-05:00, city: 1"},
		{name: "resolution given", resolution: datasets.Month, text: "time,value\n2012-01-15,1\n2012-02-15,2\n",
			want: "month from 2012-01-01T00:00:00Z, city: 1 | 2"},
		{name: "local mean time is printed in UTC", zone: "America/New_York", text: "time,value\n1850-01-01 00:00,1\n1850-01-01 01:00,2\n",
			want: "hour from 1850-01-01T04:00:00Z, city: 1 | 2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := datasets.FieldOptions{Resolution: tc.resolution, Regions: tc.regions}
			if tc.zone != "" {
				o.Zone = location(t, tc.zone)
			}
			f, err := datasets.ReadFieldCSV(strings.NewReader(tc.text), "field.csv", o)
			if err != nil {
				t.Fatal(err)
			}
			if got := fieldText(f); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			if city := slices.Equal(f.Regions, []string{"city"}); f.City != city {
				t.Errorf("City = %t, regions %v", f.City, f.Regions)
			}
		})
	}
}

const formsHint = "begin the file with time,value (one series), region,time,value (a row per region and time) or time,NAME,NAME,... (a column per region)"

func TestReadFieldCSVErrors(t *testing.T) {
	newYork := datasets.FieldOptions{Zone: location(t, "America/New_York")}
	for _, tc := range []struct {
		name    string
		options datasets.FieldOptions
		text    string
		want    string // after "field.csv: "
	}{
		{name: "empty", text: "", want: "the file is empty; " + formsHint},
		{name: "only a byte order mark", text: "\ufeff\n\n", want: "the file is empty; " + formsHint},
		{name: "header only", text: "time,value\n", want: "no rows after the header; add at least one"},
		{name: "unknown header", text: "\nwhen,what\n", want: `line 2: the header is "when,what"; ` + formsHint},
		{name: "time alone", text: "time\n0\n", want: `line 1: the header is "time"; ` + formsHint},
		{name: "long header", text: strings.Repeat("x", 50) + ",y\n", want: `line 1: the header is "` + strings.Repeat("x", 40) + `..."; ` + formsHint},
		{name: "no header, city", text: "1325376000,5\n", want: `line 1: the first line must be a header, but is "1325376000,5"; ` + formsHint},
		{name: "no header, long", text: "Bronx,2012-01-01,5\n", want: `line 1: the first line must be a header, but is "Bronx,2012-01-01,5"; ` + formsHint},
		{name: "years in columns", text: "region,2012,2013\n", want: `line 1: the header is "region,2012,2013"; ` + formsHint},
		{name: "long in another order", text: "time,Region,value\n0,1,2\n", want: `line 1: the columns of "time,Region,value" are in another order; ` + formsHint},
		{name: "long in yet another order", text: "time,value,region\n0,1,2\n", want: `line 1: the columns of "time,value,region" are in another order; ` + formsHint},
		{name: "column without name", text: "time,a, \n0,1,2\n", want: "line 1: column 3 has no name; name it after its region, or remove it"},
		{name: "two columns of a name", text: "time,a,b, a\n0,1,2,3\n", want: `line 1: two columns are named "a"; give every region one column`},
		{name: "columns do not match the graph", options: datasets.FieldOptions{Regions: 3, GraphName: "city.txt"}, text: "time,a,b\n0,1,2\n",
			want: "line 1: 2 regions in columns, but city.txt has 3; give each region of the graph one column, in its order, or name the graph of these regions"},
		{name: "columns do not match a nameless graph", options: datasets.FieldOptions{Regions: 3}, text: "time,a\n0,1\n",
			want: "line 1: 1 regions in columns, but the graph has 3; give each region of the graph one column, in its order, or name the graph of these regions"},

		{name: "too few columns", text: "time,a,b\n0,1,2\n3600,1\n", want: "line 3: 2 columns, but the header has 3; give the row one cell per column; a missing value is an empty cell"},
		{name: "too many columns", text: "time,value\n0,1,5\n", want: "line 2: 3 columns, but the header has 2; give the row one cell per column; a missing value is an empty cell"},
		{name: "stray quote", text: "time,value\n0,1\n3600,2\"\n", want: `line 3: bare " in non-quoted-field; quote a cell with " at both ends, and double the quotes inside it`},
		{name: "open quote", text: "time,value\n0,1\n3600,\"2\n7200,3\n", want: `line 3: extraneous or missing " in quoted-field; quote a cell with " at both ends, and double the quotes inside it`},
		{name: "stray quote in the header", text: "time,\"value\"\"\n", want: `line 1: extraneous or missing " in quoted-field; quote a cell with " at both ends, and double the quotes inside it`},

		{name: "value", text: "time,value\n0,1\n3600,abc\n", want: `line 3, column value: "abc" is not a number; leave the cell empty if it is missing`},
		{name: "value after quoted newlines", text: "time,\"a\nb\",c\n0,1,\"\n2\n\"\n3600,\"\n\",x\n", want: `line 7, column c: "x" is not a number; leave the cell empty if it is missing`},
		{name: "decimal comma", text: "time,value\n0,\"1,5\"\n", want: `line 2, column value: "1,5" is not a number; leave the cell empty if it is missing`},
		{name: "hexadecimal", text: "time,value\n0,0x1p4\n", want: `line 2, column value: "0x1p4" is not a number; leave the cell empty if it is missing`},
		{name: "infinity", text: "time,a,b\n0,1,-Inf\n", want: `line 2, column b: "-Inf" is infinite; leave the cell empty if it is missing`},
		{name: "too large", text: "time,a,b\n0,1e999,2\n", want: `line 2, column a: "1e999" is too large for a 64-bit number; leave the cell empty if it is missing`},

		{name: "time", text: "time,value\n01/02/2012,1\n", want: `line 2, column time: "01/02/2012" is not a time; write epoch seconds or ISO 8601, such as 2012-01-31T05:00`},
		{name: "no time", text: "Region,Time,Value\na,,1\n", want: `line 2, column Time: "" is not a time; write epoch seconds or ISO 8601, such as 2012-01-31T05:00`},
		{name: "epoch with fraction", text: "time,value\n1325376000.0,1\n", want: `line 2, column time: "1325376000.0" is not a time; write epoch seconds or ISO 8601, such as 2012-01-31T05:00`},
		{name: "epoch, then ISO", text: "time,value\n0,1\n3600,1\n1970-01-02,1\n", want: `line 4, column time: "1970-01-02" is ISO 8601, but line 2 has epoch seconds; write all times of a file in one form`},
		{name: "ISO, then epoch", text: "time,value\n1970-01-02,1\n172800,1\n", want: `line 3, column time: "172800" is epoch seconds, but line 2 has ISO 8601; write all times of a file in one form`},
		{name: "milliseconds", text: "time,value\n1325376000000,1\n", want: `line 2, column time: "1325376000000" is outside the years 1 to 9998; epoch times are in seconds, so divide milliseconds by 1000`},
		{name: "beyond 64 bits", text: "time,value\n-99999999999999999999,1\n", want: `line 2, column time: "-99999999999999999999" is outside the years 1 to 9998; epoch times are in seconds, so divide milliseconds by 1000`},
		{name: "year 0", text: "time,value\n0000-01-01,1\n", want: `line 2, column time: "0000-01-01" is outside the years 1 to 9998; correct it`},
		{name: "year 9999", text: "time,value\n9999-01-01,1\n", want: `line 2, column time: "9999-01-01" is outside the years 1 to 9998; correct it`},

		{name: "unsorted", text: "time,value\n0,1\n7200,2\n3600,3\n", want: `line 4, column time: "3600" is before 7200 of line 3; sort the rows by time`},
		{name: "unsorted, ISO", options: newYork, text: "time,a\n2012-01-02,1\n2012-01-01 05:00,2\n", want: `line 3, column time: "2012-01-01 05:00" is before 2012-01-02T00:00:00-05:00 of line 2; sort the rows by time`},
		{name: "unsorted region", text: "region,time,value\na,3600,1\nb,0,1\na,0,2\n", want: `line 4, column time: "0" is before 3600 of line 2; sort the rows of each region by time`},
		{name: "time twice", text: "time,value\n0,1\n3600,2\n3600,3\n", want: `line 4, column time: "3600" repeats the time of line 3; the row is duplicated, so remove it`},
		{name: "region and time twice", text: "region,time,value\na,0,1\nb,0,1\na,0,1\n", want: `line 4, column time: "0" repeats the time of line 2; the row is duplicated, so remove it`},
		{name: "time twice by r and number", options: datasets.FieldOptions{Regions: 2}, text: "region,time,value\n1,0,1\nr1,0,1\n", want: `line 3, column time: "0" repeats the time of line 2; the row is duplicated, so remove it`},
		{name: "ambiguous hour three times", options: newYork, text: "time,value\n2012-11-04 01:00,1\n2012-11-04 01:00,2\n2012-11-04 01:00,3\n", want: `line 4, column time: "2012-11-04 01:00" repeats the time of line 3; the row is duplicated, so remove it`},
		{name: "date twice where midnight is ambiguous", options: datasets.FieldOptions{Zone: location(t, "America/Havana")}, text: "time,value\n2012-11-04,1\n2012-11-04,2\n", want: `line 3, column time: "2012-11-04" repeats the time of line 2; the row is duplicated, so remove it`},
		{name: "hour that clocks skip, and the next", options: newYork, text: "time,value\n2012-03-11 02:00,1\n2012-03-11 03:00,2\n",
			want: `line 3, column time: "2012-03-11 03:00" repeats the time of line 2; clocks in America/New_York skip one of the two times, so write times with their offset from UTC or name the zone that they are in`},
		{name: "half hour that clocks skip, and the next", options: newYork, text: "time,value\n2012-03-11 02:30,1\n2012-03-11 03:00,2\n",
			want: `line 3, column time: "2012-03-11 03:00" is before 2012-03-11T03:30:00-04:00 of line 2; clocks in America/New_York skip one of the two times, so write times with their offset from UTC or name the zone that they are in`},
		{name: "day that the zone skipped, and the next", options: datasets.FieldOptions{Zone: location(t, "Pacific/Apia")}, text: "time,value\n2011-12-30,1\n2011-12-31,2\n",
			want: `line 3, column time: "2011-12-31" repeats the time of line 2; clocks in Pacific/Apia skip one of the two times, so write times with their offset from UTC or name the zone that they are in`},
		{name: "finer than the hour", text: "time,value\n0,1\n1800,2\n3600,3\n",
			want: "line 3, column time: 1800 is in the same hour as line 2; the file is finer than the resolution hour, or the row is duplicated: keep one row for each hour; times are read as seconds since 1970"},
		{name: "finer than the day", options: datasets.FieldOptions{Resolution: datasets.Day}, text: "region,time,value\na,2012-01-01T00:00Z,1\nb,2012-01-01T00:00Z,1\na,2012-01-01T23:00Z,2\n",
			want: "line 4, column time: 2012-01-01T23:00:00Z is in the same day as line 2; the file is finer than the resolution day, or the row is duplicated: choose a finer resolution or keep one row"},
		{name: "four weeks are taken for months", text: "time,value\n2012-01-02,1\n2012-01-30,2\n",
			want: "line 3, column time: 2012-01-30T00:00:00Z is in the same month as line 2; the file is finer than the resolution month, or the row is duplicated: choose a finer resolution or keep one row"},

		{name: "region without name", text: "region,time,value\n ,0,1\n", want: "line 2, column region: the region has no name; name it or remove the row"},
		{name: "region not in the graph", options: datasets.FieldOptions{Regions: 3, GraphName: "city.txt"}, text: "region,time,value\n3,0,1\n", want: `line 2, column region: "3" is not a region of city.txt; use its numbers, 0 to 2`},
		{name: "region of another kind", options: datasets.FieldOptions{Regions: 3}, text: "region,time,value\nBronx,0,1\n", want: `line 2, column region: "Bronx" is not a region of the graph; use its numbers, 0 to 2`},
		{name: "region r", options: datasets.FieldOptions{Regions: 3}, text: "region,time,value\nr,0,1\n", want: `line 2, column region: "r" is not a region of the graph; use its numbers, 0 to 2`},
		{name: "region with sign", options: datasets.FieldOptions{Regions: 3}, text: "region,time,value\n-1,0,1\n", want: `line 2, column region: "-1" is not a region of the graph; use its numbers, 0 to 2`},

		{name: "axis too long", text: "time,value\n2012-01-01 00:00,1\n2012-01-01 01:00,2\n2912-01-01 02:00,3\n",
			want: "line 4, column time: the times from 2012-01-01T00:00:00Z (line 2) to 2912-01-01T02:00:00Z (line 4) are 7889235 steps of one hour, too many for 1 regions and 3 rows; correct the time that is wrong, or choose a coarser resolution"},
		{name: "too many cells", options: datasets.FieldOptions{Regions: 1 << 30}, text: "region,time,value\n1,3600,1\n2,0,1\n",
			want: "line 2, column time: the times from 0 (line 3) to 3600 (line 2) are 2 steps of one hour, too many for 1073741824 regions and 2 rows; correct the time that is wrong, or choose a coarser resolution"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := datasets.ReadFieldCSV(strings.NewReader(tc.text), "field.csv", tc.options)
			if err == nil || err.Error() != "field.csv: "+tc.want {
				t.Errorf("error\n%v, want\nfield.csv: %s", err, tc.want)
			}
			if _, ok := errors.AsType[*datasets.CSVError](err); !ok {
				t.Errorf("error of type %T", err)
			}
		})
	}
}

func zipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadFieldCSVCompressed(t *testing.T) {
	data := zipped(t, "\ufefftime,value\n0,1\n3600,2\n")
	f, err := datasets.ReadFieldCSV(bytes.NewReader(data), "field.csv", datasets.FieldOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fieldText(f), "hour from 0, city: 1 | 2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}

	for _, tc := range []struct {
		name string
		data []byte
		want error
	}{
		{"cut in the header", data[:5], io.ErrUnexpectedEOF},
		{"cut at the end", data[:len(data)-4], io.ErrUnexpectedEOF},
		{"damaged", append(slices.Clone(data[:len(data)-8]), make([]byte, 8)...), gzip.ErrChecksum},
	} {
		_, err := datasets.ReadFieldCSV(bytes.NewReader(tc.data), "field.csv.gz", datasets.FieldOptions{})
		want := fmt.Sprintf("field.csv.gz: read: %v; check that the file is complete and can be read", tc.want)
		if !errors.Is(err, tc.want) || err.Error() != want {
			t.Errorf("%s: error %v, want %s", tc.name, err, want)
		}
	}
}

func TestReadFieldCSVWrapsReadErrors(t *testing.T) {
	broken := errors.New("connection reset")
	for _, text := range []string{"", "time,value\n0,1\n"} {
		r := io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))
		if _, err := datasets.ReadFieldCSV(r, "field.csv", datasets.FieldOptions{}); !errors.Is(err, broken) {
			t.Errorf("after %q: error %v does not wrap %v", text, err, broken)
		}
	}
}

// writeWide writes a field in the form with a column per region. Absent steps
// have no row, but the first and the last always do.
func writeWide(t testing.TB, f *datasets.Field) string {
	t.Helper()
	var b strings.Builder
	w := csv.NewWriter(&b)
	header := append([]string{"time"}, f.Regions...)
	if f.City {
		header[1] = "value"
	}
	rows := [][]string{header}
	for step := range f.Axis.Len() {
		row := []string{f.TimeText(step)}
		present := false
		for _, x := range f.Values[step*len(f.Regions) : (step+1)*len(f.Regions)] {
			cell := ""
			if !math.IsNaN(x) {
				cell, present = strconv.FormatFloat(x, 'g', -1, 64), true
			}
			row = append(row, cell)
		}
		if present || step == 0 || step == f.Axis.Len()-1 {
			rows = append(rows, row)
		}
	}
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// sameField returns how two fields differ, "" if they do not. The counts of
// clock changes are those of a text, not of the field in it.
func sameField(a, b *datasets.Field) string {
	diff := cmp.Diff(a, b, cmpopts.IgnoreFields(datasets.Field{}, "Values", "AmbiguousTimes", "NonexistentTimes"),
		cmp.Comparer(func(a, b datasets.Axis) bool { return a == b }))
	if diff != "" {
		return diff
	}
	// Not by cmp, which takes seconds for a million values.
	if len(a.Values) != len(b.Values) {
		return fmt.Sprintf("-%d values +%d values", len(a.Values), len(b.Values))
	}
	for i, x := range a.Values {
		if y := b.Values[i]; x != y && !(math.IsNaN(x) && math.IsNaN(y)) {
			return fmt.Sprintf("value %d: -%v +%v", i, x, y)
		}
	}
	return ""
}

// randomField returns a field of random values, a third of them missing. The
// first and the last step have one at least.
func randomField(rng *rand.Rand, axis datasets.Axis, regions int) *datasets.Field {
	f := &datasets.Field{Axis: axis, Values: make([]float64, axis.Len()*regions)}
	for r := range regions {
		f.Regions = append(f.Regions, strconv.Itoa(r))
	}
	for i := range f.Values {
		f.Values[i] = math.NaN()
		if i == 0 || i == len(f.Values)-1 || rng.IntN(3) > 0 {
			f.Values[i] = rng.NormFloat64() * math.Pow(10, float64(rng.IntN(40)-20))
		}
	}
	return f
}

// TestReadFieldCSVRoundTrip writes random fields in every form and reads them
// again.
func TestReadFieldCSVRoundTrip(t *testing.T) {
	layouts := map[string]string{"epoch": "", "offset": time.RFC3339, "wall": "2006-01-02 15:04"}
	for _, zoneName := range []string{"UTC", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kolkata"} {
		zone := location(t, zoneName)
		for r := datasets.Hour; r <= datasets.Year; r++ {
			for layoutName, layout := range layouts {
				// Clocks on Lord Howe go back half an hour, so the hour step after
				// that begins at a wall time that came before, within the last
				// step: a wall clock cannot tell these hours.
				if r == datasets.Hour && layoutName == "wall" && zoneName == "Australia/Lord_Howe" {
					continue
				}
				t.Run(fmt.Sprintf("%s/%v/%s", zoneName, r, layoutName), func(t *testing.T) {
					rng := rand.New(rand.NewPCG(uint64(r), 7))
					steps := map[datasets.Resolution]int{datasets.Hour: 9000, datasets.Day: 800, datasets.Week: 110, datasets.Month: 30, datasets.Year: 4}[r]
					axis := datasets.NewAxis(r, zone, instant(t, "2012-02-01T12:00:00Z"), steps)
					want := randomField(rng, axis, 3)
					want.EpochTimes = layoutName == "epoch"
					timeText := func(step int) string {
						if layoutName == "epoch" {
							return want.TimeText(step)
						}
						return axis.Start(step).Format(layout)
					}
					o := datasets.FieldOptions{Resolution: r, Zone: zone}

					// Wide, every step: a wall clock tells the hours around a clock
					// change only to those who see all of them.
					var wide strings.Builder
					wide.WriteString("time,0,1,2\n")
					for step := range steps {
						fmt.Fprintf(&wide, "%s,%v,%v,%v\n", timeText(step), want.Values[3*step], want.Values[3*step+1], want.Values[3*step+2])
					}
					got, err := datasets.ReadFieldCSV(strings.NewReader(wide.String()), "wide", o)
					if err != nil {
						t.Fatal(err)
					}
					if diff := sameField(want, got); diff != "" {
						t.Errorf("wide (-want +got):\n%s", diff)
					}
					if inferred, err := datasets.ReadFieldCSV(strings.NewReader(wide.String()), "wide", datasets.FieldOptions{Zone: zone}); err != nil || inferred.Axis.Resolution != r {
						t.Errorf("resolution not inferred: %v, error %v", inferred, err)
					}

					// Long, the regions mixed, in the order of time in each.
					var long strings.Builder
					long.WriteString("region,time,value\n")
					for next := [3]int{}; next != [3]int{steps, steps, steps}; {
						region := rng.IntN(3)
						step := next[region]
						if step == steps {
							continue
						}
						next[region]++
						x := want.Values[3*step+region]
						if layoutName == "wall" || !math.IsNaN(x) {
							fmt.Fprintf(&long, "%d,%s,%v\n", region, timeText(step), x)
						}
					}
					for _, regions := range []int{0, 3} {
						o.Regions = regions
						got, err := datasets.ReadFieldCSV(strings.NewReader(long.String()), "long", o)
						if err != nil {
							t.Fatal(err)
						}
						if diff := sameField(want, got); diff != "" {
							t.Errorf("long, %d regions (-want +got):\n%s", regions, diff)
						}
					}
				})
			}
		}
	}
}

// FuzzReadFieldCSV reads any text: a field must be whole, and the same when it
// is written and read again.
func FuzzReadFieldCSV(f *testing.F) {
	zones := []*time.Location{time.UTC, location(f, "America/New_York"), location(f, "America/Sao_Paulo"), location(f, "Pacific/Apia"), location(f, "Asia/Kolkata")}
	for _, text := range []string{
		"time,value\n0,1\n3600,2\n7200,\n",
		"\ufeffregion,time,value\r\nr0,2012-01-01,1\r\n1,2012-01-02,2\r\n0,2012-01-03,NA\r\n",
		"time,a,b\n2012-11-04 01:00,1,2\n2012-11-04 01:00,3,4\n2012-11-04 02:00,5,6\n",
		"time,\"a,\n\"\"\"\n2011-12-29,1\n2011-12-31T00:00:00.5+14:00,-1e300\n",
		"time,value\n0001-01,1\n",
		"time,value\n1849-01,1\n1850-01-01 00:30,2\n",
		"time,1,0\n2012-10,1,\n2212-11,,1\n",
		"time,value\n9998-12-31T23:00:00-01:00,1\n",
		string(zipped(f, "time,value\n0,1\n86400,2\n")),
	} {
		f.Add([]byte(text), uint8(0), uint8(0), uint8(0))
		f.Add([]byte(text), uint8(2), uint8(3), uint8(2))
	}
	f.Fuzz(func(t *testing.T, data []byte, resolution, zone, regions uint8) {
		o := datasets.FieldOptions{
			Resolution: datasets.Resolution(resolution % 6),
			Zone:       zones[int(zone)%len(zones)],
			Regions:    int(regions % 4),
		}
		field, err := datasets.ReadFieldCSV(bytes.NewReader(data), "field.csv", o)
		if err != nil {
			if _, ok := errors.AsType[*datasets.CSVError](err); !ok {
				t.Errorf("error %v of type %T", err, err)
			}
			return
		}
		if len(field.Regions) < 1 || field.Axis.Len() < 1 || len(field.Values) != field.Axis.Len()*len(field.Regions) {
			t.Fatalf("%d regions, %d steps, %d values", len(field.Regions), field.Axis.Len(), len(field.Values))
		}
		for _, x := range field.Values {
			if math.IsInf(x, 0) {
				t.Fatal("a value is infinite")
			}
		}
		names := strings.ToLower(strings.Join(field.Regions, ","))
		if strings.Contains(names, "\r") {
			return // CSV drops a carriage return before a line feed
		}
		if o.Regions == 0 && !field.City {
			// A header of these names is of another form.
			if names == "value" || names == "region,value" || names == "value,region" {
				return
			}
		}
		first, last := field.Axis.Start(0), field.Axis.Start(field.Axis.Len()-1)
		if first.UTC().Year() < 1 || last.UTC().Year() > 9998 {
			return // a step of the first or last readable times begins outside them
		}
		o.Resolution = field.Axis.Resolution
		text := writeWide(t, field)
		again, err := datasets.ReadFieldCSV(strings.NewReader(text), "again.csv", o)
		if err != nil {
			t.Fatalf("%v, in\n%s", err, text)
		}
		if diff := sameField(field, again); diff != "" {
			t.Errorf("read again (-first +again):\n%s", diff)
		}
	})
}

func ExampleReadFieldCSV() {
	trips := `region,time,value
Bronx,2012-01-01T00:00,12
Bronx,2012-01-01T02:00,15
Queens,2012-01-01T01:00,7
`
	f, err := datasets.ReadFieldCSV(strings.NewReader(trips), "trips.csv", datasets.FieldOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("steps of one", f.Axis.Resolution)
	for t := range f.Axis.Len() {
		fmt.Println(f.TimeText(t), f.Regions, f.Values[2*t:2*t+2])
	}
	// Output:
	// steps of one hour
	// 2012-01-01T00:00:00Z [Bronx Queens] [12 NaN]
	// 2012-01-01T01:00:00Z [Bronx Queens] [NaN 7]
	// 2012-01-01T02:00:00Z [Bronx Queens] [15 NaN]
}

func BenchmarkReadFieldCSV(b *testing.B) {
	const regions, steps = 260, 8760 // a year of hours in the neighbourhoods of New York
	rng := rand.New(rand.NewPCG(1, 0))
	axis := datasets.NewAxis(datasets.Hour, location(b, "America/New_York"), instant(b, "2012-01-01T05:00:00Z"), steps)
	var wide, long strings.Builder
	wide.WriteString("time")
	for r := range regions {
		fmt.Fprintf(&wide, ",r%d", r)
	}
	long.WriteString("region,time,value")
	for step := range steps {
		stamp := axis.Start(step).Format("2006-01-02 15:04")
		wide.WriteString("\n" + stamp)
		for r := range regions {
			x := strconv.FormatFloat(100*rng.ExpFloat64(), 'f', 3, 64)
			wide.WriteString("," + x)
			fmt.Fprintf(&long, "\n%d,%s,%s", r, stamp, x)
		}
	}
	for _, bc := range []struct{ form, text string }{{"wide", wide.String()}, {"long", long.String()}} {
		b.Run(bc.form, func(b *testing.B) {
			b.SetBytes(int64(len(bc.text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := datasets.ReadFieldCSV(strings.NewReader(bc.text), bc.form, datasets.FieldOptions{Zone: axis.Zone}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(regions*steps*float64(b.N)/b.Elapsed().Seconds(), "values/s")
		})
	}
}
