//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/claim"

// Registers of devices that programs reach by calls. The kernel floor gives each range
// of them a place, and each place has a page of the kernel's own half, registerWindow,
// where the page of the range is mapped: uncached, not to be executed. It stays mapped
// when the range is given back, until the place has another page.
//
// What leads to a place changes then, and other CPUs may still know what it was. They
// aren't interrupted: each looks, before it uses the window, whether the window has
// changed since it last did, and forgets. All of this is done by runners with the kernel
// lock held.

// MaxRegisters is how many places there are for ranges. Behind them are those of the
// registers that mask messages (messages.go).
const MaxRegisters = claim.Size

const windowPlaces = MaxRegisters + MaxLines

var _ [hugePage/pageSize - windowPlaces]struct{} // one table maps them

// registerChanges is how often something was mapped in the window.
var registerChanges uint64

// access says how an access to a register goes, which may have a fault.
type access uint8

const (
	noAccess access = iota
	accessing
	accessRefused
)

// MapRegisters maps the page of a physical address, which RegistersAt allows, at a place,
// in the place of what was mapped there. false: there is no memory for a table.
func MapRegisters(place int32, pa uint64) bool {
	va := registerAt(place, 0)
	machineLock.Lock()
	defer machineLock.Unlock()
	leafs, _ := kernelLeafs(va)
	if leafs == nil {
		if frames.Scarce() {
			return false
		}
		if leafs = kernelTable(va, 12); leafs == nil {
			return false
		}
	}
	if e := &leafs[va>>12&511]; *e != deviceEntry(pageOf(pa).Base) {
		*e = deviceEntry(pageOf(pa).Base)
		registerChanges++
	}
	return true
}

// registerAt is the address of a register at offset at in the page of a place.
func registerAt(place int32, at uint64) uint64 {
	return registerWindow + uint64(place)%windowPlaces*pageSize + at%pageSize
}

// RegisterRead reads a register of width 1, 2 or 4 bytes at an offset, a multiple of
// that, in the page of a place where something is mapped. false: nothing answers there,
// and the processor says so.
//
//loam:noalloc
func RegisterRead(place int32, at, width uint64) (v uint32, ok bool) {
	cpu := beginAccess()
	switch addr := uintptr(registerAt(place, at)); width {
	case 1:
		v = uint32(mmioRead8(addr))
	case 2:
		v = uint32(mmioRead16(addr))
	default:
		v = mmioRead32(addr)
	}
	return v, cpu.endAccess()
}

// RegisterWrite writes a register likewise.
//
//loam:noalloc
func RegisterWrite(place int32, at, width uint64, v uint32) (ok bool) {
	cpu := beginAccess()
	switch addr := uintptr(registerAt(place, at)); width {
	case 1:
		mmioWrite8(addr, uint8(v))
	case 2:
		mmioWrite16(addr, uint16(v))
	default:
		mmioWrite32(addr, v)
	}
	return cpu.endAccess()
}

// beginAccess is for what comes before an access.
func beginAccess() *CPU {
	cpu := thisCPU()
	if cpu.registersKnown != registerChanges {
		forgetAll()
		cpu.registersKnown = registerChanges
	}
	cpu.access = accessing
	return cpu
}

// endAccess reports whether there was an answer.
func (cpu *CPU) endAccess() bool {
	ok := cpu.access == accessing
	cpu.access = noAccess
	return ok
}
