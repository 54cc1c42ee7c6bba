package jobs

import (
	"fmt"
	"math"
	"strings"

	prettytable "github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// How many events, events against D and features alone a page shows.
const (
	eventsOnPage  = 10
	againstOnPage = 3
	aloneOnPage   = 5
)

// text is an explanation as a page to read.
func (e *Explanation) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", e.Finding)
	fmt.Fprintf(&b, "  a is %s (%s), b is %s (%s)\n", e.A.Name, e.A.Unit, e.B.Name, e.B.Unit)
	c := &e.Counts
	fmt.Fprintf(&b, "  p %s, q %s, kappa %s at %s, lag %d\n", shown("%.2g", e.P), shown("%.2g", e.Q), shown("%.3f", e.Kappa), e.AtLevel, e.AtLag)
	fmt.Fprintf(&b, "  features meet in %d of %s cells: %d agree (%d ++, %d --), %d differ (%d +-, %d -+), D is %+d\n", c.Overlap, groupDigits(int64(c.Cells)),
		c.PP+c.NN, c.PP, c.NN, c.PN+c.NP, c.PN, c.NP, c.D)
	fmt.Fprintf(&b, "  features of a: %d +, %d -; of b: %d +, %d -; score %.3f, strength %.3f\n", c.APositive, c.ANegative, c.BPositive, c.BNegative, c.Score, c.Strength)
	if e.Start != "" {
		fmt.Fprintf(&b, "  counted from %s to %s, %s\n", e.Start[:10], e.End[:10], e.Zone)
	}
	e.writeEvents(&b)
	for i, list := range [][]Missed{e.OnlyA, e.OnlyB} {
		name, count := [2]string{"a", "b"}[i], [2]int{e.OnlyACount, e.OnlyBCount}[i]
		other := [2]string{"b", "a"}[i]
		fmt.Fprintf(&b, "\nfeatures of %s that meet none of %s: %d", name, other, count)
		if len(list) == 0 {
			b.WriteString("\n")
			continue
		}
		b.WriteString(", the largest\n\n")
		t := e.newPage("when", "where", name, "cells", "a value", "a anomaly", "b value", "b anomaly")
		for _, x := range list[:min(len(list), aloneOnPage)] {
			t.AppendRow(append(prettytable.Row{x.text, whereText(x.Place, x.Regions), signSymbol(x.Sign), x.Cells}, valuesText(x.A, x.B)...))
		}
		b.WriteString(e.render(t))
	}
	e.writeWithout(&b)
	for _, note := range e.Notes {
		fmt.Fprintf(&b, "\n%s\n", note)
	}
	return b.String()
}

// writeEvents writes the table of events and what they make of D.
func (e *Explanation) writeEvents(b *strings.Builder) {
	if len(e.Events) == 0 {
		return
	}
	fmt.Fprintf(b, "\nevents in which features meet: %d, the largest; values are those of the most unusual cell", e.EventCount)
	if e.Lag != 0 {
		fmt.Fprintf(b, ", of b at lag %+d", e.Lag)
	}
	b.WriteString("\n\n")
	t := e.newPage("#", "when", "where", "a b", "D", "a value", "a anomaly", "b value", "b anomaly")
	supporting, against := 0, 0
	for i := range e.Events {
		x := &e.Events[i]
		if x.D*e.way() > 0 {
			if supporting++; supporting > eventsOnPage {
				continue
			}
		} else if against++; against > againstOnPage {
			continue
		}
		t.AppendRow(append(prettytable.Row{i + 1, x.text, whereText(x.Place, x.Regions), signSymbol(x.SignA) + " " + signSymbol(x.SignB), fmt.Sprintf("%+d", x.D)}, valuesText(x.A, x.B)...))
	}
	b.WriteString(e.render(t))
	var parts []string
	for _, s := range e.Top {
		if s.Share != nil {
			parts = append(parts, fmt.Sprintf("%.0f %% (%d)", 100**s.Share, s.Events))
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(b, "\nshare of |D| of the largest (so many) events: %s\n", strings.Join(parts, ", "))
	}
}

// writeWithout writes what remains without the largest events and seasons.
func (e *Explanation) writeWithout(b *strings.Builder) {
	b.WriteString("\nscore and strength without\n\n")
	t := e.newPage("without", "steps left out", "D", "met", "score", "change", "strength", "change ")
	t.AppendRow(prettytable.Row{"nothing", 0, fmt.Sprintf("%+d", e.Counts.D), e.Counts.Overlap, fmt.Sprintf("%.3f", e.Counts.Score), "", fmt.Sprintf("%.3f", e.Counts.Strength), ""})
	for _, l := range e.Without {
		score, change := "-", "-" // no cell meets
		if l.Overlap > 0 {
			score, change = rounded("%.3f", l.Score), signed(l.Score-e.Counts.Score)
		}
		t.AppendRow(prettytable.Row{l.What, l.Steps, fmt.Sprintf("%+d", l.D), l.Overlap, score, change, fmt.Sprintf("%.3f", l.Strength), signed(l.Strength - e.Counts.Strength)})
	}
	b.WriteString(e.render(t))
}

// signed writes a change.
func signed(x float64) string {
	if math.Abs(x) < 0.0005 {
		return "0"
	}
	return fmt.Sprintf("%+.3f", x)
}

func (e *Explanation) newPage(columns ...string) prettytable.Writer {
	t := prettytable.NewWriter()
	t.SetStyle(prettytable.StyleLight)
	t.Style().Options = prettytable.OptionsNoBordersAndSeparators
	t.Style().Format.Header = text.FormatDefault
	var header prettytable.Row
	var config []prettytable.ColumnConfig
	for i, c := range columns {
		header = append(header, c)
		config = append(config, prettytable.ColumnConfig{Number: i + 1, Hidden: c == "where" && e.meeting.regions == 1})
		switch c {
		case "when", "where", "a b", "a", "b", "without":
		default:
			config[i].Align, config[i].AlignHeader = text.AlignRight, text.AlignRight
		}
	}
	t.AppendHeader(header)
	t.SetColumnConfigs(config)
	return t
}

// render writes a table, indented.
func (e *Explanation) render(t prettytable.Writer) string {
	var b strings.Builder
	for line := range strings.Lines(t.Render()) {
		b.WriteString(" " + strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}

func whereText(p Place, regions int) string {
	if regions == 1 {
		return p.RegionName
	}
	return fmt.Sprintf("%s and %d more", p.RegionName, regions-1)
}

func signSymbol(sign string) string {
	if sign == "positive" {
		return "+"
	}
	return "-"
}

func valuesText(values ...Value) (row prettytable.Row) {
	for _, v := range values {
		raw := "-"
		if v.Raw != nil {
			raw = roundedText(*v.Raw)
		}
		row = append(row, raw, shown("%+.2f", v.Anomaly))
	}
	return row
}
