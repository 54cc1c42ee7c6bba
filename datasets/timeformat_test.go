package datasets

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTimeFormat(t *testing.T) {
	for _, tc := range []struct {
		layout, text string
		want         string // the time, with an offset if it is an instant; or bad
	}{
		{"MM/DD/YYYY", "01/31/2015", "2015-01-31"},
		{"MM/DD/YYYY", " 01/31/2015 ", "2015-01-31"},
		{"MM/DD/YYYY", "1/31/2015", "bad"},
		{"MM/DD/YYYY", "13/31/2015", "bad"},
		{"MM/DD/YYYY", "00/31/2015", "bad"},
		{"MM/DD/YYYY", "02/29/2015", "bad"},
		{"MM/DD/YYYY", "02/29/2016", "2016-02-29"},
		{"MM/DD/YYYY", "02/29/1900", "bad"},
		{"MM/DD/YYYY", "02/29/2000", "2000-02-29"},
		{"MM/DD/YYYY", "04/31/2015", "bad"},
		{"MM/DD/YYYY", "01/00/2015", "bad"},
		{"MM/DD/YYYY", "01/31/2015x", "bad"},
		{"MM/DD/YYYY", "01/31/201", "bad"},
		{"MM/DD/YYYY", "", "bad"},
		{"M/D/YYYY H:mm", "6/9/2015 9:00", "2015-06-09T09:00:00"},
		{"M/D/YYYY H:mm", "12/19/2015 10:59", "2015-12-19T10:59:00"},
		{"M/D/YYYY H:mm", "1/1/2015  0:07", "2015-01-01T00:07:00"},
		{"M/D/YYYY H:mm", "1/1/2015 24:00", "bad"},
		{"M/D/YYYY H:mm", "1/1/2015 1:60", "bad"},
		{"M/D/YYYY H:mm", "123/1/2015 1:00", "bad"},
		{"M/D/YYYY H:mm", "/1/2015 1:00", "bad"},
		{"M/D/YYYY H:mm", "001/1/2015 1:00", "bad"},
		{"MDDYYYY", "1012014", "2014-01-01"},
		{"MDDYYYY", "10012014", "2014-10-01"},
		{"MDDYYYY", "12014", "bad"},
		{"MDDYYYY", "110012014", "bad"},
		{"MDDYYYY Hmm", "9302016 959", "2016-09-30T09:59:00"},
		{"MDDYYYY Hmm", "9302016 2359", "2016-09-30T23:59:00"},
		{"MDDYYYY Hmm", "9302016 9", "bad"},
		{"YYYYMMDD", "20150131", "2015-01-31"},
		{"YYYY-MM-DD HH:mm:ss.SSS", "2015-01-31 23:59:59.999", "2015-01-31T23:59:59"},
		{"YYYY-MM-DD HH:mm:ss.SSS", "2015-01-31 23:59:59.9", "2015-01-31T23:59:59"},
		{"YYYY-MM-DD HH:mm:ss.SSS", "2015-01-31 23:59:59.", "bad"},
		{"YYYY-MM-DD HH:mm:ss", "2015-01-31 23:59:60", "bad"},
		{"YYYY-MM-DDTHH:mm:ssZ", "2015-01-31T06:00:00Z", "2015-01-31T06:00:00Z"},
		{"YYYY-MM-DDTHH:mm:ssZ", "2015-01-31T06:00:00-05:00", "2015-01-31T11:00:00Z"},
		{"YYYY-MM-DDTHH:mm:ssZ", "2015-01-31T06:00:00+0530", "2015-01-31T00:30:00Z"},
		{"YYYY-MM-DDTHH:mm:ssZ", "2015-01-31T06:00:00+01", "2015-01-31T05:00:00Z"},
		{"YYYY-MM-DDTHH:mm:ssZ", "2015-01-31T06:00:00", "bad"},
		{"YYYY-MM-DDTHH:mm:ssZ", "2015-01-31T06:00:00+25:00", "bad"},
		{"YYYY-MM-DDTHH:mm:ss[Z]", "2015-01-31T06:00:00Z", "2015-01-31T06:00:00"},
		{"DD-MMM-YY", "31-Jan-15", "2015-01-31"},
		{"DD-MMM-YY", "31-JAN-69", "1969-01-31"},
		{"DD-MMM-YY", "31-jan-68", "2068-01-31"},
		{"DD-MMM-YY", "31-Jam-15", "bad"},
		{"MMMM D, YYYY", "September 3, 2015", "2015-09-03"},
		{"MMMM D, YYYY", "Sep 3, 2015", "bad"},
		{"MMM YYYY", "May 2015", "2015-05-01"},
		{"YYYY", "2015", "2015-01-01"},
		{"YYYY/MM", "2015/02", "2015-02-01"},
		{"MM/DD/YYYY hh:mm A", "01/31/2015 12:00 AM", "2015-01-31T00:00:00"},
		{"MM/DD/YYYY hh:mm A", "01/31/2015 12:00 pm", "2015-01-31T12:00:00"},
		{"MM/DD/YYYY hh:mm A", "01/31/2015 11:59 PM", "2015-01-31T23:59:00"},
		{"MM/DD/YYYY hh:mm A", "01/31/2015 13:00 PM", "bad"},
		{"MM/DD/YYYY hh:mm A", "01/31/2015 00:00 AM", "bad"},
		{"MM/DD/YYYY hh:mm A", "01/31/2015 01:00", "bad"},
		{"MM/DD/YYYY hh:mm A", "01/31/2015 01:00 xM", "bad"},
		{"[day] D [of] M.YYYY", "day 3 of 2.2015", "2015-02-03"},
		{"YYYY [№]MM", "2015 №02", "2015-02-01"},
		{"2006-01-02", "2015-01-31", "2015-01-31"},
		{"1/2/2006 15:04", "6/9/2015 09:00", "2015-06-09T09:00:00"},
		{"01/02/2006 03:04:05 PM", "01/31/2015 11:59:01 PM", "2015-01-31T23:59:01"},
		{"2006-01-02T15:04:05.000Z07:00", "2015-01-31T06:00:00.123-05:00", "2015-01-31T11:00:00Z"},
		{"2 January 2006", "3 September 2015", "2015-09-03"},
		{"Jan _2 2006", "Jan  3 2015", "2015-01-03"},
		{"Jan _2 2006", "Jan 13 2015", "2015-01-13"},
		{"%m/%d/%Y", "01/31/2015", "2015-01-31"},
		{"%m/%d/%Y", "1/31/2015", "2015-01-31"},
		{"%Y%m%d", "20150131", "2015-01-31"},
		{"%Y%m%d%H%M", "201501312359", "2015-01-31T23:59:00"},
		{"%d-%b-%y", "31-Jan-15", "2015-01-31"},
		{"%Y-%m-%dT%H:%M:%S.%f%z", "2015-01-31T06:00:00.5+0100", "2015-01-31T05:00:00Z"},
		{"%F %T", "2015-01-31 06:00:01", "2015-01-31T06:00:01"},
		{"%I:%M %p, %D", "11:00 AM, 1/31/15", "2015-01-31T11:00:00"},
		{"%%%Y", "%2015", "2015-01-01"},
		{"", "2015-01-31", "2015-01-31"},
		{"", " 2015-01-31T06:00 ", "2015-01-31T06:00:00"},
		{"", "2015-01-31 06:00:00.5-05:00", "2015-01-31T11:00:00Z"},
		{"", "20150131", "bad"},
		{"", "2015-02-30", "bad"},
	} {
		f, err := parseTimeFormat(tc.layout)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := stampText(f.parse([]byte(tc.text))); got != tc.want {
			t.Errorf("%q parses %q as %s, want %s", tc.layout, tc.text, got, tc.want)
		}
	}
}

