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

// starts are the two ways to start a kernel on riscv64 that stand there for amd64's
// two machines, so that a test of both machines is one of both ways.
var starts = map[string]string{"microvm": "none", "q35": "opensbi"}

// withArch makes the arguments of a "loam run" or "loam boot" those for an
// architecture. amd64's are as they are. Others get --arch, and --firmware: for a
// machine of amd64's the one that stands for it, else firmware if that is not empty.
// Arguments that have --arch are left alone.
func withArch(args []string, arch, firmware string) []string {
	if arch == "amd64" || len(args) == 0 || args[0] != "run" && args[0] != "boot" {
		return args
	}
	out := []string{args[0], "--arch", arch}
	given := false
	for i := 1; i < len(args); i++ {
		switch flag, value, joined := strings.Cut(args[i], "="); {
		case flag == "--arch":
			return args
		case flag == "--machine":
			if !joined && i+1 < len(args) {
				i++
				value = args[i]
			}
			if starts[value] == "" { // not one of amd64's
				out = append(out, flag, value)
			} else {
				out, given = append(out, "--firmware", starts[value]), true
			}
			continue
		case flag == "--firmware":
			given = true
		}
		out = append(out, args[i])
	}
	if firmware != "" && !given {
		out = slices.Insert(out, 3, "--firmware", firmware)
	}
	return out
}

// QEMU is the environment in which loam starts path in place of either QEMU; empty:
// those of PATH.
func QEMU(path string) []string {
	return []string{"LOAM_QEMU=" + path, "LOAM_QEMU_RISCV64=" + path}
}
