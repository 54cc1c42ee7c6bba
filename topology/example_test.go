package topology_test

import (
	"context"
	"fmt"
	"log"

	"polygamy/topology"
)

func ExampleBuilder_Build() {
	trips := []float64{10, 50, 20, 40, 0} // pick-ups in each of five hours
	index, err := new(topology.Builder).Build(context.Background(), topology.Path(len(trips)), trips, nil)
	if err != nil {
		log.Fatal(err)
	}
	tree := index.Seasons()[0].Super
	for i := range tree.Len() {
		p := tree.Pair(i)
		fmt.Printf("peak at hour %d, persistence %g trips/h\n", p.Extremum, p.Persistence())
	}
	// Output:
	// peak at hour 1, persistence 50 trips/h
	// peak at hour 3, persistence 20 trips/h
}

func ExampleTree_Alive() {
	trips := []float64{10, 50, 20, 40, 0, 30} // pick-ups in each of six hours
	index, err := new(topology.Builder).Build(context.Background(), topology.Path(len(trips)), trips, nil)
	if err != nil {
		log.Fatal(err)
	}
	tree := index.Seasons()[0].Super
	for i := range tree.Alive(25) {
		fmt.Println("a peak of 25 and more around hour", tree.Pair(i).Extremum)
	}
	// Output:
	// a peak of 25 and more around hour 1
	// a peak of 25 and more around hour 5
	// a peak of 25 and more around hour 3
}

// Two neighbouring regions and one that touches neither, over three days. The
// sweep grows from the rarest cells to the common ones.
func ExampleIndex_Sweep() {
	graph, err := topology.NewGraph(3, [][2]int{{0, 1}})
	if err != nil {
		log.Fatal(err)
	}
	domain := topology.NewDomain(graph, 3)
	crashes := []float64{
		2, 1, 0, // day 0: regions 0, 1 and 2
		9, 7, 1,
		3, 2, 6,
	}
	index, err := new(topology.Builder).Build(context.Background(), domain, crashes, nil)
	if err != nil {
		log.Fatal(err)
	}
	class, err := topology.ParseClass("sweep:10,40")
	if err != nil {
		log.Fatal(err)
	}
	sweep := index.Sweep(crashes, index.Thresholds(crashes, class), topology.NewLayout(domain, 7, 0))
	for i, marks := range sweep.Maps() {
		level := sweep.Levels[i]
		positive, negative, _ := marks.Counts()
		fmt.Printf("%s: %d spikes at %g and more, %d cells; %d cells low\n",
			level.Thresholds.Class, level.Super[0].Features, level.Thresholds.Super[0].Value, positive, negative)
	}
	// Output:
	// tail:10: 1 spikes at 9 and more, 1 cells; 1 cells low
	// tail:40: 2 spikes at 3 and more, 4 cells; 5 cells low
}
