// SPDX-License-Identifier: Apache-2.0

//loam:nocall
//loam:newstack
TEXT ·entry<>(SB), 4, $0
	RET

//loam:nofpu
TEXT other·gate(SB), 4, $0-0
	RET

//loam:nofpu

TEXT ·stray(SB), 4, $0
	RET
