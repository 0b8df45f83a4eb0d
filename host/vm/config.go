// SPDX-License-Identifier: Apache-2.0

// Package vm starts the virtual machine that a guest runs in: it builds QEMU's
// command line, starts QEMU, and makes sure that it ends.
//
// All of the machine's connections are over descriptors that QEMU inherits, so
// that no path, port or socket file can be left behind or be guessed by somebody
// else: the host channel, the kernel's log (the first serial port), and the files
// of kernel and boot archive (/dev/fd/N). What an architecture's machine is made
// of is in pc.go for amd64 and virt.go for riscv64.
//
// A QEMU never outlives loam. It runs in a process group of its own, so that
// Ctrl-C reaches loam alone, which then kills it; and on Linux the kernel
// kills it when loam dies without a chance to (PR_SET_PDEATHSIG).
//
// The guest is hostile: QEMU is started with its system-call filter where it
// has one, with no network, monitor or display, with the devices that were asked for
// (Device) and no others, and everything it writes is read with bounded memory.
package vm

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Machine is a QEMU machine type.
type Machine string

const (
	// MicroVM is the smallest and quickest machine; it has no PCI and no VGA.
	MicroVM Machine = "microvm"
	// Q35 is a PC.
	Q35 Machine = "q35"
	// Virt is the machine for riscv64.
	Virt Machine = "virt"
)

// The architectures of machines, by their GOARCH names.
const (
	AMD64   = "amd64"
	RISCV64 = "riscv64"
)

// Arches are the architectures, the default first.
var Arches = []string{AMD64, RISCV64}

// Arch is the architecture of a machine type.
func (m Machine) Arch() string {
	if m == Virt {
		return RISCV64
	}
	return AMD64
}

// DefaultMachine is the quickest machine of an architecture.
func DefaultMachine(arch string) Machine {
	if arch == RISCV64 {
		return Virt
	}
	return MicroVM
}

// Accelerators, by QEMU's names.
const (
	TCG = "tcg" // software emulation: everywhere, slow
	KVM = "kvm" // Linux
	HVF = "hvf" // macOS
)

const (
	// MinMemory is the least memory of a guest, in MiB.
	MinMemory = 4
	// MaxMemory is the most memory of a guest, in MiB.
	MaxMemory = 1 << 20
	// MaxCPUs bounds the number of virtual CPUs.
	MaxCPUs = 64
)

// Exit statuses of QEMU that the kernel asks for, by the device isa-debug-exit or
// virt's test finisher, and the one of a machine that was reset or powered off.
const (
	StatusEnded = 0x10<<1 | 1 // 33: orderly
	StatusPanic = 0x11<<1 | 1 // 35: kernel panic
	StatusReset = 0           // triple fault, reset or power-off
)

// Param is one word of the kernel's command line, key=value.
type Param struct{ Key, Value string }

// Config describes a machine.
type Config struct {
	QEMU      string   // path of the QEMU for the machine's architecture
	Machine   Machine  // MicroVM, Q35 or Virt
	Accel     string   // TCG, KVM or HVF
	Missing   []string // CPU features that the accelerator lacks
	Firmware  string   // Virt: NoFirmware (also if empty) or OpenSBI
	CPUProps  []string // Virt: further properties of the CPU, such as "v=on"
	Sandbox   bool     // QEMU has its system-call filter
	CPUs      int      // 1..MaxCPUs
	MemoryMiB int      // MinMemory..MaxMemory
	Room      uint64   // bytes that the program needs to start at all

	Kernel  *os.File // PVH image; for Virt a flat one
	Archive *os.File // boot archive, or nil
	Params  []Param  // the kernel's command line
	Devices []Device // device i has Machine.Place(i)

	// Ring, if not nil, is what NewRing made for this machine.
	Ring *Ring

	// Deterministic counts instructions instead of time, from a fixed date.
	// It needs TCG and one CPU: QEMU emulates several by turns then, but when it
	// changes from one to the next is not the same in each run (tried with 7.2:
	// one run in ten differs on a busy host).
	Deterministic bool
	// Counted lets a deterministic machine have devices, for measurements: when they answer depends on
	// the host.
	Counted bool

	// VGA gives the machine (Q35) a VGA card, shown by Display (a name of
	// QEMU's -display; empty: none).
	VGA     bool
	Display string
	// ControlSocket, if not nil, is QEMU's end of a QMP connection.
	ControlSocket *os.File
}

// DeterministicEpoch is the date at which a deterministic machine is switched
// on, in nanoseconds since 1970: 2026-01-01 00:00:00 UTC.
const DeterministicEpoch = 1767225600000000000

