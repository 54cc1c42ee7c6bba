package datasets

const (
	defaultTolerance = 1
	maxTolerance     = 10_000
)

func polygonAdjacency(shapes [][]polygon, tol float64) [][2]int { return nil }
func islandEdges(shapes [][]polygon, islands []int) [][2]int    { return nil }
