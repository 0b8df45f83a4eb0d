// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// riscv64.Pause, which this package can't import.
#define PAUSE WORD $0x0100000f

// func Pause()
TEXT ·Pause(SB),NOSPLIT,$0-0
	PAUSE
	RET
