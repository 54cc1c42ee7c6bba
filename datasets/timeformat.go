package datasets

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A timePart is what a piece of a time's text tells.
type timePart int

const (
	literalPart  timePart = iota // nothing: the text itself; a blank stands for one or more
	yearPart                     // four digits, or two for 1969 to 2068
	monthPart                    // number
	nameOfMonth                  // English, in upper or lower case
	dayPart                      // of the month
	hourPart                     // 0 to 23
	hour12Part                   // 1 to 12
	minutePart                   //
	secondPart                   //
	fractionPart                 // of a second, any number of digits
	halfPart                     // AM or PM
	offsetPart                   // from UTC: Z, +hh, +hhmm or +hh:mm
	numParts
)

func (p timePart) String() string {
	return [numParts]string{"text", "a year", "a month", "a month", "a day", "an hour", "an hour", "minutes", "seconds", "a fraction", "AM or PM", "an offset"}[p]
}

// A timeOp reads a piece of a text.
type timeOp struct {
	part    timePart
	literal byte
	width   int8 // digits; 0 for one or two of them
	// tail is the number of digits of the pieces that follow without anything
	// between, if width is 0: they tell where this piece ends.
	tail int8
	full bool // nameOfMonth in full, not its first three letters
}

// A timeFormat reads times written by one layout.
type timeFormat struct {
	ops []timeOp // nil for ISO 8601
	// form is what a text of this layout tells.
	form stampForm
}

// layoutToken is a piece of a layout and what it stands for.
type layoutToken struct {
	text string
	op   timeOp
}

// layoutTokens are the tokens of layouts such as YYYY-MM-DD. Where one token
// begins with another, it is before it.
var layoutTokens = []layoutToken{
	{"YYYY", timeOp{part: yearPart, width: 4}},
	{"YY", timeOp{part: yearPart, width: 2}},
	{"MMMM", timeOp{part: nameOfMonth, full: true}},
	{"MMM", timeOp{part: nameOfMonth}},
	{"MM", timeOp{part: monthPart, width: 2}},
	{"M", timeOp{part: monthPart}},
	{"DD", timeOp{part: dayPart, width: 2}},
	{"D", timeOp{part: dayPart}},
	{"HH", timeOp{part: hourPart, width: 2}},
	{"H", timeOp{part: hourPart}},
	{"hh", timeOp{part: hour12Part, width: 2}},
	{"h", timeOp{part: hour12Part}},
	{"mm", timeOp{part: minutePart, width: 2}},
	{"m", timeOp{part: minutePart}},
	{"ss", timeOp{part: secondPart, width: 2}},
	{"s", timeOp{part: secondPart}},
	{"A", timeOp{part: halfPart}},
	{"a", timeOp{part: halfPart}},
	{"Z", timeOp{part: offsetPart}},
}

// goTokens are those of package time.
var goTokens = []layoutToken{
	{"2006", timeOp{part: yearPart, width: 4}},
	{"January", timeOp{part: nameOfMonth, full: true}},
	{"Jan", timeOp{part: nameOfMonth}},
	{"01", timeOp{part: monthPart, width: 2}},
	{"02", timeOp{part: dayPart, width: 2}},
	{"03", timeOp{part: hour12Part, width: 2}},
	{"04", timeOp{part: minutePart, width: 2}},
	{"05", timeOp{part: secondPart, width: 2}},
	{"15", timeOp{part: hourPart, width: 2}},
	{"1", timeOp{part: monthPart}},
	{"2", timeOp{part: dayPart}},
	{"3", timeOp{part: hour12Part}},
	{"4", timeOp{part: minutePart}},
	{"5", timeOp{part: secondPart}},
	{"PM", timeOp{part: halfPart}},
	{"pm", timeOp{part: halfPart}},
	{"Z07:00", timeOp{part: offsetPart}},
	{"Z0700", timeOp{part: offsetPart}},
	{"-07:00", timeOp{part: offsetPart}},
	{"-0700", timeOp{part: offsetPart}},
}

