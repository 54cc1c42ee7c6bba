//go:build !amd64 || purego

package relate

const wide = false

// countRows512 is never called.
func countRows512(first, second *rowPlanes, rows, offset, words int, counts *overlapCounts) {
	panic("relate: no such processor")
}
