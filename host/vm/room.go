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
// the archive at the end of memory, unasked over the kernel's image if it must:
// such a kernel resets the machine before it can say anything.
func (c *Config) checkRoom() error {
	image, err := elf.NewFile(c.Kernel)
	if err != nil {
		return nil // not one of ours: QEMU says what it thinks of it
	}
	need := uint64(0)
	for _, p := range image.Progs {
		if p.Type == elf.PT_LOAD {
			need = max(need, p.Paddr+p.Memsz)
		}
	}
	need += kernelRoom + c.Room + cpuRoom*uint64(max(0, c.CPUs-1))
	if c.Archive != nil {
		info, err := c.Archive.Stat()
		if err != nil {
			return err
		}
		need += uint64(info.Size())
	}
	if have := uint64(c.MemoryMiB) << 20; have >= need {
		return nil
	}
	least := (need + 1<<20 - 1) >> 20
	on := ""
	if c.CPUs > 1 {
		on = fmt.Sprintf(" on %d CPUs", c.CPUs)
	}
	return fmt.Errorf("%d MiB of memory are too little: kernel and program take at least %d to start%s (-m %dM)",
		c.MemoryMiB, least, on, least)
}
