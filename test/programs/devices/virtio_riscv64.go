// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"loam/abi"
	"loam/user/object"
)

// placeLine is the interrupt of virt's first place for a virtio device.
const placeLine = 1

// newPlace makes a handle to its registers.
func newPlace() (object.Handle, error) {
	m, err := machine.DeviceMemory(0x10001000, page)
	return object.Handle(m), err
}

func placeRights() abi.Rights { return abi.RightRead | abi.RightWrite | abi.RightManage }
