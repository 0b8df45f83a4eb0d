// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"syscall"

	"loam/user/object"
)

func ports() error {
	return want("there are none", syscall.ENODEV, second(machine.NewPorts(0x70, 2)))
}

var _ object.Handle
