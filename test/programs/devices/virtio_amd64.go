// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import "loam/user/object"

// placeLine is the interrupt of microvm's first place for a virtio device.
const placeLine = 5

// newPlace makes a handle to its registers, and to those of seven others, which share the
// page.
func newPlace() (object.Handle, error) {
	m, err := machine.DeviceMemory(0xfeb00000, page)
	return object.Handle(m), err
}

// tickNS is how many ns a step of the time stamp counter of a deterministic machine is.
const tickNS = 1
