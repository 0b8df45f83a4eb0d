// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"strings"
	"testing"

	"loam/test/vm/vmtest"
)

// The assistant that misbehaves, on one machine of each kind.
func TestMisbehave(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, machine := range []string{"microvm", "q35"} {
		t.Run(machine, func(t *testing.T) {
			t.Parallel()
			vmtest.Run(t, "--machine", machine, "-m", "128M", vmtest.Program(t, "misbehave")).Cases(t)
		})
	}
}

// A program that eats all memory is killed, and the kernel says so, unless a
// call that asks for more is the first to fail: Go's runtime then ends it. What
// it wrote before arrives.
func TestMemoryEater(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, memory := range []string{"32M", "128M", "1G"} {
		t.Run(memory, func(t *testing.T) {
			r := vmtest.Run(t, "-m", memory, vmtest.Program(t, "tool"), "eat")
			if r.Code != 2 || !strings.Contains(string(r.Stderr), "fatal error: out of memory") {
				r.WantReason(t, 137, "out of memory", "tool", "-m")
			}
			if string(r.Stdout) != "hungry\n" {
				t.Errorf("what it wrote before is lost: %s", r)
			}
		})
	}
}

// Calls that nobody knows are counted, and -v shows it.
func TestUnknownCallsCounted(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	r := vmtest.Run(t, "-v", vmtest.Program(t, "misbehave"), "unknown calls")
	if !strings.Contains(string(r.Stderr), "unknown") {
		t.Errorf("-v does not count unknown calls: %s", r)
	}
	r.Want(t, 0)
}
