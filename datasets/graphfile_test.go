package datasets_test

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"polygamy/datasets"
	"polygamy/topology"
)

// edgesOf lists the edges of a graph, the lower region first.
func edgesOf(g *topology.Graph) [][2]int {
	var edges [][2]int
	for r := range g.NumRegions() {
		for _, s := range g.Neighbours(r) {
			if r < int(s) {
				edges = append(edges, [2]int{r, int(s)})
			}
		}
	}
	return edges
}

func TestReadGraph(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		regions    int
		edges      [][2]int
	}{
		{"path", "3 2\n0 1\n1 2\n", 3, [][2]int{{0, 1}, {1, 2}}},
		{"either direction, any order", "3 2\n2 1\n1 0", 3, [][2]int{{0, 1}, {1, 2}}},
		{"blanks around, CRLF, blank lines", " 4  2 \r\n\r\n0\t3 \r\n 2 1\r\n\r\n  \r\n", 4, [][2]int{{0, 3}, {1, 2}}},
		{"no edges", "2 0", 2, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g, err := datasets.ReadGraph(strings.NewReader(tc.text), "city.txt")
			if err != nil {
				t.Fatal(err)
			}
			if g.NumRegions() != tc.regions {
				t.Errorf("%d regions, want %d", g.NumRegions(), tc.regions)
			}
			if diff := cmp.Diff(tc.edges, edgesOf(g)); diff != "" {
				t.Errorf("edges (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadGraphErrors(t *testing.T) {
	for _, tc := range []struct {
		name, text, want string
	}{
		{"empty", " \n\n", "city.txt: the file is empty; begin it with the number of regions and the number of edges"},
		{"header of one number", "3\n", `city.txt: line 1: "3" is not two numbers; give the number of regions and the number of edges`},
		{"header in words", "three 2\n", `city.txt: line 1: "three" is not a whole number; give the number of regions and the number of edges`},
		{"no regions", "0 0", "city.txt: line 1: 0 regions; a graph has 1 to 10000000"},
		{"absurd regions", "10000001 0", "city.txt: line 1: 10000001 regions; a graph has 1 to 10000000"},
		{"number too large", "99999999999999999999 0", `city.txt: line 1: "99999999999999999999" is not a whole number; give the number of regions and the number of edges`},
		{"negative edges", "3 -1", "city.txt: line 1: -1 edges; give the number of lines that follow"},
		{"too few edges", "3 2\n0 1\n", "city.txt: line 2: the file ends after 1 of the 2 edges announced in the first line; correct that number or add the edges"},
		{"absurd edges", "3 9000000000000000000\n0 1\n", "city.txt: line 2: the file ends after 1 of the 9000000000000000000 edges announced in the first line; correct that number or add the edges"},
		{"too many edges", "3 1\n0 1\n\n1 2\n", "city.txt: line 4: more edges than the 1 announced in the first line; correct that number or remove the edges"},
		{"edge of three", "3 1\n0 1 2\n", `city.txt: line 2: "0 1 2" is not two numbers; give the two regions of an edge`},
		{"edge not a number", "3 1\n0 1.0\n", `city.txt: line 2: "1.0" is not a whole number; give the two regions of an edge`},
		{"region too high", "3 1\n0 3\n", "city.txt: line 2: there is no region 3; the first line announces regions 0 to 2"},
		{"region negative", "3 1\n-1 2\n", "city.txt: line 2: there is no region -1; the first line announces regions 0 to 2"},
		{"loop", "3 1\n2 2\n", "city.txt: line 2: region 2 is joined to itself; remove the line"},
		{"edge twice", "3 2\n0 1\n0 1\n", "city.txt: line 3: the edge of regions 0 and 1 is in line 2 already; list it once"},
		{"edge in both directions", "3 2\n0 1\n1 0\n", "city.txt: line 3: the edge of regions 1 and 0 is in line 2 already; list it once"},
		{"not lines", "3 2\n" + strings.Repeat("x", 1<<17), "city.txt: after line 1: bufio.Scanner: token too long; check that this is a graph file and complete"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := datasets.ReadGraph(strings.NewReader(tc.text), "city.txt")
			if err == nil || err.Error() != tc.want {
				t.Errorf("error\n%v, want\n%s", err, tc.want)
			}
		})
	}
}

func TestReadGraphWrapsReadErrors(t *testing.T) {
	broken := errors.New("connection reset")
	if _, err := datasets.ReadGraph(iotest.ErrReader(broken), "city.txt"); !errors.Is(err, broken) {
		t.Errorf("error %v does not wrap %v", err, broken)
	}
}
