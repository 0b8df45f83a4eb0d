// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

// sleeperCode sleeps again and again for the time at its first argument.
var sleeperCode = []byte{
	0x31, 0xf6, // xor esi, esi
	0xb8, 35, 0, 0, 0, // mov eax, nanosleep
	0x0f, 0x05, // syscall
	0xeb, 0xf5, // jmp, to the start
}
