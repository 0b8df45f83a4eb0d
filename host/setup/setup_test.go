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
		{"linux", true, []string{"apt-get"}, "apt-get update && apt-get install -y --no-install-recommends qemu-system-x86"},
		{"linux", false, []string{"apt-get"}, "sudo apt-get update && sudo apt-get install"},
		{"linux", true, []string{"dnf", "brew"}, "dnf install -y qemu-system-x86"},
		{"linux", true, []string{"pacman"}, "pacman -Sy --noconfirm --needed qemu-system-x86"},
		{"darwin", false, []string{"brew", "apt-get"}, "brew install qemu"},
		{"darwin", false, nil, "Homebrew"},
		{"linux", false, []string{"brew"}, "brew install qemu"},
		{"linux", true, nil, "your system's QEMU package"},
		{"windows", false, nil, "WSL"},
	} {
		h := Host{c.system, c.root, func(p string) bool { return slices.Contains(c.has, p) }}
		if got := h.Hint(); !strings.Contains(got, c.want) {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
