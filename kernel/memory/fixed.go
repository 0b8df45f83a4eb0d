// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"loam/abi"
	"loam/kernel/pool"
	"loam/machine/frame"
)

// Fixed objects: those whose pages have physical addresses that somebody relies on.
// The registers of a device have no frames at all, and cost nobody anything. Memory
// for a device's own accesses has frames without gaps, all from the start. Neither
// changes its size, gives pages back or has clones (EINVAL), so that no page ever
// gets another address.

// maxRun is the most pages of NewRun: two nodes of height 1, below one.
const maxRun = 2 << nodeBits

// NewDevice makes an object of the registers from a physical address on, with one
// reference, the caller's. The address is page-aligned and not 0, and no frame is
// there. EINVAL, ENOSPC: see New.
func (o *Objects) NewDevice(pa, pages uint64) (int32, abi.Errno) {
	i, errno := o.New(pages, nil)
	if errno == 0 {
		x := o.pool.Index(i)
		x.fixed, x.device = true, pa
		o.devices++
	}
	return i, errno
}

// NewRun makes an object whose pages lie in physical memory one after the other, at
// or below an address (0 for anywhere), with one reference, the caller's. It
// charges a. The pages are not zeroed: ZeroPiece has to say so before anybody
// gets them. EINVAL: no pages, or more than MaxDMA has. EDQUOT, ENOSPC: see New and
// Page. ENOMEM: the machine has no such frames.
func (o *Objects) NewRun(pages, limit uint64, a *Account) (int32, abi.Errno) {
	if pages > maxRun {
		return pool.Nil, abi.EINVAL
	}
	i, errno := o.New(pages, a)
	if errno != 0 {
		return i, errno
	}
	x := o.pool.Index(i)
	x.fixed = true
	if errno = o.fillRun(x, limit); errno != 0 {
		o.pool.Put(x.handle)
		return pool.Nil, errno
	}
	x.at = 0
	return i, 0
}

// fillRun gives x all its pages, side by side, or changes nothing.
func (o *Objects) fillRun(x *object, limit uint64) abi.Errno {
	var spare [3]uint64
	nodes := 0
	if x.size > 1 {
		nodes = 1
	}
	if x.size > 1<<nodeBits {
		nodes = 3
	}
	if errno := x.account.Charge(x.size + uint64(nodes)); errno != 0 {
		return errno
	}
	pa, code := o.frames.AllocN(x.size, 0, limit, frame.User)
	if code != frame.OK {
		x.account.Refund(x.size + uint64(nodes))
		return abi.ENOMEM
	}
	for k := range nodes {
		if spare[k], code = o.frames.Alloc(frame.PageTable); code != frame.OK || o.frames.Scarce() {
			if code == frame.OK {
				o.frames.Free(spare[k], frame.PageTable)
			}
			o.frames.FreeN(pa, x.size, frame.User)
			for _, node := range spare[:k] {
				o.frames.Free(node, frame.PageTable)
			}
			x.account.Refund(x.size + uint64(nodes))
			return abi.ENOMEM
		}
		o.mem.Zero(spare[k])
	}
	if x.size > 1 { // from here on they go one by one
		o.frames.Split(pa, x.size, frame.User)
	}
	left := spare[:nodes]
	for at := range x.size {
		n := o.missing(x, at)
		o.link(x, at, pa+at*PageSize, left[:n])
		left = left[n:]
	}
	return 0
}

// ZeroPiece zeroes a piece of the pages of NewRun, and reports whether that was the
// last one.
func (o *Objects) ZeroPiece(i int32) (done bool) {
	const pages = 64
	x := o.pool.Index(i)
	for n := 0; n < pages && x.at < x.size; n++ {
		o.mem.Zero(o.find(x, x.at))
		x.at++
	}
	return x.at == x.size
}

// Address gives the physical address of a page of a fixed object. false: object i
// isn't one, or has no such page.
func (o *Objects) Address(i int32, page uint64) (pa uint64, ok bool) {
	x := o.pool.Index(i)
	if !x.fixed || page >= x.size {
		return 0, false
	}
	return o.find(x, x.base+page), true
}

// Device reports whether object i is a device's registers: not memory, and to be
// mapped as such.
func (o *Objects) Device(i int32) bool { return o.pool.Index(i).device != 0 }

// DeviceAt reports whether an object has some of the registers in a range of physical
// addresses, which doesn't go around the end. It looks no further than it has to: it
// stops behind the last object that is a device's.
func (o *Objects) DeviceAt(pa, size uint64) bool {
	left := o.devices
	for i := o.pool.Next(pool.Nil); left > 0; i = o.pool.Next(i) {
		x := o.pool.Index(i)
		if x.device == 0 {
			continue
		}
		if left--; x.device < pa+size && pa < x.device+x.size*PageSize {
			return true
		}
	}
	return false
}
