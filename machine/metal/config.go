//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/bootinfo"

// configure takes from the command line what concerns the machine floor.
func configure() {
	line := CommandLine()
	if mode, ok := bootinfo.Lookup(line, "mode"); ok && string(mode) == "boot" {
		bootMode = true
		if vga = hasVGA(); vga {
			vgaClear()
		}
		showLog()
	}
	if v, _ := bootinfo.Flag(line, "log"); v {
		showLog()
	}
	inEnded, _ = bootinfo.Flag(line, "eof")
	if ns, code := bootinfo.Uint(line, "time"); code == bootinfo.OK {
		wallStart = int64(ns)
	}
}

// CommandLine returns the kernel's command line, without a NUL.
func CommandLine() []byte {
	return info.CommandLineBytes(memory.Below(earlyMapped))
}

// Archive returns the boot archive, in the direct map; nil if there is none.
func Archive() []byte {
	if archive.Size == 0 {
		return nil
	}
	return memory.Bytes(archive.Base, archive.Size)
}

// ArchivePhys returns the physical address of the boot archive.
func ArchivePhys() uint64 { return archive.Base }

func startClock() {
	hz, code := bootinfo.Uint(CommandLine(), "tsc")
	tscGiven = code == bootinfo.OK && hz >= 1_000_000 && hz <= 100_000_000_000
	if !tscGiven {
		hz = measureTSC()
	}
	setTSC(hz)
	if wallStart == 0 {
		wallStart = readRTC()
	}
}
