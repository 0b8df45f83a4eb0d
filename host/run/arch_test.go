// SPDX-License-Identifier: Apache-2.0

package run

import (
	"encoding/binary"
	"strings"
	"testing"

	"loam/host/exit"
	"loam/host/program"
	"loam/host/vm"
)

// both runs a test for each architecture.
func both(t *testing.T, f func(t *testing.T, arch string)) {
	for _, arch := range vm.Arches {
		t.Run(arch, func(t *testing.T) { f(t, arch) })
	}
}

// testKernel is as much of a kernel image as loam looks at: of a flat one, that it
// takes 5 MiB.
func testKernel(arch string) []byte {
	if arch == vm.AMD64 {
		return []byte("a kernel")
	}
	b := make([]byte, 64)
	binary.LittleEndian.PutUint64(b[16:], 5<<20)
	copy(b[0x30:], "RISCV")
	return append(b, "a kernel"...)
}

// TestCommandLineRISCV64: what differs there.
func TestCommandLineRISCV64(t *testing.T) {
	s := newSessionOn(t, vm.RISCV64, "command line")
	s.CPUProps, s.Verbose = []string{"v=on"}, true
	res, err := s.run()
	if err != nil || res.Machine != vm.Virt || res.Ring != 0x805b0000 {
		t.Fatalf("%+v, %v", res, err)
	}
	for _, want := range []string{"-machine virt,", "-bios none", "-cpu rv64,", ",v=on ", "-m 512M", " ring=0x805b0000 ", "-append mode=run time="} {
		if !strings.Contains(s.out.String(), want) {
			t.Errorf("no %q in %s", want, s.out.String())
		}
	}
	for _, want := range []string{"machine: virt, 512 MiB, 1 CPU, QEMU", "guest CPU: rv64,", "accelerator: tcg"} {
		if !strings.Contains(s.messages.String(), want) {
			t.Errorf("no %q in %s", want, s.messages.String())
		}
	}
	s = newSessionOn(t, vm.RISCV64, "command line")
	s.Accel, s.Deterministic = "", true
	if _, err := s.run(); err != nil {
		t.Fatal(err)
	}
	want := "-append mode=run time=1767225600000000000 seed=" + fixedSeed + " cpus=1 eof=1"
	if out := s.out.String(); !strings.Contains(out, want) || !strings.Contains(out, "-icount shift=0,sleep=off") || strings.Contains(out, "tsc=") {
		t.Error(out)
	}
}

// TestArchitectures: the program's own, or what was asked for if that fits it.
func TestArchitectures(t *testing.T) {
	for _, c := range []struct {
		prog, arch string // of the program; asked for
		machine    vm.Machine
		want       vm.Machine
		code       int
	}{
		{vm.AMD64, "", "", vm.MicroVM, 0},
		{vm.RISCV64, "", "", vm.Virt, 0},
		{"", "", "", vm.MicroVM, 0},
		{"", vm.RISCV64, "", vm.Virt, 0},
		{"", "", vm.Virt, vm.Virt, 0},
		{vm.AMD64, vm.AMD64, vm.Q35, vm.Q35, 0},
		{vm.RISCV64, vm.RISCV64, vm.Virt, vm.Virt, 0},
		{vm.RISCV64, vm.AMD64, "", "", 126},
		{vm.AMD64, vm.RISCV64, "", "", 126},
		{vm.RISCV64, "", vm.Q35, "", 126},
		{vm.AMD64, "", vm.Virt, "", 126},
		{vm.AMD64, vm.AMD64, vm.Virt, "", 125},
		{"", vm.RISCV64, vm.MicroVM, "", 125},
		{"", "vax", "", "", 125},
	} {
		o := Options{Arch: c.arch, Machine: c.machine}
		err := o.chooseMachine(&program.Program{Path: "prog", Arch: c.prog})
		if exit.Code(err) != c.code || err == nil && (o.Machine != c.want || o.Arch != c.want.Arch()) {
			t.Errorf("%+v: %+v, %v", c, o.Machine, err)
		}
		if c.code == 126 && !strings.Contains(err.Error(), "prog: is for "+c.prog) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
