// SPDX-License-Identifier: Apache-2.0

package vdso

import (
	"strings"
	"testing"

	"golang.org/x/arch/x86/x86asm"
)

// TestCodeAMD64 disassembles the function: what it loads from the data page, where
// its jumps land, and that it can't run on behind its end.
func TestCodeAMD64(t *testing.T) {
	page := build(t, BuildAMD64)
	_, size := lookup(t, page, "LINUX_2.6", "__vdso_clock_gettime")
	starts := map[uint64]string{}
	var targets []uint64
	var loads []int64
	last := ""
	for pc := uint64(codeAt); pc < codeAt+size; {
		in, err := x86asm.Decode(page[pc:codeAt+size], 64)
		if err != nil {
			t.Fatalf("at %d: %v", pc, err)
		}
		last = strings.Fields(in.String())[0]
		starts[pc] = last
		pc += uint64(in.Len)
		for _, a := range in.Args {
			switch a := a.(type) {
			case x86asm.Rel:
				targets = append(targets, pc+uint64(int64(a)))
			case x86asm.Mem:
				if a.Base == x86asm.RIP {
					loads = append(loads, int64(pc)+int64(int32(a.Disp)))
				}
			}
		}
	}
	if last != "RET" {
		t.Errorf("ends with %s", last)
	}
	if want := []string{"LFENCE", "XOR", "MOV"}; len(targets) != 3 ||
		starts[targets[0]] != want[0] || starts[targets[1]] != want[2] || starts[targets[2]] != want[1] {
		t.Errorf("jumps land at %v", targets)
	}
	if len(loads) != 2 || loads[0] != scaleAt-PageSize || loads[1] != wallAt-PageSize {
		t.Errorf("reads data at %v", loads)
	}
}
