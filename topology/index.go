package topology

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

// Trees holds both merge trees of one season.
type Trees struct {
	Season Season
	Super  *Tree // leaves are maxima
	Sub    *Tree // leaves are minima
}

// Tree returns the tree of the given direction.
func (t *Trees) Tree(direction Direction) *Tree {
	if direction == Super {
		return t.Super
	}
	return t.Sub
}

// An Index holds the merge trees of a function, one pair of trees a season.
// It answers every question about levels and persistence; questions about
// cells need the function too. An Index does not change.
type Index struct {
	regions int
	steps   int
	covered int // cells with a value
	seasons []Trees
	mapped  bool // the trees lie in the memory of a file
}

// NumRegions returns the number of regions of the function's domain.
func (x *Index) NumRegions() int { return x.regions }

// NumSteps returns the number of steps of the function's domain.
func (x *Index) NumSteps() int { return x.steps }

// Covered returns the number of cells that hold a value.
func (x *Index) Covered() int { return x.covered }

// Seasons returns the trees of every season, in order. The slice belongs to
// the index and must not be changed.
func (x *Index) Seasons() []Trees { return x.seasons }

// slabVertices is the aimed-at size of a slab: its labels and its sorted order
// then stay in a core's cache of 1 MiB. See BenchmarkTrees.
const slabVertices = 1 << 15

// minSlabSteps keeps the cuts between slabs, which cost as much as an edge a
// region, a small part of the work on graphs with many regions.
const minSlabSteps = 16

// A Builder builds indexes and keeps its scratch memory from one to the next.
// The zero value is ready to use. A Builder serves one call at a time.
type Builder struct {
	// Workers is the number of goroutines for one function; 0 means one per
	// CPU. The index does not depend on it.
	Workers int

	slabs    []slab
	sweepers []slabSweeper
	gluers   [2]gluer
	glues    [2]glueScratch // one a worker
	orderers [2]orderer     // one a worker
	path     pathBuilder

	slabSteps int // 0 means by slabVertices; tests set it
}

// Recycle takes the memory of an index that the caller has no more use for,
// for the trees of the next one: fetching fresh memory from the system can
// cost more than building a tree. The index must not be used afterwards. One
// that was read from a file has no memory to take.
func (b *Builder) Recycle(x *Index) {
	if x.mapped {
		*x = Index{}
		return
	}
	second := &b.orderers[1]
	if x.regions == 1 || b.workers() == 1 {
		second = &b.orderers[0] // orders both trees
	}
	for _, t := range x.seasons {
		b.orderers[0].free = append(b.orderers[0].free, t.Super.columns)
		second.free = append(second.free, t.Sub.columns)
	}
	*x = Index{}
}

// Build returns the index of f, whose shape is [d.NumVertices()], over the
// given seasons, which must partition the steps of d; nil means one season.
// NaN is a missing value: its cell is absent from the domain graph. A value
// that is infinite or beyond ±MaxFloat64/2 is a *ValueError. Build panics if
// the length of f does not fit d.
//
// Cost: O(N) on a path; otherwise a radix sort and O(N alpha(N)) for each
// tree, where N is the number of vertices.
func (b *Builder) Build(ctx context.Context, d Domain, f []float64, seasons []Season) (*Index, error) {
	if len(f) != d.NumVertices() {
		panic(fmt.Sprintf("topology: a function of %d values on a domain of %d vertices", len(f), d.NumVertices()))
	}
	if seasons == nil && d.NumSteps() > 0 {
		seasons = WholeAxis(d.NumSteps())
	}
	if err := checkSeasons(seasons, d.NumSteps()); err != nil {
		return nil, err
	}
	if len(f) > math.MaxInt32 {
		return nil, fmt.Errorf("topology: a domain of %d vertices; at most %d are possible, so cut the record", len(f), math.MaxInt32)
	}
	covered, err := checkValues(d, f)
	if err != nil {
		return nil, err
	}
	index := &Index{regions: d.NumRegions(), steps: d.NumSteps(), covered: covered}
	for _, s := range seasons {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		first, end := s.First*d.NumRegions(), s.End*d.NumRegions()
		trees := Trees{Season: s}
		if d.NumRegions() == 1 {
			trees.Super, trees.Sub = b.path.trees(f[first:end], &b.orderers[0])
		} else {
			trees.Super, trees.Sub = b.buildSlabs(d.graph, f[first:end])
		}
		index.seasons = append(index.seasons, trees)
	}
	return index, nil
}

// workers returns the number of goroutines.
func (b *Builder) workers() int {
	if b.Workers > 0 {
		return b.Workers
	}
	return runtime.GOMAXPROCS(0)
}

func (b *Builder) buildSlabs(g *Graph, f []float64) (super, sub *Tree) {
	regions := g.NumRegions()
	if regions == 0 {
		return &Tree{direction: Super}, &Tree{direction: Sub}
	}
	steps := len(f) / regions
	slabSteps := b.slabSteps
	if slabSteps == 0 {
		slabSteps = max(slabVertices/regions, minSlabSteps)
	}
	n := (steps + slabSteps - 1) / slabSteps
	for len(b.slabs) < n {
		b.slabs = append(b.slabs, slab{})
	}
	slabs := b.slabs[:n]
	workers := b.workers()
	for len(b.sweepers) < min(workers, n) {
		b.sweepers = append(b.sweepers, slabSweeper{})
	}
	parallel(min(workers, n), n, func(worker, i int) {
		first := i * slabSteps * regions
		end := min(first+slabSteps*regions, len(f))
		slabs[i].base = first
		b.sweepers[worker].sweepSlab(g, f[first:end], &slabs[i])
	})
	parallel(min(workers, 2), 2, func(worker, i int) {
		b.gluers[i].glue(slabs, Super+Direction(i), f, &b.glues[worker])
	})
	closeSurvivors(slabs, &b.gluers[0], &b.gluers[1])
	var trees [2]*Tree
	parallel(min(workers, 2), 2, func(worker, i int) {
		trees[i] = b.orderers[worker].tree(Super+Direction(i), f, &b.gluers[i].leaves)
	})
	return trees[0], trees[1]
}

// closeSurvivors lets the oldest component of each connected part of the
// season die at the other end of the part's range, which is the extremum of
// the oldest component of the other tree.
func closeSurvivors(slabs []slab, super, sub *gluer) {
	for i := range slabs {
		for _, s := range slabs[i].survivors {
			low := s.sub + sub.offset[i]
			if sub.leaves.saddle[low] >= 0 {
				continue // died in a later slab
			}
			high := s.super + super.offset[i]
			for super.leaves.parent[high] >= 0 {
				high = super.leaves.parent[high]
			}
			sub.leaves.saddle[low] = super.leaves.vertex[high]
			super.leaves.saddle[high] = sub.leaves.vertex[low]
		}
	}
}

// parallel runs do(worker, i) for i in 0..n-1 on the given number of
// goroutines, and in the caller's alone if that is one.
func parallel(workers, n int, do func(worker, i int)) {
	if workers <= 1 {
		for i := range n {
			do(0, i)
		}
		return
	}
	var next atomic.Int64
	var wait sync.WaitGroup
	for worker := range workers {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(worker, i)
			}
		})
	}
	wait.Wait()
}
