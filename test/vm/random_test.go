// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"encoding/binary"
	"math/bits"
	"testing"

	"loam/test/vm/vmtest"
)

// addresses is a program that moves itself: it writes where its code, its stack,
// its heap of brk and a mapping are, four words.
func addresses(t *testing.T) string {
	const dynamic = 3 // ET_DYN
	e := vmtest.ELF{Type: dynamic, Entry: 0x1000, Segments: []vmtest.Segment{{Addr: 0x1000, Data: machineCode().where}}}
	return vmtest.File(t, "addresses", e.Bytes())
}

// Where a program's parts lie differs from run to run, in many bits, and so do
// their distances; on a deterministic machine nothing differs.
func TestRandomAddresses(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	program := addresses(t)
	run := func(flags ...string) (a [4]uint64) {
		r := vmtest.Run(t, append(flags, program)...)
		if r.Code != 0 || len(r.Stdout) != 32 {
			t.Fatal(r)
		}
		for i := range a {
			a[i] = binary.LittleEndian.Uint64(r.Stdout[8*i:])
		}
		return a
	}
	names := [...]string{"code", "stack", "brk", "mapping", "stack to mapping", "code to brk"}
	var runs [][6]uint64
	for range 6 {
		a := run()
		runs = append(runs, [6]uint64{a[0], a[1], a[2], a[3], a[1] - a[3], a[2] - a[0]})
	}
	for i, name := range names {
		differ := uint64(0) // in which bits
		for k, r := range runs {
			for _, s := range runs[:k] {
				if r[i] == s[i] {
					t.Errorf("%s: twice %#x", name, r[i])
				}
				differ |= r[i] ^ s[i]
			}
		}
		if n := bits.OnesCount64(differ >> 12); n < 9 {
			t.Errorf("%s: %d bits differ: %x", name, n, runs)
		}
	}
	if a, b := run("--deterministic"), run("--deterministic"); a != b {
		t.Errorf("deterministic machines: %x, %x", a, b)
	}
}