func stampText(s stamp, ok bool) string {
	if !ok {
		return "bad"
	}
	at := time.Unix(s.seconds, 0).UTC()
	switch s.form {
	case dateStamp:
		if s.seconds%daySeconds == 0 {
			return at.Format("2006-01-02")
		}
	case wallStamp:
		return at.Format("2006-01-02T15:04:05")
	case instantStamp:
		return at.Format("2006-01-02T15:04:05Z")
	}
	return fmt.Sprintf("form %d", s.form)
}

func TestTimeFormatErrors(t *testing.T) {
	for _, tc := range []struct{ layout, want string }{
		{"yyyy-MM-dd", "a year is YYYY"},
		{"YYYY-MM-dd", "a day of the month is DD"},
		{"YYYYY-MM", "unknown token"},
		{"mm/DD/YYYY", "a month is MM"},
		{"MM/DD/YYYY HH:MM", "minutes are mm"},
		{"mm/DD/YYYY HH:mm", "minutes twice; a month is MM"},
		{"MM/DD", "no year"},
		{"DD YYYY", "no month"},
		{"YYYY-MM HH", "no day"},
		{"YYYY-MM-DD hh:mm", "AM or PM"},
		{"YYYY-MM-DD HH:mm A", "AM or PM"},
		{"YYYY-MM-DD HH hh A", "hour twice"},
		{"YYYY-MM-DD HH:ss", "no minutes"},
		{"YYYY-MM-DD HH:mm.S", "no seconds"},
		{"YYYY-MM-DDZ", "written [Z]"},
		{"YYYY YY", "a year twice"},
		{"MDYYYY", "where a month ends"},
		{"YYYY-M-D Hm", "where an hour ends"},
		{"YYYY-MM-DD HH:mm:sS", "where seconds ends"},
		{"YYYY-MM[", "not closed"},
		{"YYYY-MM-DD at HH", "unknown token"},
		{"YYYY-MM-01", "unknown token"},
		{"2006-01-02 Mon", "Go layout"},
		{"2006-01-02 MST", "Go layout"},
		{"2006-%m", "mixes"},
		{"%Y-%j", "%j cannot be read"},
		{"%Y%", "ends with a per cent sign"},
	} {
		if _, err := parseTimeFormat(tc.layout); err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), tc.layout) {
			t.Errorf("parseTimeFormat(%q): %v, want an error with %q", tc.layout, err, tc.want)
		}
	}
}