// strptimeTokens are those of C, by the letter after the per cent sign.
var strptimeTokens = map[byte]string{
	'Y': "YYYY", 'y': "YY", 'm': "M", 'b': "MMM", 'h': "MMM", 'B': "MMMM", 'd': "D", 'e': "D",
	'H': "H", 'k': "H", 'I': "h", 'l': "h", 'M': "m", 'S': "s", 'f': "S", 'p': "A", 'z': "Z",
	'T': "H:m:s", 'R': "H:m", 'D': "M/D/YY", 'F': "YYYY-M-D", '%': "[%]", 'n': " ", 't': " ",
}

// parseTimeFormat compiles a layout as [TimeSpec] describes it. The empty
// layout is ISO 8601 as [parseStamp] reads it, without epoch seconds.
func parseTimeFormat(layout string) (*timeFormat, error) {
	if layout == "" {
		return &timeFormat{}, nil
	}
	var ops []timeOp
	var err error
	goLayout, strptime := strings.Contains(layout, "2006"), strings.Contains(layout, "%")
	switch {
	case goLayout && strptime:
		err = errors.New("it mixes the styles of Go and strptime; write it like YYYY-MM-DD HH:mm:ss")
	case goLayout:
		ops, err = goOps(layout)
	case strptime:
		ops, err = strptimeOps(layout)
	default:
		ops, err = layoutOps(layout)
	}
	if err == nil {
		err = linkOps(ops)
	}
	var form stampForm
	if err == nil {
		form, err = formOf(ops)
	}
	if err != nil {
		return nil, fmt.Errorf("time format %q: %w", layout, err)
	}
	return &timeFormat{ops, form}, nil
}

// literalOps are those that read text itself.
func literalOps(ops []timeOp, text string) []timeOp {
	for i := range len(text) {
		ops = append(ops, timeOp{literal: text[i]})
	}
	return ops
}

// layoutOps compiles a layout such as YYYY-MM-DD.
func layoutOps(layout string) ([]timeOp, error) {
	var ops []timeOp
	for rest := layout; rest != ""; {
		if i := slices.IndexFunc(layoutTokens, func(t layoutToken) bool { return strings.HasPrefix(rest, t.text) }); i >= 0 {
			ops = append(ops, layoutTokens[i].op)
			rest = rest[len(layoutTokens[i].text):]
			continue
		}
		switch c := rest[0]; {
		case c == 'S':
			ops = append(ops, timeOp{part: fractionPart})
			rest = strings.TrimLeft(rest, "S")
		case c == '[':
			text, after, closed := strings.Cut(rest[1:], "]")
			if !closed {
				return nil, errors.New("the bracket is not closed; literal text is written like [text]")
			}
			ops = literalOps(ops, text)
			rest = after
		case c == 'T' || !isLetter(c) && (c < '0' || c > '9'):
			ops = literalOps(ops, rest[:1])
			rest = rest[1:]
		default:
			word := rest[:len(rest)-len(strings.TrimLeft(rest, rest[:1]))]
			return nil, fmt.Errorf("unknown token %q; %s", word, tokenHint(word))
		}
	}
	return ops, nil
}

