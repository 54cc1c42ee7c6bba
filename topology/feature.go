package topology

import "math"

// A Feature is a connected component of a level set: a spike or a valley.
type Feature struct {
	ID          int       // from 0: by season, positive before negative, most persistent first
	Season      int       // code of the season
	Direction   Direction // Super: positive feature, Sub: negative
	Pair        int       // its pair in the season's tree
	Region      int       // of its oldest extremum
	Step        int
	Value       float64 // at the extremum
	Persistence float64 // of the extremum, in the unit of f
	Start, End  int     // first and last step
	Regions     int     // regions touched
	Cells       int
	MeanExcess  float64 // mean distance of its values from the threshold, in the unit of f
}

// Sign returns "+" for a positive feature and "-" for a negative one.
func (f *Feature) Sign() string {
	if f.Direction == Super {
		return "+"
	}
	return "-"
}

// Duration returns the number of steps from the first to the last.
func (f *Feature) Duration() int { return f.End - f.Start + 1 }

// Features returns the features of f at the given thresholds. A cell of both
// level sets counts in the features of both. It panics if d and f are not
// what x is the index of.
//
// Cost: O(pairs) and the cells of the features.
func (x *Index) Features(d Domain, f []float64, thresholds Thresholds) []Feature {
	if len(f) != x.regions*x.steps || d.NumVertices() != len(f) || d.NumRegions() != x.regions {
		panic("topology: the function or the domain does not fit the index")
	}
	var features []Feature
	for i := range x.seasons {
		for _, direction := range []Direction{Super, Sub} {
			a := thresholds.Of(direction)[i].Value
			if math.IsNaN(a) {
				continue
			}
			features = x.seasons[i].features(features, d, f, direction, a)
		}
	}
	for i := range features {
		features[i].ID = i
	}
	return features
}

// features appends the features of one season and direction.
func (t *Trees) features(features []Feature, d Domain, f []float64, direction Direction, a float64) []Feature {
	tree := t.Tree(direction)
	first := len(features)
	place := make(map[int]int) // of each pair's feature
	for i := range tree.Alive(a) {
		place[i] = len(features)
		features = append(features, Feature{})
	}
	if len(features) == first {
		return features
	}
	regions := d.NumRegions()
	touched := make([]int32, regions) // the last component that touched each region, from 1
	mark := int32(0)
	for c := range NewFlooder(d, f, t.Season, tree).At(a) {
		mark++
		extremum := int(c.Vertices[0])
		out := Feature{
			Season:      t.Season.Code,
			Direction:   direction,
			Pair:        c.Pair,
			Region:      extremum % regions,
			Step:        t.Season.First + extremum/regions,
			Value:       tree.birth[c.Pair],
			Persistence: tree.Persistence(c.Pair),
			Cells:       len(c.Vertices),
			Start:       d.NumSteps(),
			End:         -1,
		}
		excess := 0.0
		for _, v := range c.Vertices {
			r, step := int(v)%regions, t.Season.First+int(v)/regions
			out.Start, out.End = min(out.Start, step), max(out.End, step)
			if touched[r] != mark {
				touched[r] = mark
				out.Regions++
			}
			excess += math.Abs(f[t.Season.First*regions+int(v)] - a)
		}
		out.MeanExcess = excess / float64(out.Cells)
		features[place[c.Pair]] = out
	}
	return features
}
