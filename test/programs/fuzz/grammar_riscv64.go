// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import "loam/abi"

const (
	imageAddr = 0x10000                       // of a Go program
	farAddr   = abi.UserLimit - 0x2_0000_0000 // near the end of what a program may have
)

// formsHere are the calls that not all architectures have.
var formsHere = []form{
	{abi.SYS_RISCV_HWPROBE, 4, []kind{addr, small, small, addr, small}},
	{abi.SYS_RISCV_FLUSH_ICACHE, 4, []kind{addr, addr, small}},
}

// edgesHere are the ends of what is a program's, of the lower half and of the upper.
var edgesHere = []uint64{abi.UserLimit - 4096, abi.UserLimit - 1, abi.UserLimit, 1<<38 - 1, 1 << 38, 1<<64 - 1<<38 - 1, 1<<64 - 1<<38}
