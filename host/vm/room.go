// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"debug/elf"
	"fmt"
)

// kernelRoom is what the kernel needs in bytes besides its image and the boot
// archive, to come up and start a program: page tables, stacks, its own heap.
// Measured: with 7 MiB in all, q35 starts the smallest program with 830 KiB
// left for it, and with 730 KiB it does not.
const kernelRoom = 768 << 10

// cpuRoom is what it needs in bytes for each CPU but the first: stacks, and what
// the schedulers of its and of the program's Go runtime keep for each. Measured:
// a Go hello runs with 9 MiB on one CPU, 11 on 8 and 26 on 64.
const cpuRoom = 256 << 10

// checkRoom refuses a machine too small for what is loaded into it. QEMU puts
// the archive at the end of a PC's memory, unasked over the kernel's image if it
// must: such a kernel resets the machine before it can say anything.
func (c *Config) checkRoom() error {
	need := kernelRoom + c.Room + cpuRoom*uint64(max(0, c.CPUs-1))
	archive := uint64(0)
	if c.Archive != nil {
		info, err := c.Archive.Stat()
		if err != nil {
			return err
		}
		archive = uint64(info.Size())
	}
	if c.Machine == Virt {
		return c.checkVirtRoom(archive, need)
	}
	image, err := elf.NewFile(c.Kernel)
	if err != nil {
		return nil // not one of ours: QEMU says what it thinks of it
	}
	end := uint64(0)
	for _, p := range image.Progs {
		if p.Type == elf.PT_LOAD {
			end = max(end, p.Paddr+p.Memsz)
		}
	}
	need += end + archive
	if have := uint64(c.MemoryMiB) << 20; have >= need {
		return nil
	}
	return c.tooLittle(int((need + 1<<20 - 1) >> 20))
}

// tooLittle is the error of a machine that must have so many MiB at least.
func (c *Config) tooLittle(least int) error {
	on := ""
	if c.CPUs > 1 {
		on = fmt.Sprintf(" on %d CPUs", c.CPUs)
	}
	return fmt.Errorf("%d MiB of memory are too little: kernel and program take at least %d to start%s (-m %dM)",
		c.MemoryMiB, least, on, least)
}
