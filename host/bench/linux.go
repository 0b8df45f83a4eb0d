// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"loam/host/run"
	"loam/host/vm"
)

// linuxCommand is the command that runs the same hello as the first program of
// Linux: the same QEMU, CPU model and memory as Loam's, on q35 or virt, which
// Debian's kernels have the drivers for, with emulation only.
func (w *wall) linuxCommand() ([]string, error) {
	qemu, err := run.FindQEMU(w.Arch, "")
	if err != nil {
		return nil, err
	}
	elf, err := os.ReadFile(filepath.Join(w.Root, program(w.Arch, progHello)))
	if err != nil {
		return nil, err
	}
	initrd := filepath.Join(w.temp, "initrd")
	if err := os.WriteFile(initrd, initramfs(elf), 0o644); err != nil {
		return nil, err
	}
	machine, cpu := vm.Q35, vm.CPU(nil)
	if w.Arch == vm.RISCV64 {
		machine, cpu = vm.Virt, vm.VirtCPU
	}
	return []string{qemu, "-machine", string(machine), "-accel", "tcg", "-cpu", cpu, "-m", fmt.Sprint(memoryMiB),
		"-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio",
		"-kernel", w.Linux, "-initrd", initrd, "-append", linuxQuiet}, nil
}

// linuxQuiet are parameters of a Linux that says nothing of its own.
const linuxQuiet = "console=ttyS0 quiet panic=-1"

// initFile is one more file of an initramfs; without data it is a folder.
type initFile struct {
	name string
	data []byte
}

// initramfs is a cpio archive in the newc form (cpio(5)) that holds /init,
// /dev/console for its output, and what is wanted besides.
func initramfs(init []byte, more ...initFile) []byte {
	const directory, executable, device = 0o040755, 0o100755, 0o020600
	var b bytes.Buffer
	entry := func(name string, mode, major, minor int, data []byte) {
		// Magic, then in hexadecimal: inode, mode, user, group, links, time,
		// size, the device it is on (two numbers), the device it is (two),
		// length of the name with its NUL, no checksum.
		fmt.Fprintf(&b, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", b.Len(), mode, 0, 0, 1, 0,
			len(data), 0, 0, major, minor, len(name)+1, 0)
		b.WriteString(name + "\x00")
		b.Write(make([]byte, -b.Len()&3))
		b.Write(data)
		b.Write(make([]byte, -b.Len()&3))
	}
	entry("dev", directory, 0, 0, nil)
	entry("dev/console", device, 5, 1, nil)
	entry("init", executable, 0, 0, init)
	for _, f := range more {
		mode := executable
		if f.data == nil {
			mode = directory
		}
		entry(f.name, mode, 0, 0, f.data)
	}
	entry("TRAILER!!!", 0, 0, 0, nil)
	return b.Bytes()
}
