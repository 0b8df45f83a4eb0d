// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import "loam/user/object"

// placeLine is the interrupt of virt's first place for a virtio device.
const placeLine = 1

// newPlace makes a handle to its registers.
func newPlace() (object.Handle, error) {
	m, err := machine.DeviceMemory(0x10001000, page)
	return object.Handle(m), err
}

// tickNS is how many ns a step of the time of virt is.
const tickNS = 100
