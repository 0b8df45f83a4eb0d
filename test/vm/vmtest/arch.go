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

// FirmwareVariable names the one with the firmware that machines for riscv64 start
// by, none or opensbi. Without it loam's own choice.
const FirmwareVariable = "LOAM_FIRMWARE"

// Arch is the architecture that is tested.
func Arch() string {
	if a := os.Getenv(ArchVariable); a != "" {
		return a
	}
	return "amd64"
}

// withArch adds --arch to the arguments of a "loam run" or "loam boot" without, and
// --firmware if that is not empty. amd64 needs neither.
func withArch(args []string, arch, firmware string) []string {
	if arch == "amd64" || len(args) == 0 || args[0] != "run" && args[0] != "boot" {
		return args
	}
	given := func(flag string) bool {
		return slices.ContainsFunc(args, func(a string) bool { return a == flag || strings.HasPrefix(a, flag+"=") })
	}
	if given("--arch") {
		return args
	}
	more := []string{"--arch", arch}
	if firmware != "" && !given("--firmware") {
		more = append(more, "--firmware", firmware)
	}
	return slices.Insert(slices.Clone(args), 1, more...)
}

// QEMU is the environment in which loam starts path in place of either QEMU; empty:
// those of PATH.
func QEMU(path string) []string {
	return []string{"LOAM_QEMU=" + path, "LOAM_QEMU_RISCV64=" + path}
}
