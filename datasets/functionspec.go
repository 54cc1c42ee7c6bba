package datasets

import (
	"fmt"
	"strings"
)

// A FunctionKind is how the values of a column in one cell become one number.
type FunctionKind int

// The kinds of functions. Zero is none of them, so that a forgotten field is
// noticed.
const (
	Count  FunctionKind = iota + 1 // rows; has no column
	Unique                         // different values of the column
	Mean
	Sum
	Min
	Max
	Median
)

// String returns the name that [ParseFunction] reads.
func (k FunctionKind) String() string {
	switch k {
	case Count:
		return "count"
	case Unique:
		return "unique"
	case Mean:
		return "mean"
	case Sum:
		return "sum"
	case Min:
		return "min"
	case Max:
		return "max"
	case Median:
		return "median"
	}
	return fmt.Sprintf("FunctionKind(%d)", int(k))
}

// A FunctionSpec names a scalar function of a dataset.
type FunctionSpec struct {
	Kind   FunctionKind
	Column string // empty for Count
}

// String returns the text that [ParseFunction] reads, such as "mean(fare)".
func (f FunctionSpec) String() string {
	if f.Kind == Count {
		return f.Kind.String()
	}
	return f.Kind.String() + "(" + f.Column + ")"
}

// ParseFunction reads count, unique(c), mean(c), sum(c), min(c), max(c) or
// median(c). The column c is whatever stands between the outer parentheses,
// less blanks at its ends: it may hold blanks, dots and parentheses, if they
// are balanced. The error says what was probably meant.
func ParseFunction(text string) (FunctionSpec, error) {
	text = strings.TrimSpace(text)
	name, rest, hasColumn := strings.Cut(text, "(")
	name = strings.TrimSpace(name)
	kind, ok := functionKind(name)
	switch {
	case !ok && !hasColumn && name != "" && kind == 0:
		return FunctionSpec{}, fmt.Errorf("unknown function %q; to use a column of this name write mean(%s), or sum, min, max, median or unique", text, name)
	case !ok && kind != 0:
		return FunctionSpec{}, fmt.Errorf("unknown function %q; did you mean %v?", name, kind)
	case !ok:
		return FunctionSpec{}, fmt.Errorf("unknown function %q; choose count, unique(column), mean(column), sum, min, max or median", name)
	case kind == Count && hasColumn:
		return FunctionSpec{}, fmt.Errorf("%q: count counts rows and has no column; write count, or unique(column) for the number of different values", text)
	case kind == Count:
		return FunctionSpec{Kind: Count}, nil
	case !hasColumn:
		return FunctionSpec{}, fmt.Errorf("%q has no column; write %v(column)", text, kind)
	}
	column, closed := strings.CutSuffix(rest, ")")
	column = strings.TrimSpace(column)
	switch {
	case !closed && strings.Contains(rest, ")"):
		return FunctionSpec{}, fmt.Errorf("%q goes on after the column; give each function an item of its own", text)
	case !closed || !balanced(column):
		return FunctionSpec{}, fmt.Errorf("the parentheses of %q do not match; write %v(column)", text, kind)
	case column == "":
		return FunctionSpec{}, fmt.Errorf("%q has no column; write %v(column)", text, kind)
	}
	return FunctionSpec{kind, column}, nil
}

// functionKind returns the kind of the given name. If there is none, ok is
// false and kind the one that was probably meant, or 0.
func functionKind(name string) (kind FunctionKind, ok bool) {
	names := make([]string, 0, Median)
	for k := Count; k <= Median; k++ {
		if k.String() == name {
			return k, true
		}
		names = append(names, k.String())
	}
	switch strings.ToLower(name) { // what other programs call them
	case "avg", "average":
		return Mean, false
	case "total":
		return Sum, false
	case "minimum":
		return Min, false
	case "maximum":
		return Max, false
	case "density", "rows":
		return Count, false
	case "distinct", "nunique", "count_distinct":
		return Unique, false
	}
	near := Nearest(name, names)
	for k := Count; k <= Median; k++ {
		if k.String() == near {
			return k, false
		}
	}
	return 0, false
}

// balanced reports whether every parenthesis in text has its counterpart.
func balanced(text string) bool {
	open := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			open++
		case ')':
			open--
		}
		if open < 0 {
			return false
		}
	}
	return open == 0
}