// tokenHint says what a word of a layout should have been.
func tokenHint(word string) string {
	switch word[0] {
	case 'y', 'Y':
		return "a year is YYYY or YY"
	case 'd':
		return "a day of the month is DD or D, and names of week days are not read"
	}
	return "the tokens are YYYY YY MM M MMM MMMM DD D HH H hh h mm m ss s S A Z, and literal text is written like [text]"
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// goOps compiles a layout of package time.
func goOps(layout string) ([]timeOp, error) {
	var ops []timeOp
	for rest := layout; rest != ""; {
		if i := slices.IndexFunc(goTokens, func(t layoutToken) bool { return strings.HasPrefix(rest, t.text) }); i >= 0 {
			ops = append(ops, goTokens[i].op)
			rest = rest[len(goTokens[i].text):]
			continue
		}
		c := rest[0]
		after := strings.TrimLeft(rest[1:], "09")
		switch {
		case (c == '.' || c == ',') && len(after) < len(rest)-1 && len(ops) > 0 && ops[len(ops)-1].part == secondPart:
			ops = append(literalOps(ops, rest[:1]), timeOp{part: fractionPart})
			rest = after
		case c == '_' && strings.HasPrefix(rest, "_2"):
			// A blank before it stands for any number of them.
			if len(ops) == 0 || ops[len(ops)-1] != (timeOp{literal: ' '}) {
				return nil, errors.New("_2 needs a blank before it; write it like YYYY-MM-DD HH:mm:ss")
			}
			ops = append(ops, timeOp{part: dayPart})
			rest = rest[2:]
		case c == 'T' || !isLetter(c) && (c < '0' || c > '9'):
			ops = literalOps(ops, rest[:1])
			rest = rest[1:]
		default:
			return nil, fmt.Errorf("%q is no part of a Go layout that can be read here; write it like YYYY-MM-DD HH:mm:ss", rest)
		}
	}
	return ops, nil
}

// strptimeOps compiles a layout of strptime.
func strptimeOps(layout string) ([]timeOp, error) {
	var ops []timeOp
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' {
			ops = literalOps(ops, layout[i:i+1])
			continue
		}
		i++
		if i == len(layout) {
			return nil, errors.New("it ends with a per cent sign; write %% for the sign itself")
		}
		equivalent, ok := strptimeTokens[layout[i]]
		if !ok {
			return nil, fmt.Errorf("%%%c cannot be read here; write it like YYYY-MM-DD HH:mm:ss", layout[i])
		}
		more, err := layoutOps(equivalent)
		if err != nil {
			return nil, err
		}
		ops = append(ops, more...)
	}
	// A number beside another one has two digits, as it mostly has in %Y%m%d.
	for i := range ops {
		beside := i > 0 && ops[i-1].isNumber() || i+1 < len(ops) && ops[i+1].isNumber()
		if ops[i].isNumber() && ops[i].width == 0 && beside {
			ops[i].width = 2
		}
	}
	return ops, nil
}

// linkOps lets a number of one or two digits end where the numbers that
// follow without anything between begin.
func linkOps(ops []timeOp) error {
	for i := range ops {
		op := &ops[i]
		if !op.isNumber() || op.width > 0 {
			continue
		}
		for _, next := range ops[i+1:] {
			if !next.isNumber() && next.part != fractionPart && !isDigit(next) {
				break
			}
			if next.isNumber() && next.width > 0 {
				op.tail += next.width
				continue
			}
			return fmt.Errorf("nothing tells where %v ends and %v begins; use tokens of two digits such as MM", op.part, next.part)
		}
	}
	return nil
}

// isNumber reports whether op reads a number of known width or of one or two
// digits.
func (op timeOp) isNumber() bool {
	switch op.part {
	case yearPart, monthPart, dayPart, hourPart, hour12Part, minutePart, secondPart:
		return true
	}
	return false
}

// isDigit reports whether op reads a literal digit.
func isDigit(op timeOp) bool {
	return op.part == literalPart && '0' <= op.literal && op.literal <= '9'
}

