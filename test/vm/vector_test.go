// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"testing"

	hostvm "loam/host/vm"
	"loam/test/vm/vmtest"
)

// On harts with vectors, of several lengths, threads have vector registers of their own
// whatever interrupts and moves them, and the assistant that misbehaves gets no further.
func TestVectors(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	if vmtest.Arch() != hostvm.RISCV64 {
		t.Skip("a CPU for amd64 always has them: TestBehave and TestSMP")
	}
	for _, length := range []string{"128", "256", "1024"} {
		t.Run(length, func(t *testing.T) {
			t.Parallel()
			flags := []string{"--cpu", "v=on", "--cpu", "vlen=" + length, "--cpus"}
			run := func(cpus, program string, cases ...string) {
				args := append(append([]string{}, flags...), cpus, vmtest.Program(t, program))
				vmtest.Run(t, append(args, cases...)...).Cases(t)
			}
			run("1", "behave", "vector", "hashes", "tight loop")
			run("2", "smp", "migrate: registers")
			run("1", "misbehave", "sigreturn", "invalid", "registers")
		})
	}
}