func TestCivilDay(t *testing.T) {
	for year := 0; year <= 2500; year++ {
		for month := 1; month <= 12; month++ {
			last := time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC)
			if got := daysOfMonth(year, month); got != last.Day() {
				t.Fatalf("daysOfMonth(%d, %d) = %d, want %d", year, month, got, last.Day())
			}
			if got, want := civilDay(year, month, last.Day()), last.Unix()/daySeconds; got != want {
				t.Fatalf("civilDay(%d, %d, %d) = %d, want %d", year, month, last.Day(), got, want)
			}
		}
	}
}

// TestTimeFormatAgrees writes times with package time in layouts of three
// styles, which all read the same.
func TestTimeFormatAgrees(t *testing.T) {
	layouts := []struct{ goLayout, tokens, strptime string }{
		{"2006-01-02 15:04:05", "YYYY-MM-DD HH:mm:ss", "%Y-%m-%d %H:%M:%S"},
		{"1/2/2006 3:04 PM", "M/D/YYYY h:mm A", "%m/%d/%Y %I:%M %p"},
		{"02-Jan-2006 15:04:05.000", "DD-MMM-YYYY HH:mm:ss.SSS", "%d-%b-%Y %H:%M:%S.%f"},
		{"January 2, 2006", "MMMM D, YYYY", "%B %d, %Y"},
		{"20060102", "YYYYMMDD", "%Y%m%d"},
		{"2006-01-02T15:04:05Z07:00", "YYYY-MM-DDTHH:mm:ssZ", "%Y-%m-%dT%H:%M:%S%z"},
	}
	rapid.Check(t, func(t *rapid.T) {
		zone := time.FixedZone("", 900*rapid.IntRange(-48, 56).Draw(t, "quarters"))
		at := time.Unix(rapid.Int64Range(-62135596800+daySeconds, 253402300799-daySeconds).Draw(t, "seconds"), 0).In(zone)
		l := rapid.SampledFrom(layouts).Draw(t, "layout")
		text := at.Format(l.goLayout)
		reread, err := time.Parse(l.goLayout, text)
		if err != nil {
			t.Fatal(err)
		}
		for _, layout := range []string{l.goLayout, l.tokens, l.strptime} {
			f, err := parseTimeFormat(layout)
			if err != nil {
				t.Fatal(err)
			}
			if s, ok := f.parse([]byte(text)); !ok || s.seconds != reread.Unix() {
				t.Fatalf("%q parses %q as %v, %v, want %d", layout, text, s, ok, reread.Unix())
			}
		}
	})
}

