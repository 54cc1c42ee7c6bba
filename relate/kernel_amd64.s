//go:build !purego

#include "textflag.h"

// func countRows512(first, second *rowPlanes, rows, offset, words int, counts *overlapCounts)
//
// Z0 to Z3 hold the counts of eight words each: positive of both, negative of
// both, positive and negative, negative and positive.
TEXT ·countRows512(SB), NOSPLIT, $0-48
	MOVQ first+0(FP), SI
	MOVQ second+8(FP), DI
	MOVQ rows+16(FP), CX
	MOVQ offset+24(FP), DX
	MOVQ words+32(FP), BX
	MOVQ counts+40(FP), R13
	VPXORQ Z0, Z0, Z0
	VPXORQ Z1, Z1, Z1
	VPXORQ Z2, Z2, Z2
	VPXORQ Z3, Z3, Z3

	// K1 selects the words of the last, incomplete block.
	MOVQ BX, R14
	ANDQ $7, R14
	MOVL $1, AX
	MOVQ CX, R15
	MOVQ R14, CX
	SHLL CX, AX
	MOVQ R15, CX
	DECL AX
	KMOVW AX, K1
	SHRQ $3, BX // whole blocks

row:
	MOVQ (SI), R8    // positive of f
	MOVQ 8(SI), R9   // negative of f
	MOVQ (DI), R10   // positive of g
	MOVQ 8(DI), R11  // negative of g
	LEAQ (R8)(DX*8), R8
	LEAQ (R9)(DX*8), R9
	LEAQ (R10)(DX*8), R10
	LEAQ (R11)(DX*8), R11
	MOVQ BX, R12
	TESTQ R12, R12
	JZ   tail

block:
	VMOVDQU64 (R8), Z4
	VMOVDQU64 (R9), Z5
	VMOVDQU64 (R10), Z6
	VMOVDQU64 (R11), Z7
	VPANDQ Z4, Z6, Z8
	VPANDQ Z5, Z7, Z9
	VPANDQ Z4, Z7, Z10
	VPANDQ Z5, Z6, Z11
	VPOPCNTQ Z8, Z8
	VPOPCNTQ Z9, Z9
	VPOPCNTQ Z10, Z10
	VPOPCNTQ Z11, Z11
	VPADDQ Z8, Z0, Z0
	VPADDQ Z9, Z1, Z1
	VPADDQ Z10, Z2, Z2
	VPADDQ Z11, Z3, Z3
	ADDQ $64, R8
	ADDQ $64, R9
	ADDQ $64, R10
	ADDQ $64, R11
	DECQ R12
	JNZ  block

tail:
	TESTQ R14, R14
	JZ   next
	VMOVDQU64.Z (R8), K1, Z4
	VMOVDQU64.Z (R9), K1, Z5
	VMOVDQU64.Z (R10), K1, Z6
	VMOVDQU64.Z (R11), K1, Z7
	VPANDQ Z4, Z6, Z8
	VPANDQ Z5, Z7, Z9
	VPANDQ Z4, Z7, Z10
	VPANDQ Z5, Z6, Z11
	VPOPCNTQ Z8, Z8
	VPOPCNTQ Z9, Z9
	VPOPCNTQ Z10, Z10
	VPOPCNTQ Z11, Z11
	VPADDQ Z8, Z0, Z0
	VPADDQ Z9, Z1, Z1
	VPADDQ Z10, Z2, Z2
	VPADDQ Z11, Z3, Z3

next:
	ADDQ $16, SI
	ADDQ $16, DI
	DECQ CX
	JNZ  row

	// The sums of the eight counts: pairs of two, of which lanes of 128 bits
	// hold one each, then lanes.
	VPUNPCKLQDQ Z1, Z0, Z4
	VPUNPCKHQDQ Z1, Z0, Z5
	VPADDQ Z4, Z5, Z4
	VPUNPCKLQDQ Z3, Z2, Z6
	VPUNPCKHQDQ Z3, Z2, Z7
	VPADDQ Z6, Z7, Z6
	VEXTRACTI64X4 $1, Z4, Y5
	VEXTRACTI64X4 $1, Z6, Y7
	VPADDQ Y4, Y5, Y4
	VPADDQ Y6, Y7, Y6
	VEXTRACTI128 $1, Y4, X5
	VEXTRACTI128 $1, Y6, X7
	VPADDQ X4, X5, X4
	VPADDQ X6, X7, X6
	VPADDQ (R13), X4, X4
	VPADDQ 16(R13), X6, X6
	VMOVDQU X4, (R13)
	VMOVDQU X6, 16(R13)
	VZEROUPPER
	RET