// formOf returns what a text tells of which ops read the pieces, or why they
// make no time.
func formOf(ops []timeOp) (stampForm, error) {
	var has [numParts]bool
	for _, op := range ops {
		p := op.part
		if p == nameOfMonth {
			p = monthPart
		}
		switch {
		case p == literalPart:
			continue
		case has[p] && p == monthPart:
			return 0, errors.New("it has a month twice; minutes are mm")
		case has[p] && p == minutePart:
			return 0, errors.New("it has minutes twice; a month is MM")
		case has[p]:
			return 0, fmt.Errorf("it has %v twice", p)
		}
		has[p] = true
	}
	hour := has[hourPart] || has[hour12Part]
	switch {
	case !has[yearPart]:
		return 0, errors.New("it has no year, which is YYYY or YY")
	case has[dayPart] && !has[monthPart] && has[minutePart] && !hour:
		return 0, errors.New("it has minutes but no hour; a month is MM")
	case has[dayPart] && !has[monthPart]:
		return 0, errors.New("it has a day but no month, which is MM")
	case hour && !has[dayPart]:
		return 0, errors.New("it has an hour but no day, which is DD")
	case has[hourPart] && has[hour12Part]:
		return 0, errors.New("it has the hour twice, as HH and as hh")
	case has[hour12Part] != has[halfPart]:
		return 0, errors.New("hh and A (AM or PM) need each other; an hour of 0 to 23 is HH")
	case has[minutePart] && !hour:
		return 0, errors.New("it has minutes but no hour; a month is MM")
	case has[secondPart] && !has[minutePart]:
		return 0, errors.New("it has seconds but no minutes, which are mm")
	case has[fractionPart] && !has[secondPart]:
		return 0, errors.New("it has a fraction (S) but no seconds, which are ss")
	case has[offsetPart] && !hour:
		return 0, errors.New("it has an offset (Z) but no hour; a literal Z is written [Z]")
	case has[offsetPart]:
		return instantStamp, nil
	case hour:
		return wallStamp, nil
	}
	return dateStamp, nil
}

// parse reads a time. Blanks around it do not matter.
func (f *timeFormat) parse(text []byte) (s stamp, ok bool) {
	text = trimBlanks(text)
	if f.ops == nil {
		s, ok = parseStamp(string(text))
		return s, ok && s.form != epochStamp
	}
	v := timeValues{monthPart: 1, dayPart: 1}
	for i := range f.ops {
		op := &f.ops[i]
		switch op.part {
		case literalPart:
			if len(text) == 0 || text[0] != op.literal {
				return stamp{}, false
			}
			text = text[1:]
			for op.literal == ' ' && len(text) > 0 && text[0] == ' ' {
				text = text[1:]
			}
		case nameOfMonth, fractionPart, halfPart, offsetPart:
			if text, ok = v.word(text, op); !ok {
				return stamp{}, false
			}
		default:
			width := int(op.width)
			if width == 0 {
				width = op.digitsOf(text)
			}
			if width <= 0 || len(text) < width {
				return stamp{}, false
			}
			n := 0
			for _, c := range text[:width] {
				if c -= '0'; c > 9 {
					return stamp{}, false
				}
				n = 10*n + int(c)
			}
			if op.part == yearPart && width == 2 {
				n += 1900
				if n < 1969 {
					n += 100
				}
			}
			text = text[width:]
			v[op.part] = n
		}
	}
	if len(text) > 0 {
		return stamp{}, false
	}
	seconds, ok := v.seconds()
	return stamp{f.form, seconds}, ok
}

// digitsOf returns how many digits of text are the number of op, which has
// one or two.
func (op *timeOp) digitsOf(text []byte) int {
	limit := int(op.tail) + 2
	n := 0
	for n < len(text) && n < limit && text[n]-'0' <= 9 {
		n++
	}
	return n - int(op.tail)
}

// timeValues are the numbers of a text, by what they tell: halfPart is 1 for
// AM and 2 for PM, offsetPart is in seconds east of Greenwich.
type timeValues [numParts]int

// word reads what op stands for at the start of text, which is not a number
// of known width, and returns what follows it.
func (v *timeValues) word(text []byte, op *timeOp) (rest []byte, ok bool) {
	switch op.part {
	case nameOfMonth:
		for m := time.January; m <= time.December; m++ {
			name := m.String()
			if !op.full {
				name = name[:3]
			}
			if len(text) >= len(name) && strings.EqualFold(string(text[:len(name)]), name) {
				v[monthPart] = int(m)
				return text[len(name):], true
			}
		}
		return nil, false
	case fractionPart:
		n := 0
		for n < len(text) && text[n]-'0' <= 9 {
			n++
		}
		return text[n:], n > 0
	case halfPart:
		if len(text) < 2 || text[1]|0x20 != 'm' {
			return nil, false
		}
		switch text[0] | 0x20 {
		case 'a':
			v[halfPart] = 1
		case 'p':
			v[halfPart] = 2
		}
		return text[2:], v[halfPart] > 0
	}
	return v.zone(text)
}

