//go:build !purego

package relate

import "golang.org/x/sys/cpu"

// wide says that the processor counts the bits of eight words at a time.
var wide = cpu.X86.HasAVX512F && cpu.X86.HasAVX512VPOPCNTDQ

// countRows512 adds to counts the overlaps of rows, first[i] with second[i], in words
// words from offset on.
//
//go:noescape
func countRows512(first, second *rowPlanes, rows, offset, words int, counts *overlapCounts)
