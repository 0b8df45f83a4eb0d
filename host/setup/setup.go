// SPDX-License-Identifier: Apache-2.0

// Package setup knows how QEMU, the one program that Loam needs, is installed
// by the package managers of the systems that Loam runs on.
package setup

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// QEMU is the name of the program for machines of an architecture, by its GOARCH
// name.
func QEMU(arch string) string {
	if arch == "riscv64" {
		return "qemu-system-riscv64"
	}
	return "qemu-system-x86_64"
}

// Variable is the environment variable that names another program in its place.
// There are two, so that one that is set for all commands serves both kinds of
// machines.
func Variable(arch string) string {
	if arch == "riscv64" {
		return "LOAM_QEMU_RISCV64"
	}
	return "LOAM_QEMU"
}

var programs = []string{QEMU("amd64"), QEMU("riscv64")}

// Manager is a package manager.
type Manager struct {
	Program string
	System  string // GOOS on which it is looked for, or empty: any
	Root    bool   // it wants to be root
	// Steps install QEMU for x86-64 and RISC-V guests, with the firmware for the
	// latter (OpenSBI). Only the last has to succeed.
	Steps [][]string
}

// Managers are tried in this order. On Debian and Ubuntu qemu-system-riscv64 is
// part of qemu-system-misc or, in newer ones, of qemu-system-riscv; it is a name
// that both provide.
var Managers = []Manager{
	{"apt-get", "linux", true, [][]string{
		{"apt-get", "update"},
		{"apt-get", "install", "-y", "--no-install-recommends", "qemu-system-x86", "qemu-system-riscv64"}}},
	{"dnf", "linux", true, [][]string{{"dnf", "install", "-y", "qemu-system-x86", "qemu-system-riscv"}}},
	{"pacman", "linux", true, [][]string{{"pacman", "-Sy", "--noconfirm", "--needed", "qemu-system-x86", "qemu-system-riscv"}}},
	{"zypper", "linux", true, [][]string{{"zypper", "install", "-y", "qemu-x86", "qemu-extra"}}},
	{"apk", "linux", true, [][]string{{"apk", "add", "qemu-system-x86_64", "qemu-system-riscv64"}}},
	{"brew", "", false, [][]string{{"brew", "install", "qemu"}}},
}

// Host is what the choice depends on.
type Host struct {
	System string // GOOS
	Root   bool
	Has    func(program string) bool
}

// ThisHost describes the machine we run on.
func ThisHost() Host {
	return Host{runtime.GOOS, os.Geteuid() == 0, func(program string) bool {
		_, err := exec.LookPath(program)
		return err == nil
	}}
}

// Missing returns the names of QEMU's programs that are not there.
func (h Host) Missing() []string {
	var out []string
	for _, p := range programs {
		if !h.Has(p) {
			out = append(out, p)
		}
	}
	return out
}

// Plan returns the commands that install QEMU here, with sudo where needed;
// none if it is there. The error says what a person has to type, on a line of
// its own, where we can't do it.
func (h Host) Plan() ([][]string, error) {
	missing := strings.Join(h.Missing(), ", ")
	m := h.manager()
	switch {
	case missing == "":
		return nil, nil
	case m == nil:
		return nil, fmt.Errorf("QEMU (%s) is missing: %s", missing, h.Hint())
	case !m.Root || h.Root:
		return m.Steps, nil
	case !h.Has("sudo"):
		return nil, fmt.Errorf("QEMU (%s) is missing and installing it takes root; as root, type:\n\t%s", missing, Shell(m.Steps))
	}
	return withSudo(m.Steps), nil
}

// manager returns the package manager to use, or nil.
func (h Host) manager() *Manager {
	for i := range Managers {
		m := &Managers[i]
		if (m.System == "" || m.System == h.System) && h.Has(m.Program) {
			return m
		}
	}
	return nil
}

func withSudo(steps [][]string) [][]string {
	var out [][]string
	for _, s := range steps {
		out = append(out, append([]string{"sudo"}, s...))
	}
	return out
}

// Shell returns commands the way a person types them.
func Shell(steps [][]string) string {
	var lines []string
	for _, s := range steps {
		lines = append(lines, strings.Join(s, " "))
	}
	return strings.Join(lines, " && ")
}

// Hint says what to type to install QEMU, in one line.
func (h Host) Hint() string {
	m := h.manager()
	switch {
	case m != nil && m.Root && !h.Root && h.Has("sudo"):
		return Shell(withSudo(m.Steps))
	case m != nil && m.Root && !h.Root:
		return "as root: " + Shell(m.Steps)
	case m != nil:
		return Shell(m.Steps)
	case h.System == "darwin":
		return "install Homebrew (https://brew.sh), then: brew install qemu"
	case h.System == "windows":
		return "use Loam inside WSL 2"
	}
	return "install your system's QEMU packages for x86-64 and RISC-V (often qemu-system-x86 and qemu-system-riscv, or qemu)"
}