// Check reports the first thing that makes c impossible.
func (c *Config) Check() error {
	switch {
	case c.Machine != MicroVM && c.Machine != Q35 && c.Machine != Virt:
		return fmt.Errorf("no machine %q (there are %s and %s for amd64 and %s for riscv64)", c.Machine, MicroVM, Q35, Virt)
	case c.Accel != TCG && c.Accel != KVM && c.Accel != HVF:
		return fmt.Errorf("no accelerator %q (there are %s, %s and %s)", c.Accel, TCG, KVM, HVF)
	case c.CPUs < 1 || c.CPUs > MaxCPUs:
		return fmt.Errorf("%d CPUs: 1 to %d are possible", c.CPUs, MaxCPUs)
	case c.MemoryMiB < MinMemory || c.MemoryMiB > MaxMemory:
		return fmt.Errorf("%d MiB of memory: %d to %d are possible", c.MemoryMiB, MinMemory, MaxMemory)
	case c.Deterministic && c.Accel != TCG:
		return errors.New("a deterministic machine needs the tcg accelerator")
	case c.Deterministic && c.CPUs != 1:
		return errors.New("a deterministic machine has one CPU: several run in an order that is left to chance")
	case c.VGA && c.Machine != Q35:
		return fmt.Errorf("%s has no VGA", c.Machine)
	case c.Kernel == nil:
		return errors.New("no kernel image")
	}
	if err := c.checkVirt(); err != nil {
		return err
	}
	if err := c.checkDevices(); err != nil {
		return err
	}
	_, err := cmdline(c.Params)
	return err
}

// cmdline joins the kernel's parameters. The line has no quoting, so that a
// value may hold no white space or control character.
func cmdline(params []Param) (string, error) {
	var b strings.Builder
	for i, p := range params {
		if p.Key == "" || strings.ContainsFunc(p.Key, notWord) || strings.Contains(p.Key, "=") {
			return "", fmt.Errorf("bad name of a kernel parameter: %q", p.Key)
		}
		if strings.ContainsFunc(p.Value, notWord) {
			return "", fmt.Errorf("bad value of the kernel parameter %s: %q", p.Key, p.Value)
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(p.Key + "=" + p.Value)
	}
	return b.String(), nil
}

func notWord(r rune) bool { return r <= ' ' || r >= 0x7f }

// Descriptor numbers that QEMU inherits: os/exec puts ExtraFiles from 3 on.
type inherited struct {
	files []*os.File
}

// add returns the number that f has in QEMU.
func (in *inherited) add(f *os.File) int {
	in.files = append(in.files, f)
	return 2 + len(in.files)
}

// wires are QEMU's ends of its connections.
type wires struct {
	out, in, log *os.File
}

// args returns QEMU's arguments, without its name, and the files it inherits
// for them. c has passed Check.
func (c *Config) args(w wires) ([]string, []*os.File) {
	var in inherited
	a := []string{"-nodefaults", "-no-user-config", "-no-reboot",
		"-name", "loam", "-machine", c.machineArg(), "-accel", c.accelArg(),
		"-cpu", c.cpuArg(), "-m", strconv.Itoa(c.MemoryMiB) + "M"}
	if c.Machine == Virt {
		a = append(a, "-bios", c.biosArg())
	}
	if c.Ring != nil {
		a = append(a, c.memoryArgs(devFD(in.add(c.Ring.file)))...)
	}
	if c.CPUs > 1 {
		a = append(a, "-smp", strconv.Itoa(c.CPUs))
	}
	if c.Sandbox {
		a = append(a, "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny")
	}
	a = append(a, c.displayArgs()...)
	if c.Deterministic {
		a = append(a, "-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01,clock=vm", "-seed", "1")
	}
	a = append(a, "-kernel", devFD(in.add(c.Kernel)))
	if c.Archive != nil {
		a = append(a, "-initrd", devFD(in.add(c.Archive)))
	}
	if line, _ := cmdline(c.Params); line != "" {
		// QEMU doubles no commas here: -append takes its argument as it is.
		a = append(a, "-append", line)
	}
	chardev := func(id string, f *os.File) {
		a = append(a, "-chardev", fmt.Sprintf("socket,id=%s,fd=%d", id, in.add(f)))
	}
	chardev("log", w.log)
	if c.Machine == Virt {
		chardev("channel", w.out)
		a = append(a, virtDevices...)
	} else {
		chardev("out", w.out)
		chardev("in", w.in)
		a = append(a, pcDevices...)
	}
	a = append(a, c.deviceArgs(&in)...)
	if c.ControlSocket != nil {
		chardev("control", c.ControlSocket)
		a = append(a, "-mon", "chardev=control,mode=control")
	}
	return a, in.files
}

// machineArg is the machine without what the kernel does not use, as far as it
// can be left out: each part costs start-up time.
func (c *Config) machineArg() string {
	switch {
	case c.Machine == MicroVM:
		return microVMArg
	case c.Machine == Q35:
		return q35Arg
	case c.Ring != nil:
		return virtArg + ",memory-backend=ram"
	}
	return virtArg
}

// cpuArg is the model of the guest's CPU.
func (c *Config) cpuArg() string {
	if c.Machine == Virt {
		return strings.Join(append([]string{VirtCPU}, c.CPUProps...), ",")
	}
	return CPU(c.Missing)
}

func (c *Config) displayArgs() []string {
	d := c.Display
	if d == "" {
		d = "none"
	}
	a := []string{"-display", d}
	if c.VGA {
		a = append(a, "-vga", "std")
	} else if c.Machine == Q35 {
		a = append(a, "-vga", "none")
	}
	return a
}

// memoryArgs makes the memory of which the file at path is a part.
func (c *Config) memoryArgs(path string) []string {
	if c.Machine == Virt {
		return c.virtMemory(path)
	}
	return c.pcMemory(path)
}

func devFD(n int) string { return "/dev/fd/" + strconv.Itoa(n) }
