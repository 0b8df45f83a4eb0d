// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"slices"
	"strings"
	"testing"
)

func TestHint(t *testing.T) {
	for _, c := range []struct {
		system string
		root   bool
		has    []string
		want   string
	}{
		{"linux", true, []string{"apt-get"}, "apt-get update && apt-get install -y --no-install-recommends qemu-system-x86 qemu-system-riscv64"},
		{"linux", false, []string{"apt-get", "sudo"}, "sudo apt-get update && sudo apt-get install"},
		{"linux", false, []string{"apt-get"}, "as root: apt-get update && apt-get install"},
		{"linux", true, []string{"dnf", "brew"}, "dnf install -y qemu-system-x86 qemu-system-riscv"},
		{"linux", true, []string{"pacman"}, "pacman -Sy --noconfirm --needed qemu-system-x86 qemu-system-riscv"},
		{"darwin", false, []string{"brew", "apt-get"}, "brew install qemu"},
		{"darwin", false, nil, "Homebrew"},
		{"linux", false, []string{"brew"}, "brew install qemu"},
		{"linux", true, nil, "your system's QEMU packages"},
		{"windows", false, nil, "WSL"},
	} {
		h := Host{c.system, c.root, func(p string) bool { return slices.Contains(c.has, p) }}
		if got := h.Hint(); !strings.Contains(got, c.want) {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestPlan(t *testing.T) {
	for name, c := range map[string]struct {
		goos string
		root bool
		has  []string
		want string // commands as typed; "" for none
		err  string // part of the error's text
	}{
		"there already": {goos: "linux", has: append(programs, "apt-get")},
		"half of it": {goos: "linux", root: true, has: []string{QEMU("amd64"), "apt-get"},
			want: "apt-get update && apt-get install -y --no-install-recommends qemu-system-x86 qemu-system-riscv64"},
		"debian, root": {goos: "linux", root: true, has: []string{"apt-get"},
			want: "apt-get update && apt-get install -y --no-install-recommends qemu-system-x86 qemu-system-riscv64"},
		"debian, sudo": {goos: "linux", has: []string{"apt-get", "sudo"},
			want: "sudo apt-get update && sudo apt-get install -y --no-install-recommends qemu-system-x86 qemu-system-riscv64"},
		"debian, root, sudo too": {goos: "linux", root: true, has: []string{"apt-get", "sudo"},
			want: "apt-get update && apt-get install -y --no-install-recommends qemu-system-x86 qemu-system-riscv64"},
		"debian, no sudo": {goos: "linux", has: []string{"apt-get"},
			err: "as root, type:\n\tapt-get update && apt-get install"},
		"fedora":          {goos: "linux", root: true, has: []string{"dnf"}, want: "dnf install -y qemu-system-x86 qemu-system-riscv"},
		"fedora, sudo":    {goos: "linux", has: []string{"dnf", "sudo"}, want: "sudo dnf install -y qemu-system-x86 qemu-system-riscv"},
		"arch":            {goos: "linux", root: true, has: []string{"pacman"}, want: "pacman -Sy --noconfirm --needed qemu-system-x86 qemu-system-riscv"},
		"mac":             {goos: "darwin", has: []string{"brew", "sudo"}, want: "brew install qemu"},
		"mac, no brew":    {goos: "darwin", has: []string{"sudo"}, err: "https://brew.sh"},
		"linux with brew": {goos: "linux", has: []string{"brew"}, want: "brew install qemu"},
		"apt before brew": {goos: "linux", root: true, has: []string{"brew", "apt-get"},
			want: "apt-get update && apt-get install -y --no-install-recommends qemu-system-x86 qemu-system-riscv64"},
		"mac never uses apt": {goos: "darwin", root: true, has: []string{"apt-get"}, err: "brew install qemu"},
		"windows":            {goos: "windows", err: "WSL"},
		"none":               {goos: "linux", root: true, err: "your system's QEMU packages"},
	} {
		h := Host{c.goos, c.root, func(p string) bool { return slices.Contains(c.has, p) }}
		steps, err := h.Plan()
		if got := Shell(steps); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.err)
		}
		if err != nil && !strings.Contains(err.Error(), strings.Join(programs, ", ")) {
			t.Errorf("%s: error %q does not name what is missing", name, err)
		}
	}
	for _, m := range Managers { // sudo is added to a copy
		for _, s := range m.Steps {
			if s[0] != m.Program {
				t.Errorf("%s: step %q does not begin with its name", m.Program, s)
			}
		}
	}
}

func TestMissing(t *testing.T) {
	for _, arch := range []string{"amd64", "riscv64"} {
		h := Host{"linux", false, func(p string) bool { return p != QEMU(arch) }}
		if got := h.Missing(); !slices.Equal(got, []string{QEMU(arch)}) {
			t.Errorf("without that for %s: %q", arch, got)
		}
	}
	if QEMU("riscv64") == QEMU("amd64") || Variable("riscv64") == Variable("amd64") {
		t.Error("one for both")
	}
}
