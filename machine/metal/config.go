//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/bootinfo"

// configure takes from the command line what concerns the machine floor.
func configure() {
	line := CommandLine()
	if mode, ok := bootinfo.Lookup(line, "mode"); ok && string(mode) == "boot" {
		bootMode = true
		startScreen()
		showLog()
	}
	if v, _ := bootinfo.Flag(line, "log"); v {
		showLog()
	}
	eof, _ := bootinfo.Flag(line, "eof")
	inEnded = eof || bootMode
	if ns, code := bootinfo.Uint(line, "time"); code == bootinfo.OK {
		wallStart = int64(ns)
	}
}

// Archive returns the boot archive, in the direct map; nil if there is none.
func Archive() []byte {
	if archive.Size == 0 {
		return nil
	}
	return memory.Bytes(archive.Base, archive.Size)
}

// BootMode reports whether people watch the consoles: standard input is empty, and what
// programs write goes to the log.
func BootMode() bool { return bootMode }

// ArchivePhys returns the physical address of the boot archive.
func ArchivePhys() uint64 { return archive.Base }
