#include "textflag.h"

// Registers: Z0 to Z15 are the state (row a is Z0-Z3, b Z4-Z7, c Z8-Z11,
// d Z12-Z15), word i of 16 compressions each; Z16 to Z31 are the message.

DATA iv<>+0(SB)/4, $0x6a09e667
DATA iv<>+4(SB)/4, $0xbb67ae85
DATA iv<>+8(SB)/4, $0x3c6ef372
DATA iv<>+12(SB)/4, $0xa54ff53a
DATA iv<>+16(SB)/4, $0x510e527f
DATA iv<>+20(SB)/4, $0x9b05688c
DATA iv<>+24(SB)/4, $0x1f83d9ab
DATA iv<>+28(SB)/4, $0x5be0cd19
GLOBL iv<>(SB), RODATA|NOPTR, $32

// Half of G (paper, §2.2), for four columns or diagonals at once.
#define HALF(a0, b0, c0, d0, m0, a1, b1, c1, d1, m1, a2, b2, c2, d2, m2, a3, b3, c3, d3, m3, r1, r2) \
	VPADDD b0, a0, a0; \
	VPADDD b1, a1, a1; \
	VPADDD b2, a2, a2; \
	VPADDD b3, a3, a3; \
	VPADDD m0, a0, a0; \
	VPADDD m1, a1, a1; \
	VPADDD m2, a2, a2; \
	VPADDD m3, a3, a3; \
	VPXORD a0, d0, d0; \
	VPXORD a1, d1, d1; \
	VPXORD a2, d2, d2; \
	VPXORD a3, d3, d3; \
	VPRORD r1, d0, d0; \
	VPRORD r1, d1, d1; \
	VPRORD r1, d2, d2; \
	VPRORD r1, d3, d3; \
	VPADDD d0, c0, c0; \
	VPADDD d1, c1, c1; \
	VPADDD d2, c2, c2; \
	VPADDD d3, c3, c3; \
	VPXORD c0, b0, b0; \
	VPXORD c1, b1, b1; \
	VPXORD c2, b2, b2; \
	VPXORD c3, b3, b3; \
	VPRORD r2, b0, b0; \
	VPRORD r2, b1, b1; \
	VPRORD r2, b2, b2; \
	VPRORD r2, b3, b3

#define ROUND(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15) \
	HALF(Z0, Z4, Z8, Z12, m0, Z1, Z5, Z9, Z13, m2, Z2, Z6, Z10, Z14, m4, Z3, Z7, Z11, Z15, m6, $16, $12); \
	HALF(Z0, Z4, Z8, Z12, m1, Z1, Z5, Z9, Z13, m3, Z2, Z6, Z10, Z14, m5, Z3, Z7, Z11, Z15, m7, $8, $7); \
	HALF(Z0, Z5, Z10, Z15, m8, Z1, Z6, Z11, Z12, m10, Z2, Z7, Z8, Z13, m12, Z3, Z4, Z9, Z14, m14, $16, $12); \
	HALF(Z0, Z5, Z10, Z15, m9, Z1, Z6, Z11, Z12, m11, Z2, Z7, Z8, Z13, m13, Z3, Z4, Z9, Z14, m15, $8, $7)

// Transpose each quarter of a, b, c, d, a matrix of 4 by 4 words.
#define TURN(a, b, c, d, x0, x1, x2, x3) \
	VPUNPCKLDQ b, a, Z12; \
	VPUNPCKHDQ b, a, Z13; \
	VPUNPCKLDQ d, c, Z14; \
	VPUNPCKHDQ d, c, Z15; \
	VPUNPCKLQDQ Z14, Z12, x0; \
	VPUNPCKHQDQ Z14, Z12, x1; \
	VPUNPCKLQDQ Z15, Z13, x2; \
	VPUNPCKHQDQ Z15, Z13, x3

// Four lanes' blocks, 16 words each, to their words' columns: lane l of word w of
// the four becomes quarter w/4 of x(w mod 4). The pointers are at 0, 8, 16, 24(p).
#define QUAD(p, x0, x1, x2, x3) \
	MOVQ p+0(BX), R8; \
	MOVQ p+8(BX), R9; \
	MOVQ p+16(BX), R10; \
	MOVQ p+24(BX), R11; \
	VMOVDQU32 (R8)(SI*1), Z8; \
	VMOVDQU32 (R9)(SI*1), Z9; \
	VMOVDQU32 (R10)(SI*1), Z10; \
	VMOVDQU32 (R11)(SI*1), Z11; \
	TURN(Z8, Z9, Z10, Z11, x0, x1, x2, x3)

// The quarters of u0 to u3, each of other four lanes: quarter q of all becomes
// word 4q+c of all lanes, in place.
#define GATHER(u0, u1, u2, u3) \
	VSHUFI32X4 $0x88, u1, u0, Z8; \
	VSHUFI32X4 $0x88, u3, u2, Z9; \
	VSHUFI32X4 $0xdd, u1, u0, Z10; \
	VSHUFI32X4 $0xdd, u3, u2, Z11; \
	VSHUFI32X4 $0x88, Z9, Z8, u0; \
	VSHUFI32X4 $0x88, Z11, Z10, u1; \
	VSHUFI32X4 $0xdd, Z9, Z8, u2; \
	VSHUFI32X4 $0xdd, Z11, Z10, u3

