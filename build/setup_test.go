// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestPlan(t *testing.T) {
	for name, c := range map[string]struct {
		goos string
		root bool
		has  []string
		want string // commands as typed; "" for none
		err  string // part of the error's text
	}{
		"there already": {goos: "linux", has: []string{qemu, "apt-get"}},
		"debian, root": {goos: "linux", root: true, has: []string{"apt-get"},
			want: "apt-get update && apt-get install -y --no-install-recommends qemu-system-x86"},
		"debian, sudo": {goos: "linux", has: []string{"apt-get", "sudo"},
			want: "sudo apt-get update && sudo apt-get install -y --no-install-recommends qemu-system-x86"},
		"debian, root, sudo too": {goos: "linux", root: true, has: []string{"apt-get", "sudo"},
			want: "apt-get update && apt-get install -y --no-install-recommends qemu-system-x86"},
		"debian, no sudo": {goos: "linux", has: []string{"apt-get"},
			err: "as root, type:\n\tapt-get update && apt-get install"},
		"fedora":          {goos: "linux", root: true, has: []string{"dnf"}, want: "dnf install -y qemu-system-x86"},
		"fedora, sudo":    {goos: "linux", has: []string{"dnf", "sudo"}, want: "sudo dnf install -y qemu-system-x86"},
		"arch":            {goos: "linux", root: true, has: []string{"pacman"}, want: "pacman -Sy && pacman -S --noconfirm --needed qemu-system-x86"},
		"mac":             {goos: "darwin", has: []string{"brew", "sudo"}, want: "brew install qemu"},
		"mac, no brew":    {goos: "darwin", has: []string{"sudo"}, err: "https://brew.sh"},
		"linux with brew": {goos: "linux", has: []string{"brew"}, want: "brew install qemu"},
		"apt before brew": {goos: "linux", root: true, has: []string{"brew", "apt-get"},
			want: "apt-get update && apt-get install -y --no-install-recommends qemu-system-x86"},
		"mac never uses apt": {goos: "darwin", root: true, has: []string{"apt-get"}, err: "brew install qemu"},
		"windows":            {goos: "windows", err: "WSL"},
		"none":               {goos: "linux", root: true, err: "no apt, dnf, pacman or brew"},
	} {
		h := host{c.goos, c.root, func(p string) bool { return slices.Contains(c.has, p) }}
		steps, err := h.plan()
		if got := shell(steps); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.err)
		}
		if err != nil && !strings.Contains(err.Error(), qemu) {
			t.Errorf("%s: error %q does not name what is missing", name, err)
		}
	}
	for _, m := range managers { // sudo is added to a copy
		for _, s := range m.steps {
			if s[0] != m.name {
				t.Errorf("%s: step %q does not begin with its name", m.name, s)
			}
		}
	}
}

// TestSetup runs the chosen commands, with a package manager of our own.
func TestSetup(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the fake package manager is apt-get")
	}
	const touch = "else : >\"${0%/*}/" + qemu + "\"; chmod +x \"${0%/*}/" + qemu + "\"; fi\n"
	for name, c := range map[string]struct{ apt, err string }{
		"installs":                {"if [ $1 = update ]; then exit 0; " + touch, ""},
		"list can't be refreshed": {"if [ $1 = update ]; then exit 100; " + touch, ""},
		"install fails":           {"[ $1 = update ]", "could not install QEMU"},
		"installs nothing":        {"exit 0", "there is no " + qemu},
	} {
		dir := t.TempDir()
		for file, text := range map[string]string{"apt-get": c.apt, "sudo": `exec "$@"`} {
			text = "#!/bin/sh\nPATH=/usr/bin:/bin:$PATH\n" + text + "\n"
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("PATH", dir)
		err := setupTarget(&builder{root: dir}, nil)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.err)
		}
		if c.err == "" {
			if err := setupTarget(&builder{root: dir}, nil); err != nil {
				t.Errorf("%s, second time: %v", name, err)
			}
		}
	}
}
