// SPDX-License-Identifier: Apache-2.0

// Package vm starts the virtual machine that a guest runs in: it builds QEMU's
// command line, starts QEMU, and makes sure that it ends.
//
// The machine has four connections, all over descriptors that QEMU inherits,
// so that no path, port or socket file can be left behind or be guessed by
// somebody else: the host channel to the host (isa-debugcon at 0xe9), the host
// channel to the guest (the second serial port), the kernel's log (the first
// serial port), and the files of kernel and boot archive (/dev/fd/N).
//
// A QEMU never outlives loam. It runs in a process group of its own, so that
// Ctrl-C reaches loam alone, which then kills it; and on Linux the kernel
// kills it when loam dies without a chance to (PR_SET_PDEATHSIG).
//
// The guest is hostile: QEMU is started with its system-call filter where it
// has one, with no network, disk, monitor or display, and everything it writes
// is read with bounded memory.
package vm

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"loam/abi/channel"
)

// Machine is a QEMU machine type.
type Machine string

const (
	// MicroVM is the smallest and quickest machine; it has no PCI and no VGA.
	MicroVM Machine = "microvm"
	// Q35 is a PC.
	Q35 Machine = "q35"
)

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

// Exit statuses of QEMU that the kernel asks for through isa-debug-exit, and
// the one of a machine that was reset or powered off.
const (
	StatusEnded = 0x10<<1 | 1 // 33: orderly
	StatusPanic = 0x11<<1 | 1 // 35: kernel panic
	StatusReset = 0           // triple fault, reset or power-off
)

// Param is one word of the kernel's command line, key=value.
type Param struct{ Key, Value string }

// Config describes a machine.
type Config struct {
	QEMU      string   // path of qemu-system-x86_64
	Machine   Machine  // MicroVM or Q35
	Accel     string   // TCG, KVM or HVF
	Missing   []string // CPU features that the accelerator lacks
	Sandbox   bool     // QEMU has its system-call filter
	CPUs      int      // 1..MaxCPUs
	MemoryMiB int      // MinMemory..MaxMemory
	Room      uint64   // bytes that the program needs to start at all

	Kernel  *os.File // PVH image
	Archive *os.File // boot archive, or nil
	Params  []Param  // the kernel's command line

	// Ring, if not nil, is a file of channel.RingSize bytes that becomes the
	// guest's memory at channel.RingAddr.
	Ring *os.File

	// Deterministic counts instructions instead of time, from a fixed date.
	// It needs TCG and one CPU: QEMU emulates several by turns then, but when it
	// changes from one to the next is not the same in each run (tried with 7.2:
	// one run in ten differs on a busy host).
	Deterministic bool

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
	case c.Machine != MicroVM && c.Machine != Q35:
		return fmt.Errorf("no machine %q (there are %s and %s)", c.Machine, MicroVM, Q35)
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
		"-cpu", CPU(c.Missing), "-m", strconv.Itoa(c.MemoryMiB) + "M"}
	if c.Ring != nil {
		a = append(a, c.memoryArgs(devFD(in.add(c.Ring)))...)
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
	chardev("out", w.out)
	chardev("in", w.in)
	a = append(a,
		"-device", "isa-serial,index=0,chardev=log",
		"-device", "isa-serial,index=1,chardev=in",
		"-device", "isa-debugcon,iobase=0xe9,chardev=out",
		"-device", "isa-debug-exit,iobase=0xf4,iosize=4")
	if c.ControlSocket != nil {
		chardev("control", c.ControlSocket)
		a = append(a, "-mon", "chardev=control,mode=control")
	}
	return a, in.files
}

// memoryArgs makes the memory of three pieces, the middle one shared with loam
// through the file at path. Pieces are what QEMU calls the nodes of a NUMA
// machine; the kernel does not look at them. Sharing all of the memory would need
// no pieces, but a shared file gets no huge pages on most hosts: a program that
// walks through 256 MiB then takes 1.2 times as long.
func (c *Config) memoryArgs(path string) []string {
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

// machineArg leaves out of the machine what the kernel does not use: each
// part costs start-up time. The kernel takes its interrupts from the IO-APIC
// and local APIC, and the date from its command line.
func (c *Config) machineArg() string {
	if c.Machine == MicroVM {
		return "microvm,acpi=off,pit=off,pic=off,rtc=off,x-option-roms=off,isa-serial=off,auto-kernel-cmdline=off"
	}
	return "q35,usb=off"
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

func devFD(n int) string { return "/dev/fd/" + strconv.Itoa(n) }
