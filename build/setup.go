// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// qemu is the one program that Loam needs besides Go.
const qemu = "qemu-system-x86_64"

// manager is a package manager that can install QEMU.
type manager struct {
	name   string
	goos   string     // where it is looked for
	asRoot bool       // wants root
	steps  [][]string // a step that fails is fatal only if it is the last
}

// managers are tried in this order.
var managers = []manager{
	{"apt-get", "linux", true, [][]string{
		{"apt-get", "update"},
		{"apt-get", "install", "-y", "--no-install-recommends", "qemu-system-x86"}}},
	{"dnf", "linux", true, [][]string{
		{"dnf", "install", "-y", "qemu-system-x86"}}},
	{"pacman", "linux", true, [][]string{
		{"pacman", "-Sy"},
		{"pacman", "-S", "--noconfirm", "--needed", "qemu-system-x86"}}},
	{"brew", "darwin", false, [][]string{
		{"brew", "install", "qemu"}}},
	{"brew", "linux", false, [][]string{
		{"brew", "install", "qemu"}}},
}

// host is what the choice of an installer depends on.
type host struct {
	goos string
	root bool
	has  func(program string) bool
}

// thisHost describes the machine we run on.
func thisHost() host {
	return host{runtime.GOOS, os.Geteuid() == 0, func(program string) bool {
		_, err := exec.LookPath(program)
		return err == nil
	}}
}

// plan returns the commands that install QEMU on h; none if it is there. The
// error says what a person has to type where we can't do it.
func (h host) plan() ([][]string, error) {
	if h.has(qemu) {
		return nil, nil
	}
	for _, m := range managers {
		if m.goos != h.goos || !h.has(m.name) {
			continue
		}
		if !m.asRoot || h.root {
			return m.steps, nil
		}
		if !h.has("sudo") {
			return nil, fmt.Errorf("QEMU (%s) is missing and installing it takes root; as root, type:\n\t%s",
				qemu, shell(m.steps))
		}
		var steps [][]string
		for _, s := range m.steps {
			steps = append(steps, append([]string{"sudo"}, s...))
		}
		return steps, nil
	}
	switch h.goos {
	case "darwin":
		return nil, fmt.Errorf("QEMU (%s) is missing; install Homebrew from https://brew.sh, then type:\n\tbrew install qemu", qemu)
	case "windows":
		return nil, fmt.Errorf("QEMU (%s) is missing; use Loam inside WSL 2, or type:\n\twinget install SoftwareFreedomConservancy.QEMU", qemu)
	}
	return nil, fmt.Errorf("QEMU (%s) is missing and there is no apt, dnf, pacman or brew here; "+
		"install your system's QEMU package for x86-64 (often qemu-system-x86 or qemu)", qemu)
}

// shell returns commands the way a person types them.
func shell(steps [][]string) string {
	var lines []string
	for _, s := range steps {
		lines = append(lines, strings.Join(s, " "))
	}
	return strings.Join(lines, " && ")
}

// setupTarget is "setup": it installs what is missing.
func setupTarget(b *builder, _ []string) error {
	h := thisHost()
	steps, err := h.plan()
	if err != nil || steps == nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "setup  installing QEMU: %s\n", shell(steps))
	for i, s := range steps {
		// A package list that can't be refreshed may still serve; only the
		// last command decides.
		err := b.run([]string{"DEBIAN_FRONTEND=noninteractive"}, s[0], s[1:]...)
		if err != nil && i == len(steps)-1 {
			return fmt.Errorf("could not install QEMU; when it is mended, or by hand, type:\n\t%s\n%w", shell(steps), err)
		}
	}
	if !h.has(qemu) {
		return errors.New("the package manager reported success, but there is no " + qemu + " in PATH")
	}
	return nil
}
