package datasets

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// csvTableOf returns a table of the given columns.
func csvTableOf(t testing.TB, names []string, rows int, cell func(column, row int) string) table {
	t.Helper()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.Write(names); err != nil {
		t.Fatal(err)
	}
	record := make([]string, len(names))
	for i := range rows {
		for c := range names {
			record[c] = cell(c, i)
		}
		if err := w.Write(record); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	return mustOpen(t, "t.csv", b.Bytes())
}

// TestProfileRoles: what a column is taken for, by name, type and values.
func TestProfileRoles(t *testing.T) {
	for _, tc := range []struct {
		name string
		cell func(row int) string
		want ColumnRole
	}{
		{"house_number", func(i int) string { return fmt.Sprint(100 + i%900) }, RoleCode},
		{"zip_code", func(i int) string { return fmt.Sprint(10001 + i%50) }, RoleCode},
		{"passenger_count", func(i int) string { return fmt.Sprint(1 + i%5) }, RoleAmount},
		{"persons_injured", func(i int) string { return fmt.Sprint(i % 3) }, RoleAmount},
		{"number_of_dogs", func(i int) string { return fmt.Sprint(i % 9) }, RoleAmount},
		{"numberOfDogs", func(i int) string { return fmt.Sprint(i % 9) }, RoleAmount},
		{"fare", func(i int) string { return fmt.Sprintf("%d.50", i%40) }, RoleAmount},
		{"price", func(i int) string { return fmt.Sprintf("%d.50", i%40) }, RoleQuantity},
		{"fare_amount", func(i int) string { return fmt.Sprintf("%d.50", i%40) }, RoleAmount},
		{"temp_f", func(i int) string { return fmt.Sprint(i%90 - 10) }, RoleQuantity},
		{"wind_dir_deg", func(i int) string { return fmt.Sprint(10 * (i % 36)) }, RoleCode},
		{"snow_depth_in", func(i int) string { return fmt.Sprint(i % 4) }, RoleQuantity},
		{"vendor_id", func(i int) string { return fmt.Sprint(1 + i%2) }, RoleCode},
		{"medallion", func(i int) string { return fmt.Sprintf("%dA%d", i%7, i%90) }, RoleIdentifier},
		{"vehicle_type", func(i int) string { return []string{"SEDAN", "VAN", "BUS"}[i%3] }, RoleCategory},
		{"trip_id", func(i int) string { return fmt.Sprint(7 * i) }, RoleKey},
		{"trip_key", func(i int) string { return fmt.Sprintf("k%d", i) }, RoleKey},
		{"x", func(i int) string { return fmt.Sprint(900000 + i*13) }, RoleProjected},
		{"longitude", func(i int) string { return fmt.Sprintf("-73.9%03d", i%1000) }, RoleLongitude},
		{"Lat", func(i int) string { return fmt.Sprintf("40.7%03d", i%1000) }, RoleLatitude},
		{"when", func(i int) string { return fmt.Sprintf("2014-01-%02d 10:00", 1+i%28) }, RoleTime},
		{"crash_date", func(i int) string { return fmt.Sprintf("%d/%d/2014", 1+i%12, 1+i%28) }, RoleTime},
		{"timestamp", func(i int) string { return fmt.Sprint(1388534400 + 600*i) }, RoleTime},
		{"trips", func(i int) string { return []string{"1,234", " - ", "17"}[i%3] }, RoleAmount},
		{"city", func(int) string { return "NYC" }, RoleConstant},
		{"notes", func(i int) string { return strings.Repeat("word ", 1+i%900) }, RoleText},
		{"nothing", func(int) string { return "" }, RoleEmpty},
		{"mystery", func(i int) string { return fmt.Sprint(5000 + i%77) }, RoleCode},
	} {
		table := csvTableOf(t, []string{tc.name}, 2000, func(_, row int) string { return tc.cell(row) })
		profiles, err := profileColumns(context.Background(), table, nil)
		if err != nil {
			t.Fatal(err)
		}
		if p := profiles[0]; p.Role != tc.want || p.Reason == "" {
			t.Errorf("%s: %s (%s), want %s", tc.name, p.Role, p.Reason, tc.want)
		}
	}
}

// TestAuto: identifiers are counted, quantities averaged, amounts added up
// too, codes left alone; rows that are steps of a series are not counted.
func TestAuto(t *testing.T) {
	columns := []string{"at", "medallion", "temp_f", "fare_amount", "zip", "station"}
	cell := func(c, i int) string {
		return []string{
			fmt.Sprintf("2014-01-%02d %02d:%02d", 1+i/1440%28, i/60%24, i%60), fmt.Sprint("m", i%50), fmt.Sprint(i % 90), fmt.Sprintf("%d.5", i%30),
			fmt.Sprint(10001 + i%9), fmt.Sprint("s", i%3),
		}[c]
	}
	for _, tc := range []struct {
		name string
		cell func(c, i int) string
		spec DatasetSpec
		want []string
	}{
		{"events", func(c, i int) string {
			if c == 0 {
				return cell(0, i/2) // two in a minute
			}
			return cell(c, i)
		}, DatasetSpec{Place: PlaceSpec{City: true}}, []string{"count", "unique(medallion)", "mean(temp_f)", "sum(fare_amount)", "mean(fare_amount)"}},
		{"a series", func(c, i int) string {
			if c == 0 {
				return fmt.Sprintf("2014-%02d-%02d %02d:%02d", 1+i/96/28, 1+i/96%28, i/4%24, 15*(i%4))
			}
			return cell(c, i)
		}, DatasetSpec{Place: PlaceSpec{City: true}}, []string{"unique(medallion)", "mean(temp_f)", "sum(fare_amount)", "mean(fare_amount)"}},
		{"a series of hours", func(c, i int) string {
			if c == 0 {
				return fmt.Sprintf("2014-%02d-%02d %02d:00", 1+i/24/28, 1+i/24%28, i%24)
			}
			return cell(c, i)
		}, DatasetSpec{Place: PlaceSpec{City: true}}, []string{"unique(medallion)", "mean(temp_f)", "sum(fare_amount)"}},
		{"events of which hours are known", func(c, i int) string {
			if c == 0 {
				return fmt.Sprintf("2014-%02d-%02d %02d:00", 1+i/48/28, 1+i/48%28, i/2%24)
			}
			return cell(c, i)
		}, DatasetSpec{Place: PlaceSpec{City: true}}, []string{"count", "unique(medallion)", "mean(temp_f)", "sum(fare_amount)", "mean(fare_amount)"}},
		{"a series of each station", func(c, i int) string {
			if c == 0 {
				return fmt.Sprintf("2014-01-%02d %02d:%02d", 1+i/3/48%28, i/3/2%24, 30*(i/3%2))
			}
			return cell(c, i)
		}, DatasetSpec{Place: PlaceSpec{Region: "station", Column: "station"}}, []string{"unique(medallion)", "mean(temp_f)", "sum(fare_amount)", "mean(fare_amount)"}},
	} {
		profiles, err := profileColumns(context.Background(), csvTableOf(t, columns, 3000, tc.cell), nil)
		if err != nil {
			t.Fatal(err)
		}
		tc.spec.Time.Column = "at"
		var got []string
		for _, f := range chooseFunctions(profiles, &tc.spec) {
			got = append(got, f.spec.String())
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// TestWarnings: what looks wrong is said.
func TestWarnings(t *testing.T) {
	var b strings.Builder
	b.WriteString("when,zone,house_number,temp\n")
	for i := range 24 * 60 {
		temp := fmt.Sprint(20 + i%7)
		if i == 100 {
			temp = "999"
		}
		zone := "x"
		if i%50 == 0 {
			zone = "a"
		}
		fmt.Fprintf(&b, "%s,%s,%d,%s\n", at("2014-02-20 00:30").AddDate(0, 0, i/24).Format("2006-01-02")+fmt.Sprintf(" %02d:30", i%24), zone, 100+i%800, temp)
	}
	c := newCorpus(t, "America/New_York", DatasetSpec{
		Files: Strings{"trips.csv"}, Time: TimeSpec{Column: "when"}, Place: PlaceSpec{Region: "squares", Column: "zone"},
		Functions: Strings{"mean(house_number)", "mean(temp)"},
	}, []byte(b.String()))
	l := c.mustLoad(t)
	all := strings.Join(l.Report.Warnings, "\n")
	_, outlier := function(t, l, "mean(temp)", "hour city").Describe()
	all += "\n" + outlier
	for _, want := range []string{
		"98 % of `zone` match no region of squares, such as \"x\"",
		"1 times fall into the hour that clocks skip in spring: is `when` local standard time all year?",
		"values of `house_number` look like codes",
		"one value of mean(temp) (999) is",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no warning %q in:\n%s", want, all)
		}
	}
}