// zone reads Z, +hh, +hhmm or +hh:mm.
func (v *timeValues) zone(text []byte) (rest []byte, ok bool) {
	c := cursor{rest: string(text)}
	if !c.accept("Zz") {
		sign := 1
		if c.accept("-") {
			sign = -1
		} else {
			c.expect("+")
		}
		hours, minutes := c.number(2), 0
		if colon := c.accept(":"); colon || c.rest != "" && isInteger(c.rest[:1]) {
			minutes = c.number(2)
		}
		if hours > 23 || minutes > 59 {
			return nil, false
		}
		v[offsetPart] = sign * (hours*hourSeconds + minutes*60)
	}
	return text[len(text)-len(c.rest):], !c.bad
}

// seconds returns the wall time or the instant that v tells. ok is false if
// there is none, such as February 30.
func (v *timeValues) seconds() (seconds int64, ok bool) {
	hour, minute, second := v[hourPart], v[minutePart], v[secondPart]
	if half := v[halfPart]; half > 0 {
		if hour = v[hour12Part]; hour < 1 || hour > 12 {
			return 0, false
		}
		hour = hour%12 + 12*(half-1)
	}
	year, month, day := v[yearPart], v[monthPart], v[dayPart]
	if hour > 23 || minute > 59 || second > 59 || month < 1 || month > 12 || day < 1 || day > daysOfMonth(year, month) {
		return 0, false
	}
	return civilDay(year, month, day)*daySeconds + int64(hour*hourSeconds+minute*60+second-v[offsetPart]), true
}

