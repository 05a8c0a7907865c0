//go:build !purego

#include "textflag.h"

// Lanes are 32 bits; half is 1<<21, the shift 22 bits: see weightBits.

DATA order<>+0(SB)/4, $0
DATA order<>+4(SB)/4, $4
DATA order<>+8(SB)/4, $1
DATA order<>+12(SB)/4, $5
DATA order<>+16(SB)/4, $2
DATA order<>+20(SB)/4, $6
DATA order<>+24(SB)/4, $3
DATA order<>+28(SB)/4, $7
GLOBL order<>(SB), RODATA|NOPTR, $32

// func blendAVX2(dst, src []uint8, stride int, w []int32)
// Requires: AVX, AVX2
TEXT ·blendAVX2(SB), NOSPLIT, $0-80
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), CX
	MOVQ src_base+24(FP), SI
	MOVQ stride+48(FP), DX
	MOVQ w_base+56(FP), R8
	MOVQ w_len+64(FP), R9

	MOVL         $0x200000, AX
	VMOVD        AX, X15
	VPBROADCASTD X15, Y15      // half
	VMOVDQU      order<>(SB), Y14

blocks: // of 32 bytes
	CMPQ    CX, $32
	JLT     words
	VMOVDQA Y15, Y0
	VMOVDQA Y15, Y1
	VMOVDQA Y15, Y2
	VMOVDQA Y15, Y3
	MOVQ    SI, R10
	XORQ    R11, R11

taps:
	VPBROADCASTD (R8)(R11*4), Y4
	VPMOVZXBD    (R10), Y5
	VPMOVZXBD    8(R10), Y6
	VPMOVZXBD    16(R10), Y7
	VPMOVZXBD    24(R10), Y8
	VPMULLD      Y4, Y5, Y5
	VPMULLD      Y4, Y6, Y6
	VPMULLD      Y4, Y7, Y7
	VPMULLD      Y4, Y8, Y8
	VPADDD       Y5, Y0, Y0
	VPADDD       Y6, Y1, Y1
	VPADDD       Y7, Y2, Y2
	VPADDD       Y8, Y3, Y3
	ADDQ         DX, R10
	INCQ         R11
	CMPQ         R11, R9
	JLT          taps

	// Packing works on each half of a register: order puts the halves right.
	VPSRAD    $22, Y0, Y0
	VPSRAD    $22, Y1, Y1
	VPSRAD    $22, Y2, Y2
	VPSRAD    $22, Y3, Y3
	VPACKSSDW Y1, Y0, Y0
	VPACKSSDW Y3, Y2, Y2
	VPACKUSWB Y2, Y0, Y0
	VPERMD    Y0, Y14, Y0
	VMOVDQU   Y0, (DI)
	ADDQ      $32, DI
	ADDQ      $32, SI
	SUBQ      $32, CX
	JMP       blocks

words: // of 8 bytes
	CMPQ    CX, $8
	JLT     done
	VMOVDQA Y15, Y0
	MOVQ    SI, R10
	XORQ    R11, R11

wordTaps:
	VPBROADCASTD (R8)(R11*4), Y4
	VPMOVZXBD    (R10), Y5
	VPMULLD      Y4, Y5, Y5
	VPADDD       Y5, Y0, Y0
	ADDQ         DX, R10
	INCQ         R11
	CMPQ         R11, R9
	JLT          wordTaps

	VPSRAD       $22, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPACKSSDW    X1, X0, X0
	VPACKUSWB    X0, X0, X0
	VMOVQ        X0, (DI)
	ADDQ         $8, DI
	ADDQ         $8, SI
	SUBQ         $8, CX
	JMP          words

done:
	VZEROUPPER
	RET
