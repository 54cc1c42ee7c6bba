package datasets

import (
	"testing"
	"time"
)

func TestParseStamp(t *testing.T) {
	for _, tc := range []struct {
		text string
		form stampForm
		want string // as the clock shows it
	}{
		{"0", epochStamp, "1970-01-01T00:00:00"},
		{"1325376000", epochStamp, "2012-01-01T00:00:00"},
		{"-3600", epochStamp, "1969-12-31T23:00:00"},
		{"+3600", epochStamp, "1970-01-01T01:00:00"},
		{"2012-02", dateStamp, "2012-02-01T00:00:00"},
		{"2012-02-29", dateStamp, "2012-02-29T00:00:00"},
		{"2012-01-01 05", wallStamp, "2012-01-01T05:00:00"},
		{"2012-01-01T05:30", wallStamp, "2012-01-01T05:30:00"},
		{"2012-01-01t05:30:59", wallStamp, "2012-01-01T05:30:59"},
		{"2012-01-01 05:30:59.999", wallStamp, "2012-01-01T05:30:59"},
		{"2012-01-01T05Z", instantStamp, "2012-01-01T05:00:00"},
		{"2012-01-01T05:00:00.5z", instantStamp, "2012-01-01T05:00:00"},
		{"2012-01-01T05:00+05:30", instantStamp, "2011-12-31T23:30:00"},
		{"2012-01-01T05:00:00-05:00", instantStamp, "2012-01-01T10:00:00"},
	} {
		got, ok := parseStamp(tc.text)
		want, err := time.Parse("2006-01-02T15:04:05", tc.want)
		if err != nil {
			t.Fatal(err)
		}
		if !ok || got != (stamp{tc.form, want.Unix()}) {
			t.Errorf("parseStamp(%q) = %v, %t, want form %d, %s", tc.text, got, ok, tc.form, tc.want)
		}
	}
	for _, text := range []string{
		"", "-", "12 ", "1.0", "1e9", "2012-", "2012-1", "2012-13", "2012-00", "2012-01-", "2012-01-1", "2012-01-00", "2012-02-30", "2011-02-29",
		"2012-01-01T", "2012-01-01T5", "2012-01-01T24", "2012-01-01T05:", "2012-01-01T05:60", "2012-01-01T05:00:60", "2012-01-01T05:00:00.",
		"2012-01-01Z", "2012-01Z", "2012-01-01T05:00+5", "2012-01-01T05:00+0500", "2012-01-01T05:00+24:00", "2012-01-01T05:00 Z", "2012-01-01T05:00Z ",
		"20120-01-01", "01/02/2012", "2012/01/02", "2012-01-01x05",
	} {
		if got, ok := parseStamp(text); ok {
			t.Errorf("parseStamp(%q) = %v, want none", text, got)
		}
	}
}
