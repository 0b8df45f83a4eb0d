// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"slices"
	"testing"

	"loam/abi"
	hostvm "loam/host/vm"
	"loam/test/vm/vmtest"
)

// kinds are the kinds of machine of the architecture that is tested, the one that loam
// takes by itself first: machine types of amd64's, ways to start of riscv64's.
func kinds() []string {
	if vmtest.Arch() == hostvm.RISCV64 {
		return []string{hostvm.NoFirmware, hostvm.OpenSBI}
	}
	return []string{string(hostvm.MicroVM), string(hostvm.Q35)}
}

// quick is the first kind, full the other.
func quick() string { return kinds()[0] }
func full() string  { return kinds()[1] }

// on gives the flags of "loam run" and "loam boot" for a kind, and more behind them.
func on(kind string, more ...string) []string {
	flag := "--machine"
	if vmtest.Arch() == hostvm.RISCV64 {
		flag = "--firmware"
	}
	return slices.Concat([]string{flag, kind}, more)
}

// firmwareMiB is how much of a machine's memory the firmware of a kind keeps.
func firmwareMiB(kind string) int {
	if kind == hostvm.OpenSBI {
		return 2
	}
	return 0
}

// onlyAMD64 skips a test of what no machine for riscv64 has.
func onlyAMD64(t *testing.T, what string) {
	t.Helper()
	if vmtest.Arch() != hostvm.AMD64 {
		t.Skipf("machines for %s have no %s", vmtest.Arch(), what)
	}
}

// code is machine code of one architecture, for programs of a few instructions.
type code struct {
	exit    func(n uint32) []byte // exit_group(n)
	sum     func(addrs ...uint32) []byte
	where   []byte // tells where the program's parts lie, see addresses
	deaths  []death
	wears   []wear
	escapes []escape
}

// machineCode is that of the architecture that is tested.
func machineCode() *code {
	if vmtest.Arch() == hostvm.RISCV64 {
		return &riscv64Code
	}
	return &amd64Code
}

func exitCode(n uint32) []byte { return machineCode().exit(n) }

// userLimit is the first address that no program may have.
func userLimit() uint64 {
	if vmtest.Arch() == hostvm.RISCV64 {
		return abi.UserLimitRISCV64
	}
	return abi.UserLimitAMD64
}

// upperHalf is the first canonical address of the upper half; its negative is the first
// that isn't canonical.
func upperHalf() uint64 {
	if vmtest.Arch() == hostvm.RISCV64 {
		return 0xffffffc000000000 // Sv39
	}
	return 0xffff800000000000
}
