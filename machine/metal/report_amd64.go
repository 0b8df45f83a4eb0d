//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// logCPU names the processor (SDM vol. 2A, CPUID leaves 80000002H to 4H) and
// its guards.
func logCPU() {
	item("processor")
	for leaf := uint32(0x80000002); leaf <= 0x80000004; leaf++ {
		a, b, c, d := cpuid(leaf, 0)
		for _, w := range [4]uint32{a, b, c, d} {
			for ; w != 0; w >>= 8 {
				put(byte(w))
			}
		}
	}
	puts(hypervisorName())
	put('\n')
	if cpuCount > 1 || lateCPUs > 0 {
		item("")
		putDec(cpuCount)
		puts(" CPUs of ")
		putDec(uint64(table.Count))
		puts(" by ")
		puts(table.Source.String())
		if x2apic {
			puts(", x2APIC")
		}
		put('\n')
	}
	if hasTags {
		item("translations")
		puts("kept by PCID\n")
	}
	item("guards")
	puts("W^X, NX, guard pages")
	for _, g := range [...]struct {
		on   bool
		name string
	}{{hasSMEP, "SMEP"}, {hasSMAP, "SMAP"}, {hasUMIP, "UMIP"}} {
		if g.on {
			puts(", ")
			puts(g.name)
		} else {
			puts(", no ")
			puts(g.name)
		}
	}
	put('\n')
	item("registers")
	putDec(uint64(fpuSize))
	puts(" bytes of FPU state a thread\n")
}

// signatureTCG is how the signature of QEMU's TCG begins.
const signatureTCG = 'T' | 'C'<<8 | 'G'<<16 | 'T'<<24

// emulated reports whether it is QEMU that runs each instruction.
func emulated() bool {
	const hypervisor = 1 << 31
	_, _, c, _ := cpuid(1, 0)
	_, b, _, _ := cpuid(0x40000000, 0)
	return c&hypervisor != 0 && b == signatureTCG
}

// hypervisorName says who runs the machine, by the signature of leaf
// 40000000H.
func hypervisorName() string {
	const hypervisor = 1 << 31
	if _, _, c, _ := cpuid(1, 0); c&hypervisor == 0 {
		return ""
	}
	switch _, b, _, _ := cpuid(0x40000000, 0); b {
	case signatureTCG:
		return ", emulated (TCG)"
	case 'K' | 'V'<<8 | 'M'<<16 | 'K'<<24:
		return ", under KVM"
	}
	return ", under a hypervisor"
}
