// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"testing"

	"loam/test/vm/vmtest"
)

// escape is a program, and how it ends.
type escape struct {
	name string
	code []byte
	exit int
}

// Programs that once stopped the kernel, or got into it.
func TestEscapes(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, c := range machineCode().escapes {
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
