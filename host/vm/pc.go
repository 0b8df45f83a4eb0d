// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"

	"loam/abi/channel"
)

// The machines for amd64. The host channel goes out by isa-debugcon and comes in
// by the second serial port. The kernel takes its interrupts from the IO-APIC and
// local APIC, and the date from its command line.
const (
	microVMArg = "microvm,acpi=off,pit=off,pic=off,rtc=off,x-option-roms=off,isa-serial=off,auto-kernel-cmdline=off"
	q35Arg     = "q35,usb=off"
)

var pcDevices = []string{
	"-device", "isa-serial,index=0,chardev=log",
	"-device", "isa-serial,index=1,chardev=in",
	"-device", "isa-debugcon,iobase=0xe9,chardev=out",
	"-device", "isa-debug-exit,iobase=0xf4,iosize=4",
}

// pcMemory makes the memory of three pieces, the middle one shared with loam
// through the file at path. Pieces are what QEMU calls the nodes of a NUMA
// machine; the kernel does not look at them. Sharing all of the memory would need
// no pieces, but a shared file gets no huge pages on most hosts: a program that
// walks through 256 MiB then takes 1.2 times as long.
func (c *Config) pcMemory(path string) []string {
	const kib, ringEnd = 1 << 10, channel.RingAddr + channel.RingSize
	anonymous := func(id string, size int) string {
		return fmt.Sprintf("memory-backend-ram,id=%s,size=%dK", id, size/kib)
	}
	return []string{
		"-object", anonymous("low", channel.RingAddr),
		"-object", fmt.Sprintf("memory-backend-file,id=ring,size=%dK,mem-path=%s,share=on", channel.RingSize/kib, path),
		"-object", anonymous("high", c.MemoryMiB<<20-ringEnd),
		"-numa", "node,memdev=low", "-numa", "node,memdev=ring", "-numa", "node,memdev=high",
	}
}
