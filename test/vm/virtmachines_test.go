// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"strings"
	"testing"

	hostvm "loam/host/vm"
	"loam/test/vm/vmtest"
)

// TestBareMachines: machines that loam doesn't start, by the kernel itself and by
// OpenSBI. Where there is something to be missed, that is said.
func TestBareMachines(t *testing.T) {
	t.Parallel()
	qemu := riscvQEMU(t)
	kernel, err := flatKernel()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		args  []string
		want  string
		stage string // under -bios none instead
		panic bool
	}{
		{name: "ACLINT", args: []string{"-M", "virt,aclint=on", "-smp", "4"}, want: "4 harts of 4"},
		{name: "8 harts", args: []string{"-M", "virt", "-smp", "8"}, want: "8 harts of 8"},
		{name: "16 MiB", args: []string{"-M", "virt", "-m", "16M"}, want: " MiB usable in "},
		{name: "8 GiB", args: []string{"-M", "virt", "-m", "8G"}, want: "818"},
		{name: "U54", args: []string{"-M", "virt", "-cpu", "sifive-u54", "-smp", "2"}, want: "timer by SBI"},
		{name: "no Sstc", args: []string{"-M", "virt", "-cpu", "rv64,sstc=off", "-smp", "2"}, want: "timer by SBI"},
		{name: "vectors", args: []string{"-M", "virt", "-cpu", "rv64,v=on", "-smp", "2"}, want: "rv64imafdcv"},
		{name: "no floating point", args: []string{"-M", "virt", "-cpu", "rv64,d=off,f=off"}, want: poorHart, panic: true},
		{name: "no translation", args: []string{"-M", "virt", "-cpu", "rv64,mmu=off"}, want: "this hart can't translate addresses", stage: noHarts, panic: true},
	} {
		for _, bios := range []string{"none", "default"} {
			t.Run(c.name+"/"+bios, func(t *testing.T) {
				t.Parallel()
				m := bare{qemu: qemu, bios: bios, args: append(c.args, "-kernel", kernel, "-append", "mode=boot")}
				status, words, last := hostvm.StatusEnded, c.want, noProgram
				if c.panic {
					status, last = hostvm.StatusPanic, ""
				}
				if bios == "none" && c.stage != "" {
					words = c.stage
				}
				m.run(t).want(t, status, words, last)
			})
		}
	}
}

// TestOtherBoards: boards without a 16550, a seed and anything that ends them.
func TestOtherBoards(t *testing.T) {
	t.Parallel()
	qemu := riscvQEMU(t)
	kernel, err := flatKernel()
	if err != nil {
		t.Fatal(err)
	}
	seeded := "mode=boot seed=" + strings.Repeat("01", 32)
	for _, c := range []struct {
		machine, bios, line, until string
		words                      []string
	}{
		{"sifive_u", "default", seeded, noProgram, []string{"4 harts of 5", "consoles    SBI's\r", "timer by SBI"}},
		{"sifive_u", "default", "mode=run", halted, []string{noSeed}},
		{"sifive_u", "none", seeded, "the hart has no time register", nil},
		{"spike", "default", "mode=run", noSeed, nil},
	} {
		t.Run(c.machine+"/"+c.bios+"/"+c.line[:8], func(t *testing.T) {
			t.Parallel()
			harts := "1"
			if c.machine == "sifive_u" {
				harts = "5"
			}
			m := bare{qemu: qemu, bios: c.bios, until: c.until,
				args: []string{"-M", c.machine, "-smp", harts, "-m", "256M", "-kernel", kernel, "-append", c.line}}
			m.run(t).want(t, -1, append(c.words, c.until)...)
		})
	}
}

// TestQEMUsLoader: QEMU gives the kernel a devicetree from a file, and its own seed,
// command line and archive.
func TestQEMUsLoader(t *testing.T) {
	t.Parallel()
	qemu := riscvQEMU(t)
	kernel, err := flatKernel()
	if err != nil {
		t.Fatal(err)
	}
	tree := virtTree(t, qemu, 1)
	memory(0, ramAt, 0, ramSize/4, 0, ramAt+ramSize/2, 0, ramSize/2)(tree)
	archive := vmtest.File(t, "archive", make([]byte, 100))
	for _, bios := range []string{"none", "default"} {
		t.Run(bios, func(t *testing.T) {
			t.Parallel()
			args := []string{"-M", "virt", "-m", "64M", "-dtb", vmtest.File(t, "tree", tree.Bytes()), "-kernel", kernel, "-initrd", archive}
			args = append(args, hostPort...)
			m := bare{qemu: qemu, bios: bios, args: append(args, "-append", "mode=boot")}
			m.run(t).want(t, hostvm.StatusEnded, "archive     0 KiB", "4", noProgram)
			m.args = append(args, "-append", "mode=run")
			m.run(t).want(t, hostvm.StatusEnded, noProgram)
		})
	}
}
