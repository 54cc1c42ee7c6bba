package datasets

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseFunction(t *testing.T) {
	for _, tc := range []struct {
		text string
		want FunctionSpec
	}{
		{"count", FunctionSpec{Kind: Count}},
		{" count ", FunctionSpec{Kind: Count}},
		{"unique(id)", FunctionSpec{Unique, "id"}},
		{"mean(fare)", FunctionSpec{Mean, "fare"}},
		{"sum( total amount )", FunctionSpec{Sum, "total amount"}},
		{"min (x)", FunctionSpec{Min, "x"}},
		{"max(pickup.zone.id)", FunctionSpec{Max, "pickup.zone.id"}},
		{"median(Fare (USD))", FunctionSpec{Median, "Fare (USD)"}},
		{"mean((a)(b))", FunctionSpec{Mean, "(a)(b)"}},
		{"mean(mean(x))", FunctionSpec{Mean, "mean(x)"}},
		{"sum(Größe, m²)", FunctionSpec{Sum, "Größe, m²"}},
		{"unique(count)", FunctionSpec{Unique, "count"}},
	} {
		got, err := ParseFunction(tc.text)
		if err != nil || got != tc.want {
			t.Errorf("ParseFunction(%q) = %+v, %v, want %+v", tc.text, got, err, tc.want)
		}
		if again, err := ParseFunction(got.String()); err != nil || again != got {
			t.Errorf("ParseFunction(%q) = %+v, %v, want %+v", got, again, err, got)
		}
	}
}

func TestParseFunctionErrors(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"", "choose count"},
		{"(x)", "choose count"},
		{"Mean(x)", "did you mean mean?"},
		{"meen(x)", "did you mean mean?"},
		{"avg(x)", "did you mean mean?"},
		{"total(x)", "did you mean sum?"},
		{"distinct(x)", "did you mean unique?"},
		{"mode(x)", "choose count"},
		{"fare", "write mean(fare)"},
		{"density", "did you mean count?"},
		{"mean", "write mean(column)"},
		{"mean()", "write mean(column)"},
		{"mean( )", "write mean(column)"},
		{"count(x)", "unique(column)"},
		{"mean(x", "do not match"},
		{"mean(x))", "do not match"},
		{"mean((x)", "do not match"},
		{"mean(x)y", "goes on after"},
		{"mean(x), sum(y)", "do not match"},
	} {
		if f, err := ParseFunction(tc.text); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("ParseFunction(%q) = %+v, %v, want an error with %q", tc.text, f, err, tc.want)
		}
	}
}

func TestFunctionSpecRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		column := strings.TrimSpace(rapid.StringMatching(`[^()]*(\([^()]*\))?[^()]*(\([^()]*\([^()]*\)\))?`).Draw(t, "column"))
		if column == "" {
			return
		}
		want := FunctionSpec{FunctionKind(rapid.IntRange(int(Unique), int(Median)).Draw(t, "kind")), column}
		if got, err := ParseFunction(want.String()); err != nil || got != want {
			t.Fatalf("ParseFunction(%q) = %+v, %v", want, got, err)
		}
	})
}
