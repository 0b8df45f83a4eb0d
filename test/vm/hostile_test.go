// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"testing"

	"loam/test/vm/vmtest"
)

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// death is a program, and how it ends.
type death struct {
	name string
	code []byte
	exit int
	why  string // in loam's line; empty: any or none
}

// Programs that die of what no handler of theirs takes: 128+N, and a line that
// says why where the program itself is to blame. Behind each stands an exit
// with 99, which must not be reached.
func TestDeaths(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, c := range machineCode().deaths {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := vmtest.Run(t, vmtest.Code(t, "prog", join(c.code, exitCode(99))))
			if c.why != "" {
				r.WantReason(t, c.exit, c.why)
			}
			r.WantStdout(t, c.exit, "")
		})
	}
}

// wear is a program, and how it may end.
type wear struct {
	name string
	code []byte
	exit []int
}

// Programs that try to wear the kernel out: it goes on, and ends them in time.
func TestWearingOut(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, c := range machineCode().wears {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := vmtest.Run(t, "-m", "64M", "--timeout", "2s", vmtest.Code(t, "prog", c.code))
			for _, want := range c.exit {
				if r.Code == want {
					return
				}
			}
			t.Errorf("want exit status %d\n%s", c.exit, r)
		})
	}
}

// A program's segments, as it gets them.
func TestSegments(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	// exit(data[0] + bss[last] + ...): each must be what the file says.
	sum := machineCode().sum
	data := bytes.Repeat([]byte{9}, 5000)
	e := vmtest.ELF{Segments: []vmtest.Segment{
		{Addr: 0x400000, Data: sum(0x600010, 0x601397, 0x601398, 0x602000, 0x6fffff)},
		// Begins in the middle of a page, ends in one: the rest is zero.
		{Addr: 0x600010, Flags: vmtest.R | vmtest.W, Data: data, Size: 0x100000 - 0x10},
	}}
	vmtest.Run(t, vmtest.File(t, "prog", e.Bytes())).WantStdout(t, 18, "")
	// As many segments as there may be.
	e = vmtest.ELF{Segments: []vmtest.Segment{{Addr: 0x400000}}}
	var at []uint32
	for i := range 15 {
		addr := 0x1000000 + uint64(i)*0x10000
		e.Segments = append(e.Segments, vmtest.Segment{Addr: addr, Flags: vmtest.R, Data: []byte{byte(i)}})
		at = append(at, uint32(addr))
	}
	e.Segments[0].Data = sum(at...)
	vmtest.Run(t, vmtest.File(t, "prog", e.Bytes())).WantStdout(t, 105, "")
}