// FuzzTimeFormat wants no panic, and times that are those of package time.
func FuzzTimeFormat(f *testing.F) {
	for _, layout := range []string{"", "MM/DD/YYYY", "MDDYYYY Hmm", "YYYY-MM-DDTHH:mm:ss.SSSZ", "DD-MMM-YY", "hh:mm A [x] YYYY-MM-DD", "2006-01-02", "%m/%d/%Y", "MMMM"} {
		f.Add(layout, "01/31/2015")
		f.Add(layout, "2015-01-31T06:00:00.5Z")
	}
	f.Fuzz(func(t *testing.T, layout, text string) {
		format, err := parseTimeFormat(layout)
		if err != nil {
			return
		}
		s, ok := format.parse([]byte(text))
		if !ok {
			return
		}
		if layout != "" && s.form != format.form || s.form == epochStamp || s.form == dateStamp && s.seconds%daySeconds != 0 {
			t.Errorf("%q parses %q as %+v", layout, text, s)
		}
		if year := time.Unix(s.seconds, 0).UTC().Year(); year < -1 || year > 10000 {
			t.Errorf("%q parses %q as year %d", layout, text, year)
		}
	})
}

func TestParseZone(t *testing.T) {
	for _, tc := range []struct {
		name   string
		offset int // seconds, in January 2015
	}{
		{"UTC", 0}, {"UTC-5", -5 * 3600}, {"UTC-05", -5 * 3600}, {"UTC+05:30", 19800}, {"UTC+0530", 19800}, {"UTC+14", 14 * 3600},
		{"America/New_York", -5 * 3600}, {"Europe/Paris", 3600},
	} {
		zone, err := parseZone(tc.name)
		if err != nil {
			t.Error(err)
			continue
		}
		if _, offset := time.Unix(1420100000, 0).In(zone).Zone(); offset != tc.offset || zone.String() != tc.name {
			t.Errorf("parseZone(%q) = %v with %d seconds, want %d", tc.name, zone, offset, tc.offset)
		}
	}
	for _, tc := range []struct{ name, want string }{
		{"", "name a place"}, {"Local", "name a place"}, {"localtime", "name a place"},
		{"New York", "did you mean America/New_York?"}, {"Buenos_Aires", "did you mean America/Buenos_Aires?"},
		{"-05:00", "did you mean UTC-05:00?"}, {"UTC+15", "from UTC-12 to UTC+14"}, {"UTC5", "UTC-5"}, {"UTC-5:3", "UTC-5"},
		{"Mars/Olympus", "IANA"}, {"../etc/passwd", "IANA"},
	} {
		if zone, err := parseZone(tc.name); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("parseZone(%q) = %v, %v, want an error with %q", tc.name, zone, err, tc.want)
		}
	}
}

func TestClock(t *testing.T) {
	zone, err := parseZone("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		wall, want         string
		ambiguous, skipped int64
	}{
		{"2015-01-31 12:00", "2015-01-31 17:00", 0, 0},
		{"2015-07-31 12:00", "2015-07-31 16:00", 0, 0},
		{"2015-03-08 01:59", "2015-03-08 06:59", 0, 0},
		{"2015-03-08 02:00", "2015-03-08 07:00", 0, 1},
		{"2015-03-08 02:30", "2015-03-08 07:30", 0, 1}, // as 3:30
		{"2015-03-08 03:00", "2015-03-08 07:00", 0, 0},
		{"2015-11-01 00:59", "2015-11-01 04:59", 0, 0},
		{"2015-11-01 01:00", "2015-11-01 05:00", 1, 0},
		{"2015-11-01 01:59", "2015-11-01 05:59", 1, 0},
		{"2015-11-01 02:00", "2015-11-01 07:00", 0, 0},
	} {
		c := newClock(zone)
		f, err := parseTimeFormat("YYYY-MM-DD HH:mm")
		if err != nil {
			t.Fatal(err)
		}
		wall, _ := f.parse([]byte(tc.wall))
		want, _ := f.parse([]byte(tc.want))
		if got := c.toUTC(wall.seconds); got != want.seconds || c.Ambiguous != tc.ambiguous || c.Skipped != tc.skipped {
			t.Errorf("%s is %s (%d ambiguous, %d skipped), want %s (%d, %d)", tc.wall, time.Unix(got, 0).UTC().Format("2006-01-02 15:04"), c.Ambiguous, c.Skipped, tc.want, tc.ambiguous, tc.skipped)
		}
	}
}

