// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"slices"
	"strings"
)

// The guest's CPU is one fixed model, the same under every accelerator and on
// every host: code compiled on the host for it runs in any guest, and a
// deterministic run gives the same bytes everywhere. It is x86-64-v3 (x86-64
// psABI, section 3.1.1) plus what the kernel wants for itself. QEMU 7.2's
// software emulation has all of it; it lacks RDSEED, which is why the kernel
// seeds from RDRAND.
//
// Rejected: -cpu max and -cpu host (differ by QEMU version and by host), and
// named models such as Haswell (contain features that emulation lacks and
// warns about, and differ by QEMU version unless versioned).
const cpuBase = "qemu64,-svm"

// codeFeatures are those that programs and compiled modules may use. An
// accelerator that lacks one of them can't run the model and is not used.
var codeFeatures = []string{
	"ssse3", "sse4.1", "sse4.2", "popcnt", "cx16",
	"xsave", "avx", "avx2", "fma", "f16c", "movbe", "bmi1", "bmi2", "abm",
	"aes", "pclmulqdq", "rdrand", "nx",
}

// kernelFeatures are those that the kernel looks for and can do without. What
// an accelerator lacks is left out under that accelerator.
var kernelFeatures = []string{"xsaveopt", "fsgsbase", "smep", "smap", "pdpe1gb", "rdtscp", "erms"}

// Features returns the guest CPU's features beyond plain x86-64, by QEMU's
// names, without those of missing.
func Features(missing []string) []string {
	all := slices.Concat(codeFeatures, kernelFeatures)
	return slices.DeleteFunc(all, func(f string) bool { return slices.Contains(missing, f) })
}

// Needed returns those of missing without which the guest CPU is no longer
// the model that programs are compiled for.
func Needed(missing []string) []string {
	var n []string
	for _, f := range missing {
		// pni is SSE3, part of qemu64 itself.
		if slices.Contains(codeFeatures, f) || f == "pni" {
			n = append(n, f)
		}
	}
	return n
}

// CPU returns the argument of QEMU's -cpu for the guest CPU without the
// features in missing.
func CPU(missing []string) string {
	var b strings.Builder
	b.WriteString(cpuBase)
	for _, f := range Features(missing) {
		b.WriteString(",+" + f)
	}
	return b.String()
}

// DescribeCPU says, for people, what the CPU of a machine's guest is.
func DescribeCPU(m Machine, missing, props []string) string {
	if m == Virt {
		return (&Config{Machine: m, CPUProps: props}).cpuArg()
	}
	return "x86-64 " + strings.Join(Features(missing), " ")
}
