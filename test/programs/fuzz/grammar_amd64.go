// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import "syscall"

const (
	imageAddr = 0x400000         // of a Go program
	farAddr   = 0x7000_0000_0000 // near the end of what a program may have
)

// formsHere are the calls that not all architectures have.
var formsHere = []form{
	{syscall.SYS_PAUSE, 1, nil},
	{syscall.SYS_ARCH_PRCTL, 4, []kind{small, any64}},
	{syscall.SYS_DUP2, 4, []kind{fd, fd}},
	{syscall.SYS_POLL, 5, []kind{polls, small, small}},
}

// edgesHere are the ends of the lower half and of the upper.
var edgesHere = []uint64{0x7fff_ffff_efff, 0x7fff_ffff_f000, 0x7fff_ffff_ffff, 0x8000_0000_0000, 0xffff_7fff_ffff_ffff, 0xffff_8000_0000_0000}