// TestClockAgrees compares a clock with the instants of a wallClock, in any
// order of wall times.
func TestClockAgrees(t *testing.T) {
	zones := []string{"UTC", "UTC-5", "America/New_York", "America/Sao_Paulo", "Pacific/Apia", "Australia/Lord_Howe", "Antarctica/Troll", "Asia/Kolkata", "Africa/Casablanca", "Asia/Manila", "America/Juneau"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := parseZone(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		c := newClock(zone)
		var ambiguous, skipped int64
		change := offsetRunAt(rapid.Int64Range(-4e9, 4e9).Draw(t, "change"), zone).begin
		walls := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) int64 {
			switch rapid.IntRange(0, 9).Draw(t, "kind") {
			case 0:
				return rapid.Int64().Draw(t, "wall")
			case 1, 2, 3:
				return rapid.Int64Range(-4e9, 4e9).Draw(t, "wall")
			}
			return max(change, -4e9)/900*900 + 900*rapid.Int64Range(-120, 120).Draw(t, "quarters")
		}), 1, 100).Draw(t, "walls")
		for _, wall := range walls {
			want := wall
			if -maxWall <= wall && wall <= maxWall {
				fresh := wallClock{zone: zone}
				first, last, exists := fresh.instants(wall)
				want = first
				if !exists {
					skipped++
				} else if first != last {
					ambiguous++
				}
			}
			if got := c.toUTC(wall); got != want {
				t.Fatalf("%v: toUTC(%d) = %d, want %d", zone, wall, got, want)
			}
			if c.Ambiguous != ambiguous || c.Skipped != skipped {
				t.Fatalf("%v: %d ambiguous, %d skipped after %d, want %d, %d", zone, c.Ambiguous, c.Skipped, wall, ambiguous, skipped)
			}
		}
		for i := 1; i < len(c.runs); i++ {
			if c.runs[i-1].end > c.runs[i].begin {
				t.Fatalf("%v: runs overlap: %v", zone, c.runs)
			}
		}
	})
}

func TestClockManyRuns(t *testing.T) {
	zone, err := parseZone("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	c := newClock(zone)
	for year := 1900; year < 2400; year++ { // more changes than a clock keeps
		wall := time.Date(year, 7, 1, 0, 0, 0, 0, time.UTC).Unix()
		if got, want := c.toUTC(wall), time.Date(year, 7, 1, 0, 0, 0, 0, zone).Unix(); got != want {
			t.Fatalf("%d: toUTC = %d, want %d", year, got, want)
		}
	}
	if len(c.runs) > maxWallRuns {
		t.Errorf("%d runs kept", len(c.runs))
	}
	if got := c.toUTC(math.MinInt64); got != math.MinInt64 {
		t.Errorf("toUTC(MinInt64) = %d", got)
	}
}

func BenchmarkTimeFormat(b *testing.B) {
	for _, bc := range []struct{ layout, text string }{
		{"MM/DD/YYYY", "01/31/2015"},
		{"M/D/YYYY H:mm", "6/19/2015 9:00"},
		{"YYYY-MM-DD HH:mm:ss", "2015-01-31 23:59:59"},
		{"DD-MMM-YY", "31-Sep-15"},
		{"", "2015-01-31 23:59:59"},
	} {
		b.Run("layout="+bc.layout, func(b *testing.B) {
			f, err := parseTimeFormat(bc.layout)
			if err != nil {
				b.Fatal(err)
			}
			text := []byte(bc.text)
			b.ReportAllocs()
			for b.Loop() {
				f.parse(text)
			}
		})
	}
}

func BenchmarkClock(b *testing.B) {
	zone, err := parseZone("America/New_York")
	if err != nil {
		b.Fatal(err)
	}
	const n = 1 << 16
	first := time.Date(2012, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	inOrder, shuffled := make([]int64, n), make([]int64, n)
	for i := range inOrder {
		inOrder[i] = first + int64(i)*2400 // five years
		shuffled[i] = inOrder[i]
	}
	rand.New(rand.NewPCG(1, 0)).Shuffle(n, func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	for name, walls := range map[string][]int64{"in order": inOrder, "shuffled": shuffled} {
		b.Run(name, func(b *testing.B) {
			c := newClock(zone)
			var sum int64
			for b.Loop() {
				for _, wall := range walls {
					sum += c.toUTC(wall)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/value")
		})
	}
}
