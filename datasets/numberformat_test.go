package datasets

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseNumber(t *testing.T) {
	plain := NumberSpec{}
	english := NumberSpec{Thousands: ",", Missing: Strings{"-", "N/A"}}
	german := NumberSpec{Thousands: ".", Decimal: ","}
	french := NumberSpec{Thousands: "\u202f", Decimal: ","}
	dollars := NumberSpec{Thousands: ",", Unit: "$"}
	percent := NumberSpec{Unit: "%"}
	for _, tc := range []struct {
		spec NumberSpec
		text string
		want string // the number, missing, or bad
	}{
		{plain, "12", "12"},
		{plain, " 12.50\t\r\n", "12.5"},
		{plain, "-0.1", "-0.1"},
		{plain, "+7", "7"},
		{plain, "-0", "-0"},
		{plain, ".5", "0.5"},
		{plain, "5.", "5"},
		{plain, "0007", "7"},
		{plain, "1e3", "1000"},
		{plain, "1.5E-3", "0.0015"},
		{plain, "9007199254740993", "9007199254740992"},
		{plain, "123456789012345678901234567890", "1.2345678901234568e+29"},
		{plain, "5e-324", "5e-324"},
		{plain, "1e-400", "0"},
		{plain, "1e400", "bad"},
		{plain, "", "missing"},
		{plain, "  ", "missing"},
		{plain, ".", "bad"},
		{plain, "-", "bad"},
		{plain, "+-1", "bad"},
		{plain, "1.2.3", "bad"},
		{plain, "1,234", "bad"},
		{plain, "1e", "bad"},
		{plain, "1e+", "bad"},
		{plain, "e5", "bad"},
		{plain, "0x1p3", "bad"},
		{plain, "1_000", "bad"},
		{plain, "NaN", "bad"},
		{plain, "nan", "bad"},
		{plain, "Inf", "bad"},
		{plain, "-Infinity", "bad"},
		{plain, "12 34", "bad"},
		{plain, "$5", "bad"},
		{plain, "5%", "bad"},
		{plain, "(5)", "bad"},
		{plain, "５", "bad"},
		{english, "1,234", "1234"},
		{english, " 1,137 ", "1137"},
		{english, "-1,234,567.8", "-1234567.8"},
		{english, "1234567", "1234567"},
		{english, "1,23", "bad"},
		{english, "1,2345", "bad"},
		{english, "1234,567", "bad"},
		{english, ",123", "bad"},
		{english, "1,,234", "bad"},
		{english, "1,234,", "bad"},
		{english, "12,34,567", "bad"},
		{english, "1.234,567", "bad"},
		{english, " -   ", "missing"},
		{english, "N/A", "missing"},
		{english, "n/a", "bad"},
		{german, "1.234,5", "1234.5"},
		{german, "1234,5", "1234.5"},
		{german, "1,5", "1.5"},
		{german, "1.5", "bad"},
		{french, "12\u202f345,6", "12345.6"},
		{dollars, "$1,234.50", "1234.5"},
		{dollars, "-$5", "-5"},
		{dollars, "$-5", "-5"},
		{dollars, "$ 5", "5"},
		{dollars, "5", "5"},
		{dollars, "$$5", "bad"},
		{dollars, "$", "bad"},
		{dollars, "$-$5", "bad"},
		{percent, "50%", "50"},
		{percent, "50 %", "50"},
		{percent, "50%%", "bad"},
		{percent, "50$", "bad"},
	} {
		x, kind := parseNumber([]byte(tc.text), tc.spec)
		got := map[numberKind]string{missingNumber: "missing", badNumber: "bad"}[kind]
		if kind == goodNumber {
			got = strconv.FormatFloat(x, 'g', -1, 64)
			if 1e-3 < math.Abs(x) && math.Abs(x) < 1e17 {
				got = strconv.FormatFloat(x, 'f', -1, 64)
			}
		}
		if got != tc.want {
			t.Errorf("parseNumber(%q, %+v) = %s, want %s", tc.text, tc.spec, got, tc.want)
		}
	}
}

// TestParseNumberGrouped writes numbers the English and the German way and
// reads the same value.
func TestParseNumberGrouped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.Int64().Draw(t, "whole")
		fraction := rapid.StringMatching(`(\.[0-9]{1,20})?`).Draw(t, "fraction")
		digits := new(big.Int).Abs(big.NewInt(whole)).String()
		grouped := digits
		for i := len(digits) - 3; i > 0; i -= 3 {
			grouped = grouped[:i] + "," + grouped[i:]
		}
		sign := ""
		if whole < 0 {
			sign = "-"
		}
		want, err := strconv.ParseFloat(sign+digits+fraction, 64)
		if err != nil {
			t.Fatal(err)
		}
		english := sign + grouped + fraction
		german := strings.NewReplacer(".", ",", ",", ".").Replace(english)
		for text, spec := range map[string]NumberSpec{english: {Thousands: ","}, german: {Thousands: ".", Decimal: ","}} {
			if got, kind := parseNumber([]byte(text), spec); kind != goodNumber || got != want {
				t.Fatalf("parseNumber(%q) = %v, %v, want %v", text, got, kind, want)
			}
		}
	})
}

var plainNumberPattern = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)

// FuzzParseNumber compares with strconv on the numbers that are plain, and
// wants all else to be bad.
func FuzzParseNumber(f *testing.F) {
	for _, text := range []string{"1", "-1.5", "123456789012345", "0.1234567890123456789", "1e22", "-.5e-10", "9007199254740993", "1e400", "x", " 1 ", "--", "2.2250738585072011e-308", "999999999999999.9"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x, kind := parseNumber([]byte(text), NumberSpec{})
		trimmed := strings.Trim(text, " \t\r\n")
		wantKind, want := badNumber, 0.0
		if trimmed == "" {
			wantKind = missingNumber
		} else if plainNumberPattern.MatchString(trimmed) {
			if v, err := strconv.ParseFloat(trimmed, 64); err == nil {
				wantKind, want = goodNumber, v
			}
		}
		if kind != wantKind || math.Float64bits(x) != math.Float64bits(want) {
			t.Errorf("parseNumber(%q) = %v, %v, want %v, %v", text, x, kind, want, wantKind)
		}
		// With separators and units it must only not fail.
		parseNumber([]byte(text), NumberSpec{Thousands: ",", Decimal: ".", Unit: "$", Missing: Strings{"-"}})
	})
}

func BenchmarkParseNumber(b *testing.B) {
	for _, bc := range []struct {
		name, text string
		spec       NumberSpec
	}{
		{"short", "40.712", NumberSpec{}},
		{"long", "40.91081894500007", NumberSpec{}},
		{"grouped", " 1,137 ", NumberSpec{Thousands: ",", Missing: Strings{"-"}}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			text := []byte(bc.text)
			b.ReportAllocs()
			for b.Loop() {
				parseNumber(text, bc.spec)
			}
		})
	}
}
