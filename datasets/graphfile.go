package datasets

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"polygamy/topology"
)

// maxGraphRegions bounds the regions of a graph file. The largest region
// systems in use (census blocks of a country) have about as many; more is a
// mistake in the first line.
const maxGraphRegions = 10_000_000

// ReadGraph reads the adjacency of regions from text: a first line with the
// numbers of regions and of edges, then a line "u v" for each undirected
// edge, regions being numbered from 0. Blanks around the numbers and blank
// lines do not matter. name is the file as errors should call it.
//
// An error names the file, the line and what to do. A file that ends early,
// has more edges than announced, a loop, an edge listed twice (in either
// direction) or an edge to a region that does not exist is an error.
func ReadGraph(r io.Reader, name string) (*topology.Graph, error) {
	g := graphFile{name: name, lines: bufio.NewScanner(r), lineOf: map[[2]int]int{}}
	regions, announced, err := g.readPair("the number of regions and the number of edges")
	switch {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s: the file is empty; begin it with the number of regions and the number of edges", name)
	case err != nil:
		return nil, err
	case regions < 1 || regions > maxGraphRegions:
		return nil, g.errorf("%d regions; a graph has 1 to %d", regions, maxGraphRegions)
	case announced < 0:
		return nil, g.errorf("%d edges; give the number of lines that follow", announced)
	}

	// The announced number is checked, not trusted: nothing is allocated
	// before its line has been seen.
	var edges [][2]int
	for {
		u, v, err := g.readPair("the two regions of an edge")
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(edges) == announced {
			return nil, g.errorf("more edges than the %d announced in the first line; correct that number or remove the edges", announced)
		}
		if err := g.checkEdge(u, v, regions); err != nil {
			return nil, err
		}
		edges = append(edges, [2]int{u, v})
	}
	if len(edges) < announced {
		return nil, g.errorf("the file ends after %d of the %d edges announced in the first line; correct that number or add the edges", len(edges), announced)
	}
	graph, err := topology.NewGraph(regions, edges)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return graph, nil
}

// A graphFile reads a graph file line by line.
type graphFile struct {
	name   string
	lines  *bufio.Scanner
	line   int            // of the latest line read, from 1
	lineOf map[[2]int]int // the line of each edge so far, the lower region first
}

// readPair returns the numbers of the next line that is not blank, or io.EOF.
// what says what they are.
func (g *graphFile) readPair(what string) (a, b int, err error) {
	for g.lines.Scan() {
		g.line++
		words := strings.Fields(g.lines.Text())
		if len(words) == 0 {
			continue
		}
		if len(words) != 2 {
			return 0, 0, g.errorf("%s is not two numbers; give %s", quote(g.lines.Text()), what)
		}
		var pair [2]int
		for i, word := range words {
			pair[i], err = strconv.Atoi(word)
			if err != nil {
				return 0, 0, g.errorf("%s is not a whole number; give %s", quote(word), what)
			}
		}
		return pair[0], pair[1], nil
	}
	if err := g.lines.Err(); err != nil {
		return 0, 0, fmt.Errorf("%s: after line %d: %w; check that this is a graph file and complete", g.name, g.line, err)
	}
	return 0, 0, io.EOF
}

// checkEdge reports what is wrong with the edge of the current line.
func (g *graphFile) checkEdge(u, v, regions int) error {
	for _, r := range [2]int{u, v} {
		if r < 0 || r >= regions {
			return g.errorf("there is no region %d; the first line announces regions 0 to %d", r, regions-1)
		}
	}
	if u == v {
		return g.errorf("region %d is joined to itself; remove the line", u)
	}
	key := [2]int{min(u, v), max(u, v)}
	if first, ok := g.lineOf[key]; ok {
		return g.errorf("the edge of regions %d and %d is in line %d already; list it once", u, v, first)
	}
	g.lineOf[key] = g.line
	return nil
}

// errorf returns an error about the current line.
func (g *graphFile) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: line %d: %s", g.name, g.line, fmt.Sprintf(format, args...))
}
