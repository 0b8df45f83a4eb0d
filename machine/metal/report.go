//go:build loam

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
	logConsoles()
	put('\n')
	if archive.Size != 0 {
		item("archive")
		putSize(archive.Size)
		puts(" at 0x")
		putHex(archive.Base, 1)
		put('\n')
	}
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
	logClock()
	put('\n')
	item("date")
	putDate(WallTime() / 1e9)
	put('\n')
}

// putMHz writes a rate in Hz.
func putMHz(hz uint64) {
	putDec(hz / 1_000_000)
	put('.')
	putPadded(hz/1000%1000, 3, '0')
	puts(" MHz")
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
