// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import "loam/user/object"

// placeLine is the interrupt of microvm's first place for a virtio device.
const placeLine = 5

// newPlace makes a handle to its registers. Seven others share the page.
func newPlace() (object.Handle, error) {
	r, err := machine.NewRegisters(0xfeb00000, 0x200)
	return object.Handle(r), err
}

// tickNS is how many ns a step of the time stamp counter of a deterministic machine is.
const tickNS = 1
