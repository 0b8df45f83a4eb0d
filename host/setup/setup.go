// SPDX-License-Identifier: Apache-2.0

// Package setup knows how QEMU, the one program that Loam needs, is installed
// by the package managers of the systems that Loam runs on.
package setup

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// QEMU is the name of the program.
const QEMU = "qemu-system-x86_64"

// Manager is a package manager.
type Manager struct {
	Program string
	System  string // GOOS on which it is looked for, or empty: any
	Root    bool   // it wants to be root
	// Steps install QEMU for x86-64 guests. Only the last has to succeed.
	Steps [][]string
}

// Managers are tried in this order.
var Managers = []Manager{
	{"apt-get", "linux", true, [][]string{
		{"apt-get", "update"},
		{"apt-get", "install", "-y", "--no-install-recommends", "qemu-system-x86"}}},
	{"dnf", "linux", true, [][]string{{"dnf", "install", "-y", "qemu-system-x86"}}},
	{"pacman", "linux", true, [][]string{{"pacman", "-Sy", "--noconfirm", "--needed", "qemu-system-x86"}}},
	{"zypper", "linux", true, [][]string{{"zypper", "install", "-y", "qemu-x86"}}},
	{"apk", "linux", true, [][]string{{"apk", "add", "qemu-system-x86_64"}}},
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

// Steps returns the commands that install QEMU, with sudo where needed; none
// if no package manager is known here.
func (h Host) Steps() [][]string {
	for _, m := range Managers {
		if (m.System != "" && m.System != h.System) || !h.Has(m.Program) {
			continue
		}
		steps := m.Steps
		if m.Root && !h.Root {
			steps = nil
			for _, s := range m.Steps {
				steps = append(steps, append([]string{"sudo"}, s...))
			}
		}
		return steps
	}
	return nil
}

// Hint says what to type to install QEMU, in one line.
func (h Host) Hint() string {
	var lines []string
	for _, s := range h.Steps() {
		lines = append(lines, strings.Join(s, " "))
	}
	switch {
	case lines != nil:
		return strings.Join(lines, " && ")
	case h.System == "darwin":
		return "install Homebrew (https://brew.sh), then: brew install qemu"
	case h.System == "windows":
		return "use loam inside WSL 2"
	}
	return "install your system's QEMU package for x86-64 (often qemu-system-x86 or qemu)"
}
