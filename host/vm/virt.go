// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"

	"loam/abi/channel"
)

// The machine for riscv64, QEMU's virt. Its one serial port is the kernel's log;
// the host channel is a second one on PCI, for both directions. It ends by the
// test finisher, which virt always has. The devicetree says all that.
//
// Rejected for the host channel: virtio-console (queues to be set up before the
// kernel can say its first word), semihosting (it opens the host's files to the
// guest).

// What Config.Firmware may be.
const (
	NoFirmware = "none"    // the kernel starts in machine mode
	OpenSBI    = "opensbi" // the firmware that comes with QEMU
)

const (
	virtArg = "virt,usb=off"

	// VirtCPU is the guest's CPU: RV64GC with the extensions for bits and timers
	// that programs and kernel may use, without vectors and hypervisor. QEMU 7.2
	// gives rv64 the same but for the last; what newer ones add to it (cache-block
	// instructions, atomic compare-and-swap and others) can't be switched off by
	// names that 7.2 knows, so the machine is the same under the same QEMU only.
	VirtCPU = "rv64,zba=on,zbb=on,zbc=on,zbs=on,sstc=on,v=off,h=off"
)

var virtDevices = []string{
	"-serial", "chardev:log",
	"-device", "pci-serial,chardev=channel",
}

func (c *Config) biosArg() string {
	if c.Firmware == OpenSBI {
		return "default"
	}
	return "none"
}

var cpuProperty = regexp.MustCompile(`^[A-Za-z0-9_-]+=[A-Za-z0-9]+$`)

// checkVirt is the part of Check about what only Virt has.
func (c *Config) checkVirt() error {
	switch {
	case c.Machine != Virt && (c.Firmware != "" || c.CPUProps != nil):
		return fmt.Errorf("%s has no choice of firmware and CPU properties", c.Machine)
	case c.Firmware != "" && c.Firmware != NoFirmware && c.Firmware != OpenSBI:
		return fmt.Errorf("no firmware %q (there are %s and %s)", c.Firmware, NoFirmware, OpenSBI)
	case c.Machine == Virt && c.Accel != TCG:
		return fmt.Errorf("%s needs the %s accelerator", Virt, TCG)
	}
	for _, p := range c.CPUProps {
		if !cpuProperty.MatchString(p) {
			return fmt.Errorf("bad property of a CPU: %q", p)
		}
	}
	return nil
}

// virtMemory makes all of the memory from the file at path: pieces as in pcMemory
// must each have a CPU there.
func (c *Config) virtMemory(path string) []string {
	return []string{"-object", fmt.Sprintf("memory-backend-file,id=ram,size=%dM,mem-path=%s,share=on", c.MemoryMiB, path)}
}

const (
	virtRAM      = 0x80000000 // where memory begins (hw/riscv/virt.c)
	firmwareSize = 2 << 20    // OpenSBI's part of it
	largePage    = 2 << 20
	maxInitrd    = 128 << 20 // QEMU puts the archive so far behind the kernel, or half of the memory
	maxTree      = 1 << 30   // QEMU puts the devicetree below that
)

// virtLayout says where things lie in a Virt's memory, as offsets from its start
// (hw/riscv/boot.c). QEMU puts archive and devicetree where it thinks fit, and
// refuses to start, or loads one over the other, where they don't.
type virtLayout struct {
	kernelEnd uint64 // of the image with its bss
	ring      uint64 // 0: there is no room for one
	archive   uint64
	tree      uint64 // the devicetree: the end of what can be loaded
}

func layoutVirt(mib int, firmware string, kernel uint64) virtLayout {
	memory := uint64(mib) << 20
	start := uint64(0)
	if firmware == OpenSBI {
		start = firmwareSize
	}
	l := virtLayout{
		kernelEnd: start + kernel,
		archive:   start + min(memory/2, maxInitrd),
		tree:      (min(memory, maxTree) - 1) &^ (largePage - 1),
	}
	// At the end of the last large page that the image begins, or of the next: a
	// place that splits no other. Else right behind the image.
	at := roundUp(l.kernelEnd+channel.RingSize, largePage) - channel.RingSize
	if at+channel.RingSize > l.archive {
		at = roundUp(l.kernelEnd, 64<<10)
	}
	if at+channel.RingSize <= min(l.archive, l.tree) {
		l.ring = at
	}
	return l
}

func roundUp(v, to uint64) uint64 { return (v + to - 1) / to * to }

// fits reports whether an archive of a size can be loaded, and leaves as much of
// the memory as is needed.
func (l *virtLayout) fits(mib int, archive, need uint64) bool {
	return l.kernelEnd <= l.archive && l.archive+archive <= l.tree &&
		l.kernelEnd+archive+need <= uint64(mib)<<20
}

// errNotFlat is returned for a kernel that is none of ours.
var errNotFlat = errors.New("not a flat kernel image")

// flatHead is as much of a flat image as is looked at.
const flatHead = 64

// flatSize is the size in memory of a flat image, from the header that it has in
// common with Linux (Documentation/arch/riscv/boot-image-header.rst).
func flatSize(kernel io.ReaderAt) (uint64, error) {
	var b [flatHead]byte
	if _, err := kernel.ReadAt(b[:], 0); err != nil {
		return 0, errNotFlat
	}
	size := binary.LittleEndian.Uint64(b[16:])
	if string(b[0x30:0x38]) != "RISCV\x00\x00\x00" || size == 0 || size > 1<<30 {
		return 0, errNotFlat
	}
	return size, nil
}

// IsKernel reports whether a file looks like a kernel image for an architecture.
func IsKernel(arch string, image []byte) bool {
	if arch == RISCV64 {
		_, err := flatSize(bytes.NewReader(image))
		return err == nil
	}
	return bytes.HasPrefix(image, []byte("\x7fELF"))
}

// checkVirtRoom is checkRoom for Virt.
func (c *Config) checkVirtRoom(archive, need uint64) error {
	kernel, err := flatSize(c.Kernel)
	if err != nil {
		return nil // QEMU starts whatever it is
	}
	for mib := c.MemoryMiB; mib <= MaxMemory; mib++ {
		l := layoutVirt(mib, c.Firmware, kernel)
		if l.fits(mib, archive, need) {
			if mib == c.MemoryMiB {
				return nil
			}
			return c.tooLittle(mib)
		}
	}
	return fmt.Errorf("the boot archive of %d MiB can't be loaded: QEMU takes less on %s", archive>>20, Virt)
}

// FirmwareFile is the file of firmware that a QEMU loads for OpenSBI, below one of
// its data folders.
const FirmwareFile = "opensbi-riscv64-generic-fw_dynamic.bin"

// ResetText says what has happened to a machine that ended with StatusReset.
func (m Machine) ResetText() string {
	if m == Virt {
		return "the machine was reset or switched off"
	}
	return "the machine was reset (a triple fault of the kernel?)"
}
