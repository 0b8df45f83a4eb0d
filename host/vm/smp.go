// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"regexp"
	"runtime"
)

// ordered says that this host keeps the order of memory accesses that x86
// promises, so that QEMU may emulate each CPU in a thread of its own. RISC-V's
// promises less than any host.
const ordered = runtime.GOARCH == "amd64"

// accelArg is the accelerator with what several CPUs need. On a host whose
// memory is ordered less strictly than the guest's the choice is QEMU's: older
// ones then emulate all CPUs in one thread (docs/devel/multi-thread-tcg.rst).
func (c *Config) accelArg() string {
	if c.Accel == TCG && c.CPUs > 1 && (ordered || c.Machine == Virt) {
		return TCG + ",thread=multi"
	}
	return c.Accel
}

// refusedCPUs matches how QEMU refuses a number of CPUs: for the machine type
// (hw/core/machine-smp.c), for KVM (accel/kvm/kvm-all.c).
var refusedCPUs = regexp.MustCompile(`(Invalid SMP CPUs .*|Number of SMP cpus requested .* exceeds the maximum .*|current -smp configuration requires .*)`)

// RefusedCPUs is what QEMU said of more CPUs than it, the machine type or the
// accelerator can do; empty if it said nothing of that kind.
func (p *Process) RefusedCPUs() string {
	for _, line := range p.Stderr.Lines(10) {
		if why := refusedCPUs.FindString(line); why != "" {
			return why
		}
	}
	return ""
}