// daysOfMonth returns the number of days of a month.
func daysOfMonth(year, month int) int {
	if month == 2 {
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 30 + (month+month>>3)&1 // July and August are both long
}

// civilDay returns the number of days from 1970-01-01 to a date of a year
// from 0 on. Counting years from March puts the leap day at their end, where
// it moves no other day.
func civilDay(year, month, day int) int64 {
	month -= 3
	if month < 0 {
		month += 12
		year--
	}
	// From March on, the months of five have 31, 30, 31, 30, 31 days: 153.
	dayOfYear := (153*month+2)/5 + day - 1
	cycle := year + 400 // of 400 years, so that no quotient is negative
	days := 365*cycle + cycle/4 - cycle/100 + cycle/400 + dayOfYear
	const epoch = 719468 + 146097 // days from March 1 of year -400 to 1970-01-01
	return int64(days - epoch)
}

// continents are the first parts of most names of time zones.
var continents = []string{"America", "Europe", "Asia", "Africa", "Australia", "Pacific", "Atlantic", "Indian", "America/Argentina", "America/Indiana"}

// parseZone returns the time zone of an IANA name such as America/New_York,
// or of a fixed offset such as UTC, UTC-5 or UTC+05:30.
func parseZone(name string) (*time.Location, error) {
	if offset, ok := strings.CutPrefix(name, "UTC"); ok {
		if offset == "" {
			return time.UTC, nil
		}
		seconds, ok := parseOffset(offset)
		if !ok {
			return nil, fmt.Errorf("unknown time zone %q; an offset is written UTC-5 or UTC+05:30, from UTC-12 to UTC+14", name)
		}
		return time.FixedZone(name, seconds), nil
	}
	if _, ok := parseOffset(name); ok {
		return nil, fmt.Errorf("unknown time zone %q; did you mean UTC%s?", name, name)
	}
	// These differ from machine to machine.
	if name == "" || name == "Local" || name == "localtime" || name == "posixrules" {
		return nil, fmt.Errorf("unknown time zone %q; name a place, such as America/New_York, or UTC", name)
	}
	if zone, err := time.LoadLocation(name); err == nil {
		return zone, nil
	}
	city := strings.ReplaceAll(strings.TrimSpace(name), " ", "_")
	for _, guess := range append([]string{city}, continents...) {
		if guess != city {
			guess += "/" + city
		}
		if _, err := time.LoadLocation(guess); err == nil {
			return nil, fmt.Errorf("unknown time zone %q; did you mean %s?", name, guess)
		}
	}
	return nil, fmt.Errorf("unknown time zone %q; use a name of the IANA database, such as America/New_York or Europe/Paris, or an offset such as UTC-5", name)
}

// parseOffset reads -5, +05, +0530 or +05:30, in seconds.
func parseOffset(text string) (seconds int, ok bool) {
	if len(text) == 2 {
		text = text[:1] + "0" + text[1:]
	}
	if len(text) < 3 || text[0] != '+' && text[0] != '-' {
		return 0, false
	}
	var v timeValues
	rest, ok := v.zone([]byte(text))
	seconds = v[offsetPart]
	return seconds, ok && len(rest) == 0 && -12*hourSeconds <= seconds && seconds <= 14*hourSeconds
}

// A wallRun is a stretch of wall times, begin <= w < end, that a zone shows
// once each, at the instants w - offset.
type wallRun struct {
	begin, end, offset int64
}

// maxWallRuns is more than the clock changes of a century.
const maxWallRuns = 256

// A clock turns the wall times of a zone into instants, and counts those that
// the zone shows twice or never. It is for one goroutine, and fastest where
// successive times are near each other.
type clock struct {
	Ambiguous int64 // wall times shown twice; the earlier instant is taken
	Skipped   int64 // wall times never shown; moved forward by the gap

	current wallRun
	runs    []wallRun // met so far, ascending and disjoint
	wall    wallClock
}

// newClock returns the clock of a zone.
func newClock(zone *time.Location) *clock {
	return &clock{wall: wallClock{zone: zone}}
}

// toUTC returns the instant of a wall time.
func (c *clock) toUTC(wall int64) (utc int64) {
	if c.current.begin <= wall && wall < c.current.end {
		return wall - c.current.offset
	}
	return c.find(wall)
}

// find is toUTC for a wall time out of the current run.
func (c *clock) find(wall int64) (utc int64) {
	if wall < -maxWall || wall > maxWall {
		return wall
	}
	i, found := slices.BinarySearchFunc(c.runs, wall, func(r wallRun, w int64) int {
		switch {
		case r.end <= w:
			return -1
		case r.begin > w:
			return 1
		}
		return 0
	})
	if found {
		c.current = c.runs[i]
		return wall - c.current.offset
	}
	first, last, exists := c.wall.instants(wall)
	switch {
	case !exists:
		c.Skipped++
	case first != last:
		c.Ambiguous++
	default:
		c.current = wallRunAt(first, c.wall.zone)
		if len(c.runs) < maxWallRuns {
			c.runs = slices.Insert(c.runs, i, c.current)
		}
	}
	return first
}

// wallRunAt returns the longest wallRun of the offsetRun that holds the
// instant u, which shows a wall time that no other instant shows.
func wallRunAt(u int64, zone *time.Location) wallRun {
	run := offsetRunAt(u, zone)
	wall := wallRun{-maxWall, maxWall, run.offset}
	for at := run; at.begin > -maxWall && at.begin > run.begin-2*maxOffset; {
		if at.begin == run.begin {
			wall.begin = run.begin + run.offset
		}
		at = offsetRunAt(at.begin-1, zone)
		wall.begin = max(wall.begin, at.end+at.offset)
	}
	for at := run; at.end < maxWall && at.end < run.end+2*maxOffset; {
		if at.end == run.end {
			wall.end = run.end + run.offset
		}
		at = offsetRunAt(at.end, zone)
		wall.end = min(wall.end, at.begin+at.offset)
	}
	return wall
}

// maxWall is beyond the wall times that belong on an axis, some 35,000 years
// around 1970. Those further away are taken as UTC, so that nothing overflows.
const maxWall = 1 << 40