// func compress16(cvs *[16]cv, in *lanes, blocks uint64, flags, start, end uint32)
// Requires: AVX512F
TEXT ·compress16(SB), NOSPLIT, $0-36
	MOVQ cvs+0(FP), AX
	MOVQ in+8(FP), BX
	MOVQ blocks+16(FP), DX
	MOVL flags+24(FP), CX
	MOVL start+28(FP), DI
	ORL  CX, DI // flags of the next block
	XORQ SI, SI // offset of the next block
	VPBROADCASTD iv<>+0(SB), Z0
	VPBROADCASTD iv<>+4(SB), Z1
	VPBROADCASTD iv<>+8(SB), Z2
	VPBROADCASTD iv<>+12(SB), Z3
	VPBROADCASTD iv<>+16(SB), Z4
	VPBROADCASTD iv<>+20(SB), Z5
	VPBROADCASTD iv<>+24(SB), Z6
	VPBROADCASTD iv<>+28(SB), Z7

block:
	CMPQ DX, $1
	JNE  load
	ORL  end+32(FP), DI

load:
	QUAD(0, Z16, Z20, Z24, Z28)
	QUAD(32, Z17, Z21, Z25, Z29)
	QUAD(64, Z18, Z22, Z26, Z30)
	QUAD(96, Z19, Z23, Z27, Z31)
	GATHER(Z16, Z17, Z18, Z19)
	GATHER(Z20, Z21, Z22, Z23)
	GATHER(Z24, Z25, Z26, Z27)
	GATHER(Z28, Z29, Z30, Z31)

	VPBROADCASTD iv<>+0(SB), Z8
	VPBROADCASTD iv<>+4(SB), Z9
	VPBROADCASTD iv<>+8(SB), Z10
	VPBROADCASTD iv<>+12(SB), Z11
	VMOVDQU32    128(BX), Z12
	VMOVDQU32    192(BX), Z13
	MOVL         $64, R8
	VPBROADCASTD R8, Z14
	VPBROADCASTD DI, Z15

	ROUND(Z16, Z20, Z24, Z28, Z17, Z21, Z25, Z29, Z18, Z22, Z26, Z30, Z19, Z23, Z27, Z31)
	ROUND(Z24, Z25, Z28, Z26, Z29, Z16, Z17, Z23, Z20, Z30, Z19, Z21, Z22, Z27, Z31, Z18)
	ROUND(Z28, Z17, Z26, Z19, Z23, Z24, Z29, Z27, Z25, Z21, Z22, Z16, Z30, Z31, Z18, Z20)
	ROUND(Z26, Z29, Z19, Z22, Z27, Z28, Z23, Z31, Z17, Z16, Z30, Z24, Z21, Z18, Z20, Z25)
	ROUND(Z19, Z23, Z22, Z30, Z31, Z26, Z27, Z18, Z29, Z24, Z21, Z28, Z16, Z20, Z25, Z17)
	ROUND(Z22, Z27, Z30, Z21, Z18, Z19, Z31, Z20, Z23, Z28, Z16, Z26, Z24, Z25, Z17, Z29)
	ROUND(Z30, Z31, Z21, Z16, Z20, Z22, Z18, Z25, Z27, Z26, Z24, Z19, Z28, Z17, Z29, Z23)

	VPXORD Z8, Z0, Z0
	VPXORD Z9, Z1, Z1
	VPXORD Z10, Z2, Z2
	VPXORD Z11, Z3, Z3
	VPXORD Z12, Z4, Z4
	VPXORD Z13, Z5, Z5
	VPXORD Z14, Z6, Z6
	VPXORD Z15, Z7, Z7
	MOVL CX, DI
	ADDQ $64, SI
	DECQ DX
	JNZ  block

	TURN(Z0, Z1, Z2, Z3, Z16, Z17, Z18, Z19)
	TURN(Z4, Z5, Z6, Z7, Z20, Z21, Z22, Z23)
	VEXTRACTI32X4 $0, Z16, 0(AX)
	VEXTRACTI32X4 $0, Z20, 16(AX)
	VEXTRACTI32X4 $0, Z17, 32(AX)
	VEXTRACTI32X4 $0, Z21, 48(AX)
	VEXTRACTI32X4 $0, Z18, 64(AX)
	VEXTRACTI32X4 $0, Z22, 80(AX)
	VEXTRACTI32X4 $0, Z19, 96(AX)
	VEXTRACTI32X4 $0, Z23, 112(AX)
	VEXTRACTI32X4 $1, Z16, 128(AX)
	VEXTRACTI32X4 $1, Z20, 144(AX)
	VEXTRACTI32X4 $1, Z17, 160(AX)
	VEXTRACTI32X4 $1, Z21, 176(AX)
	VEXTRACTI32X4 $1, Z18, 192(AX)
	VEXTRACTI32X4 $1, Z22, 208(AX)
	VEXTRACTI32X4 $1, Z19, 224(AX)
	VEXTRACTI32X4 $1, Z23, 240(AX)
	VEXTRACTI32X4 $2, Z16, 256(AX)
	VEXTRACTI32X4 $2, Z20, 272(AX)
	VEXTRACTI32X4 $2, Z17, 288(AX)
	VEXTRACTI32X4 $2, Z21, 304(AX)
	VEXTRACTI32X4 $2, Z18, 320(AX)
	VEXTRACTI32X4 $2, Z22, 336(AX)
	VEXTRACTI32X4 $2, Z19, 352(AX)
	VEXTRACTI32X4 $2, Z23, 368(AX)
	VEXTRACTI32X4 $3, Z16, 384(AX)
	VEXTRACTI32X4 $3, Z20, 400(AX)
	VEXTRACTI32X4 $3, Z17, 416(AX)
	VEXTRACTI32X4 $3, Z21, 432(AX)
	VEXTRACTI32X4 $3, Z18, 448(AX)
	VEXTRACTI32X4 $3, Z22, 464(AX)
	VEXTRACTI32X4 $3, Z19, 480(AX)
	VEXTRACTI32X4 $3, Z23, 496(AX)
	VZEROUPPER
	RET
