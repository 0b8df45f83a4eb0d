// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"os"
	"slices"
	"strings"
)

// ArchVariable names the environment variable with the architecture, by its GOARCH
// name, that the whole suite is run for: that of the programs it builds and of the
// machines it starts. Without it amd64.
const ArchVariable = "LOAM_ARCH"

// Arch is the architecture that is tested.
func Arch() string {
	if a := os.Getenv(ArchVariable); a != "" {
		return a
	}
	return "amd64"
}

// withArch adds --arch to the arguments of a "loam run" or "loam boot" without.
func withArch(args []string, arch string) []string {
	if arch == "amd64" || len(args) == 0 || args[0] != "run" && args[0] != "boot" {
		return args
	}
	for _, a := range args[1:] {
		if a == "--arch" || strings.HasPrefix(a, "--arch=") {
			return args
		}
	}
	return slices.Insert(slices.Clone(args), 1, "--arch", arch)
}

// QEMU is the environment in which loam starts path in place of either QEMU; empty:
// those of PATH.
func QEMU(path string) []string {
	return []string{"LOAM_QEMU=" + path, "LOAM_QEMU_RISCV64=" + path}
}
