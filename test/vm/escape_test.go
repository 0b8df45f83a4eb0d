// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"testing"

	"loam/test/vm/vmtest"
)

// Programs that once stopped the kernel, or got into it.
func TestEscapes(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	// A read maps a page of the file, which a write has to copy.
	readData := []byte{0x8a, 0x04, 0x25, 0, 0, 0x50, 0}                      // MOV AL, [0x500000]
	alarm := join([]byte{0x68, 0x50, 0xc3, 0, 0, 0x6a, 0, 0x6a, 0, 0x6a, 0}, // PUSH 50000, 0, 0, 0
		mov(rdi, 0), []byte{0x48, 0x89, 0xe6}, mov(rdx, 0), mov(rax, 38), syscallCode) // setitimer
	// The code goes on at 0x400020.
	farJump := join(
		[]byte{0xc7, 0x04, 0x25, 0, 0, 0x50, 0, 0x20, 0, 0x40, 0},  // MOV DWORD [0x500000], 0x400020
		[]byte{0x66, 0xc7, 0x04, 0x25, 4, 0, 0x50, 0, 0x18 | 3, 0}, // MOV WORD [0x500004], 0x1b
		[]byte{0xff, 0x2c, 0x25, 0, 0, 0x50, 0},                    // JMP FAR [0x500000]
	)
	for _, c := range []struct {
		name string
		code []byte
		exit int
	}{
		// The kernel's write at the thread's end left pages to flush behind,
		// and no space to flush.
		{"exit copies a page", join(readData,
			mov(rax, 218), mov(rdi, 0x500008), syscallCode, // set_tid_address
			exitCode(7)), 7},
		{"exit of the thread copies a page", join(readData,
			mov(rax, 218), mov(rdi, 0x500008), syscallCode,
			mov(rax, 60), mov(rdi, 8), syscallCode), 8},
		// The same from idle: the remainder of a sleep that a signal ends.
		{"alarm copies a page", join(readData, alarm,
			[]byte{0x6a, 0, 0x6a, 10, 0x48, 0x89, 0xe7},   // 10 s
			mov(rsi, 0x500008), mov(rax, 35), syscallCode, // nanosleep
			exitCode(99)), 142},
		// A write that an eventfd has no room for was tried again and again
		// inside the kernel, which then didn't see the alarm.
		{"eventfd overflows", join(alarm,
			mov(rdi, 1), mov(rsi, 0), mov(rax, 290), syscallCode, // eventfd2
			[]byte{0x89, 0xc7, 0x6a, 0xfe, 0x48, 0x89, 0xe6}, // of 2^64-2
			mov(rdx, 8), mov(rax, 1), syscallCode, exitCode(99)), 142},
		// SYSCALL in 32-bit code enters the kernel through CSTAR.
		{"far jump to 32-bit code", join(farJump, make([]byte, 0x20-len(farJump)), syscallCode, exitCode(99)), 139},
		// QEMU reads the stack of a far return as the kernel would, which SMAP
		// forbids; the fault came again and again.
		{"far return to 32-bit code", join(
			[]byte{0x6a, 0x18 | 3, 0x68, 0x20, 0, 0x40, 0, 0x48, 0xcb}, make([]byte, 0x20-9), syscallCode), 139},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := vmtest.ELF{Segments: []vmtest.Segment{
				{Addr: 0x400000, Data: c.code},
				{Addr: 0x500000, Flags: vmtest.R | vmtest.W, Data: make([]byte, 8192)},
			}}
			r := vmtest.Run(t, "--timeout", "30s", vmtest.File(t, "program", e.Bytes()))
			r.Want(t, c.exit)
		})
	}
}

// A call that a signal interrupts starts again, also when another thread takes
// the signal. It did so later, at a signal of its own, and with its instruction
// pointer two bytes before wherever it was by then.
func TestCallsStartAgain(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	vmtest.Run(t, "--timeout", "60s", vmtest.Program(t, "restart")).WantStdout(t, 0, "ok\n")
}
