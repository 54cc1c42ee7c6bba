package datasets

import (
	"bytes"
	"strconv"
)

// A numberKind says what the text of a number turned out to be.
type numberKind int

const (
	badNumber     numberKind = iota // neither of the others
	missingNumber                   // no value
	goodNumber
)

// powersOf10 are those that a float64 holds exactly.
var powersOf10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// parseNumber reads a decimal number: an optional sign, digits with a decimal
// point, and an optional exponent, with blanks around it. x is the nearest
// float64. The empty text and those that spec lists are missing. NaN, Inf,
// hexadecimal numbers and numbers beyond the range of float64 are bad, and so
// is text around the number, such as $ or %, unless it is spec's unit.
//
// A thousands separator must cut the integer part into groups of three
// digits, so that 1,23 with a comma of another meaning is bad; a number
// without any separator is good.
func parseNumber(text []byte, spec NumberSpec) (x float64, kind numberKind) {
	text = trimBlanks(text)
	for _, missing := range spec.Missing {
		if string(text) == missing {
			return 0, missingNumber
		}
	}
	if len(text) == 0 {
		return 0, missingNumber
	}
	if x, ok := parseShort(text, spec); ok {
		return x, goodNumber
	}

	var buffer [64]byte
	plain, ok := plainNumber(buffer[:0], text, spec)
	if !ok {
		return 0, badNumber
	}
	x, err := strconv.ParseFloat(string(plain), 64)
	if err != nil {
		return 0, badNumber
	}
	return x, goodNumber
}

// parseShort reads a number of up to 15 significant digits without
// separators, unit and exponent. Such a number is the quotient of two
// integers that a float64 holds exactly, so the quotient is correctly rounded.
func parseShort(text []byte, spec NumberSpec) (x float64, ok bool) {
	point := byte('.')
	if spec.Decimal != "" {
		point = spec.Decimal[0]
	}
	negative := text[0] == '-'
	if negative || text[0] == '+' {
		text = text[1:]
	}
	var mantissa uint64
	digits, fraction := 0, -1 // fraction: of the digits, those after the point
	for _, c := range text {
		switch d := c - '0'; {
		case d <= 9:
			mantissa = 10*mantissa + uint64(d)
			digits++
			if fraction >= 0 {
				fraction++
			}
		case c == point && fraction < 0:
			fraction = 0
		default:
			return 0, false
		}
	}
	if digits == 0 || digits > 15 {
		return 0, false
	}
	x = float64(mantissa)
	if fraction > 0 {
		x /= powersOf10[fraction]
	}
	if negative {
		x = -x
	}
	return x, true
}

// plainNumber appends text to dst the way strconv reads it: without unit and
// separators, with a decimal point. ok is false if text holds something else
// than the parts of a number; that digits are absent is left for strconv.
func plainNumber(dst, text []byte, spec NumberSpec) (plain []byte, ok bool) {
	point := "."
	if spec.Decimal != "" {
		point = spec.Decimal
	}
	text, units := trimUnit(text, spec.Unit)
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		dst = append(dst, text[0])
		text = text[1:]
		if units == 0 {
			text, _ = trimUnit(text, spec.Unit)
		}
	}
	dst, text, ok = appendWhole(dst, text, spec.Thousands)
	if !ok {
		return dst, false
	}
	if rest, found := bytes.CutPrefix(text, []byte(point)); found {
		dst = append(dst, '.')
		dst, _, text = appendDigits(dst, rest)
	}
	if len(text) > 0 && (text[0] == 'e' || text[0] == 'E') {
		dst = append(dst, 'e')
		text = text[1:]
		if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
			dst = append(dst, text[0])
			text = text[1:]
		}
		dst, _, text = appendDigits(dst, text)
	}
	return dst, len(text) == 0
}

// appendWhole appends the digits before the decimal point and returns what
// follows them. ok is false if they are badly grouped.
func appendWhole(dst, text []byte, separator string) (plain, rest []byte, ok bool) {
	dst, n, text := appendDigits(dst, text)
	if separator == "" || !bytes.HasPrefix(text, []byte(separator)) {
		return dst, text, true
	}
	ok = 1 <= n && n <= 3
	for {
		group, found := bytes.CutPrefix(text, []byte(separator))
		if !found {
			return dst, text, ok
		}
		dst, n, text = appendDigits(dst, group)
		ok = ok && n == 3
	}
}

// appendDigits appends the digits at the start of text and returns their
// number and what follows them.
func appendDigits(dst, text []byte) (plain []byte, n int, rest []byte) {
	for n < len(text) && text[n]-'0' <= 9 {
		n++
	}
	return append(dst, text[:n]...), n, text[n:]
}

// trimUnit cuts unit off one end of text, with the blanks between it and the
// number, and returns how often it did so.
func trimUnit(text []byte, unit string) (rest []byte, times int) {
	if unit == "" {
		return text, 0
	}
	rest, found := bytes.CutPrefix(text, []byte(unit))
	if !found {
		rest, found = bytes.CutSuffix(text, []byte(unit))
	}
	if !found {
		return text, 0
	}
	return trimBlanks(rest), 1
}

// trimBlanks returns text without blanks, tabs and ends of lines around it.
func trimBlanks(text []byte) []byte {
	for len(text) > 0 && isBlank(text[0]) {
		text = text[1:]
	}
	for len(text) > 0 && isBlank(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	return text
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
