//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package metal

// The boot log: what a person wants to know of the machine, a line each, short
// enough for the 80 columns of a VGA console.

// item begins a line of the log under a heading of fixed width.
func item(heading string) {
	const width = 12
	stamp()
	puts(heading)
	for range width - len(heading) {
		put(' ')
	}
}

func logBoot() {
	logCPU()
	logMemory()
	logImage()
	logTime()
	item("consoles")
	puts("COM1")
	if vga {
		puts(", VGA text 80x25")
	}
	put('\n')
	if archive.Size != 0 {
		item("archive")
		putSize(archive.Size)
		puts(" at 0x")
		putHex(archive.Base, 1)
		put('\n')
	}
}

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

// hypervisorName says who runs the machine, by the signature of leaf
// 40000000H.
func hypervisorName() string {
	const hypervisor = 1 << 31
	if _, _, c, _ := cpuid(1, 0); c&hypervisor == 0 {
		return ""
	}
	switch _, b, _, _ := cpuid(0x40000000, 0); b {
	case 'T' | 'C'<<8 | 'G'<<16 | 'T'<<24:
		return ", emulated (TCG)"
	case 'K' | 'V'<<8 | 'M'<<16 | 'K'<<24:
		return ", under KVM"
	}
	return ", under a hypervisor"
}

func logMemory() {
	item("memory")
	putSize(usable.Total())
	puts(" usable in ")
	putDec(uint64(usable.Len()))
	puts(" ranges, ")
	putSize(frames.Stats().Free * pageSize)
	puts(" free\n")
	if lost := usable.Lost() + leftOut; lost != 0 {
		item("")
		putSize(lost)
		puts(" not used: in too many pieces, or too small ones\n")
	}
}

func logImage() {
	item("kernel")
	puts("text rx ")
	putSize(header.TextEnd - header.TextStart)
	puts(", rodata r ")
	putSize(header.RodataEnd - header.RodataStart)
	puts(", data rw ")
	putSize(header.DataEnd - header.DataStart)
	put('\n')
}

func logTime() {
	item("time")
	puts("TSC at ")
	putDec(tscHz / 1_000_000)
	put('.')
	putPadded(tscHz/1000%1000, 3, '0')
	puts(" MHz, ")
	if tscGiven {
		puts("as told")
	} else {
		puts("measured")
	}
	put('\n')
	item("date")
	putDate(WallTime() / 1e9)
	put('\n')
}

// putSize writes a number of bytes in KiB or MiB.
func putSize(n uint64) {
	switch {
	case n < 10<<20:
		putDec(n >> 10)
		puts(" KiB")
	default:
		putDec(n >> 20)
		puts(" MiB")
	}
}
