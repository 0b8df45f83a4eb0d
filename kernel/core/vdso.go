//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/space"
	"loam/kernel/vdso"
	"loam/machine/frame"
	"loam/machine/metal"
)

// The two pages of package vdso, the same frames in every process.

// makeVDSO fills the pages. Without memory for them programs read the clock by
// calls.
func (k *kernel) makeVDSO() {
	pa, code := k.frames.AllocN(2, 0, 0, frame.Kernel)
	if code != frame.OK {
		return
	}
	k.vdso = pa
	k.env.Mem.Zero(pa)
	vdso.Data{Scale: metal.ClockScale(), Wall: k.wallOffset}.Put(k.env.Mem.Page(pa))
	vdso.Build(k.env.Mem.Page(pa + abi.PageSize))
}

// mapVDSO maps the pages into a space and returns where the image lies, 0
// without one.
func (k *kernel) mapVDSO(s *space.Space) (uint64, abi.Errno) {
	if k.vdso == 0 {
		return 0, 0
	}
	const size = abi.PageSize
	data, ok := s.Vacant(2 * size)
	if !ok {
		return 0, abi.ENOMEM
	}
	text := data + size
	e := s.Map(&k.memory, space.Area{Start: data, End: text, Prot: space.Read, Kind: space.Archive, Phys: k.vdso, Bytes: size})
	if e == 0 {
		e = s.Map(&k.memory, space.Area{Start: text, End: text + size, Prot: space.Read | space.Exec, Kind: space.Archive, Phys: k.vdso + size, Bytes: size})
	}
	return text, e
}
