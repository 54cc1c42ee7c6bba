package datasets

import (
	"strconv"
	"strings"
	"time"
)

// A stampForm says what the text of a time tells.
type stampForm int

const (
	epochStamp   stampForm = iota + 1 // seconds since 1970
	instantStamp                      // date and time of day with an offset from UTC
	wallStamp                         // date and time of day
	dateStamp                         // date or month: the whole of it, so its start is never ambiguous
)

// A stamp is a time as a file tells it: seconds is an instant for epochStamp
// and instantStamp, a wall time for the others.
type stamp struct {
	form    stampForm
	seconds int64
}

// parseStamp reads epoch seconds or ISO 8601: 2012-01, 2012-01-31,
// 2012-01-31T05, with minutes, seconds and a fraction of a second as wanted,
// with a blank for the T, with Z or an offset such as -05:00. The fraction is
// dropped. ok is false if text is none of these.
func parseStamp(text string) (s stamp, ok bool) {
	if isInteger(text) {
		// Too large a number comes back as the nearest int64, which no caller
		// takes for a time either.
		seconds, _ := strconv.ParseInt(text, 10, 64)
		return stamp{epochStamp, seconds}, true
	}
	c := cursor{rest: text}
	year := c.number(4)
	c.expect("-")
	month := c.number(2)
	day, form := 1, dateStamp
	var hour, minute, second, offset int
	if c.rest != "" {
		c.expect("-")
		day = c.number(2)
	}
	if c.rest != "" {
		form = wallStamp
		c.expect("Tt ")
		hour = c.number(2)
		if c.accept(":") {
			minute = c.number(2)
			if c.accept(":") {
				second = c.number(2)
				if c.accept(".") {
					c.digits()
				}
			}
		}
	}
	if form == wallStamp && c.rest != "" {
		form = instantStamp
		offset = c.offset()
	}
	if c.bad || c.rest != "" || hour > 23 || minute > 59 || second > 59 {
		return stamp{}, false
	}
	date := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if month < 1 || month > 12 || date.Day() != day {
		return stamp{}, false // February 30 and the like
	}
	return stamp{form, date.Unix() - int64(offset)}, true
}

// isInteger reports whether text is a sequence of digits, with or without a
// sign.
func isInteger(text string) bool {
	digits := text
	if text != "" && (text[0] == '-' || text[0] == '+') {
		digits = text[1:]
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return digits != ""
}

// A cursor reads a text from left to right. What does not fit sets bad, so
// that the caller asks once, at the end.
type cursor struct {
	rest string
	bad  bool
}

// number reads a number of exactly width digits.
func (c *cursor) number(width int) int {
	if len(c.rest) < width {
		c.bad = true
		return 0
	}
	n := 0
	for i := range width {
		d := c.rest[i]
		if d < '0' || d > '9' {
			c.bad = true
			return 0
		}
		n = 10*n + int(d-'0')
	}
	c.rest = c.rest[width:]
	return n
}

// accept reads one of chars if it is next.
func (c *cursor) accept(chars string) bool {
	if c.rest == "" || strings.IndexByte(chars, c.rest[0]) < 0 {
		return false
	}
	c.rest = c.rest[1:]
	return true
}

// expect reads one of chars.
func (c *cursor) expect(chars string) {
	if !c.accept(chars) {
		c.bad = true
	}
}

// digits reads one digit or more.
func (c *cursor) digits() {
	c.number(1)
	for c.accept("0123456789") {
	}
}

// offset reads Z, +hh:mm or -hh:mm, in seconds east of Greenwich.
func (c *cursor) offset() int {
	if c.accept("Zz") {
		return 0
	}
	sign := 1
	if c.accept("-") {
		sign = -1
	} else {
		c.expect("+")
	}
	hours := c.number(2)
	c.expect(":")
	minutes := c.number(2)
	if hours > 23 || minutes > 59 {
		c.bad = true
	}
	return sign * (hours*hourSeconds + minutes*60)
}
