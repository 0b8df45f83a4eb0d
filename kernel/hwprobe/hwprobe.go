// SPDX-License-Identifier: Apache-2.0

// Package hwprobe answers riscv_hwprobe(2), by which a program on riscv64 asks
// what its harts can do, and checks the arguments of riscv_flush_icache(2), the
// other call that only riscv64 has.
//
// The call takes pairs of key and value and a set of CPUs. Without a flag, each
// value becomes what all of these CPUs have in common: for a set, the members that
// each has; for a value, the one that all have, or -1. With
// RISCV_HWPROBE_WHICH_CPUS the values are given, and the set is reduced to the CPUs
// that have them. A key that nobody knows becomes -1, its value 0; then no CPU fits.
//
// Nothing here reads or writes a program's memory: Decode says what to read, Values
// and Which work on a copy, so that all of it runs under go test.
//
// One departure from Linux: more than MaxPairs pairs are refused, so that the time
// of a call has a bound. There are fewer keys than that.
//
// Source: Linux 6.12, Documentation/arch/riscv/hwprobe.rst and
// arch/riscv/kernel/{sys_hwprobe,sys_riscv}.c.
package hwprobe

import (
	"encoding/binary"
	"math/bits"

	"loam/abi"
	"loam/machine/riscv64"
)

const (
	// MaxPairs is the largest number of pairs in a call.
	MaxPairs = 64
	// MaxSet is the size in bytes of the largest set of CPUs; what is behind it in
	// a larger one isn't looked at.
	MaxSet = 8
)

// Hart is what one CPU is.
type Hart struct {
	Vendor, Arch, Implementation uint64 // mvendorid, marchid, mimpid
	ISA                          riscv64.ISA
}

// Machine is what there is to ask about.
type Machine struct {
	Harts      []Hart // by CPU number, at most 64
	Online     uint64 // the CPUs that run programs, a bit each, at least one
	Vector     bool   // programs have the vector registers of harts that have them
	ZeroBlock  uint64 // size in bytes of what CBO.ZERO zeroes; 0: not known, nor CBO.ZERO usable
	Ticks      uint64 // of the time register in a second
	Misaligned uint64 // speed of misaligned accesses, abi.RISCV_HWPROBE_MISALIGNED_*
}

// Request is a call's arguments, checked.
type Request struct {
	Pairs int  // number of pairs to read and to write back
	Set   int  // length in bytes of the set of CPUs to read, and with Which to write back
	All   bool // no set: all CPUs are meant
	Which bool // which CPUs have these values?
}

// Decode checks the arguments in their order but for the pairs' address. EINVAL:
// unknown flags, no set of CPUs to reduce, or too many pairs.
func Decode(pairs, size, set, flags uint64) (r Request, errno abi.Errno) {
	r.Which = uint32(flags) == abi.RISCV_HWPROBE_WHICH_CPUS
	switch {
	case !r.Which && uint32(flags) != 0, r.Which && (size == 0 || set == 0), pairs > MaxPairs:
		return Request{}, abi.EINVAL
	}
	r.Pairs = int(pairs)
	r.Set = int(min(size, MaxSet))
	r.All = size == 0 && set == 0
	return r, 0
}

// CPUs gives the CPUs that are meant, from what was read as the set. EINVAL: there
// is none among them, where values are asked for.
func (m *Machine) CPUs(r Request, set []byte) (uint64, abi.Errno) {
	if r.All {
		return m.Online, 0
	}
	var b [MaxSet]byte
	copy(b[:], set[:r.Set])
	cpus := binary.LittleEndian.Uint64(b[:])
	switch {
	case cpus == 0 && r.Which:
		return m.Online, 0
	case cpus&m.Online == 0 && !r.Which:
		return 0, abi.EINVAL
	}
	return cpus & m.Online, 0
}

// Values answers the pairs in b, abi.HwprobeSize bytes each, for a set of CPUs, of
// which there is at least one.
func (m *Machine) Values(b []byte, cpus uint64) {
	for ; len(b) >= abi.HwprobeSize; b = b[abi.HwprobeSize:] {
		p := abi.Hwprobe{Key: -1}
		if key := abi.GetHwprobe(b).Key; known(key) {
			p = abi.Hwprobe{Key: key, Value: m.value(key, cpus)}
		}
		p.Put(b)
	}
}

// Which gives the CPUs of a set whose values are those of the pairs in b. In b,
// keys that nobody knows become -1.
func (m *Machine) Which(b []byte, cpus uint64) uint64 {
	unknown := false
	for ; len(b) >= abi.HwprobeSize; b = b[abi.HwprobeSize:] {
		p := abi.GetHwprobe(b)
		if !known(p.Key) {
			unknown = true
			abi.Hwprobe{Key: -1}.Put(b)
			continue
		}
		for left := cpus; left != 0; left &= left - 1 {
			if one := left & -left; !fits(p, m.value(p.Key, one)) {
				cpus &^= one
			}
		}
	}
	if unknown {
		return 0
	}
	return cpus
}

// PutSet writes a set of CPUs to b, as many as there is room for.
func PutSet(b []byte, cpus uint64) {
	for i := range b {
		b[i] = byte(cpus >> (8 * i))
	}
}

func known(key int64) bool { return key >= 0 && key <= abi.RISCV_HWPROBE_MAX_KEY }

// fits reports whether a CPU's value is what a pair asks for.
func fits(p abi.Hwprobe, value uint64) bool {
	switch p.Key {
	case abi.RISCV_HWPROBE_KEY_BASE_BEHAVIOR, abi.RISCV_HWPROBE_KEY_IMA_EXT_0, abi.RISCV_HWPROBE_KEY_CPUPERF_0:
		return value&p.Value == p.Value
	}
	return value == p.Value
}

// value gives what CPUs have in common under a known key.
func (m *Machine) value(key int64, cpus uint64) uint64 {
	switch key {
	case abi.RISCV_HWPROBE_KEY_MVENDORID, abi.RISCV_HWPROBE_KEY_MARCHID, abi.RISCV_HWPROBE_KEY_MIMPID:
		return m.identity(key, cpus)
	case abi.RISCV_HWPROBE_KEY_BASE_BEHAVIOR:
		return abi.RISCV_HWPROBE_BASE_BEHAVIOR_IMA
	case abi.RISCV_HWPROBE_KEY_IMA_EXT_0:
		return m.extensions(cpus)
	case abi.RISCV_HWPROBE_KEY_ZICBOZ_BLOCK_SIZE:
		if m.extensions(cpus)&abi.RISCV_HWPROBE_EXT_ZICBOZ == 0 {
			return 0
		}
		return m.ZeroBlock
	case abi.RISCV_HWPROBE_KEY_HIGHEST_VIRT_ADDRESS:
		return abi.UserLimitRISCV64
	case abi.RISCV_HWPROBE_KEY_TIME_CSR_FREQ:
		return m.Ticks
	}
	return m.Misaligned
}

// identity gives the register that all CPUs have the same value of, or -1.
func (m *Machine) identity(key int64, cpus uint64) uint64 {
	id := uint64(0)
	for left := cpus; left != 0; left &= left - 1 {
		h := &m.Harts[bits.TrailingZeros64(left)]
		of := h.Vendor
		switch key {
		case abi.RISCV_HWPROBE_KEY_MARCHID:
			of = h.Arch
		case abi.RISCV_HWPROBE_KEY_MIMPID:
			of = h.Implementation
		}
		if left == cpus {
			id = of
		} else if id != of {
			return 1<<64 - 1
		}
	}
	return id
}

// extensions gives the extensions that all CPUs have and programs may use.
func (m *Machine) extensions(cpus uint64) uint64 {
	isa := ^riscv64.ISA(0)
	for left := cpus; left != 0; left &= left - 1 {
		isa &= m.Harts[bits.TrailingZeros64(left)].ISA
	}
	if !m.Vector {
		isa &^= riscv64.ExtV
	}
	if m.ZeroBlock == 0 {
		isa &^= riscv64.Zicboz
	}
	set := uint64(0)
	for i := range extensions {
		if isa.Has(extensions[i].isa) {
			set |= extensions[i].bits
		}
	}
	return set
}

// extensions are what each part of the ISA comes to: by their definitions C is Zca
// with, beside D, Zcd, and V has all of Zve64d.
var extensions = [...]struct {
	isa  riscv64.ISA
	bits uint64
}{
	{riscv64.ExtF | riscv64.ExtD, abi.RISCV_HWPROBE_IMA_FD},
	{riscv64.ExtC, abi.RISCV_HWPROBE_IMA_C | abi.RISCV_HWPROBE_EXT_ZCA},
	{riscv64.ExtC | riscv64.ExtD, abi.RISCV_HWPROBE_EXT_ZCD},
	{riscv64.ExtV, abi.RISCV_HWPROBE_IMA_V | abi.RISCV_HWPROBE_EXT_ZVE32X | abi.RISCV_HWPROBE_EXT_ZVE32F |
		abi.RISCV_HWPROBE_EXT_ZVE64X | abi.RISCV_HWPROBE_EXT_ZVE64F | abi.RISCV_HWPROBE_EXT_ZVE64D},
	{riscv64.Zba, abi.RISCV_HWPROBE_EXT_ZBA},
	{riscv64.Zbb, abi.RISCV_HWPROBE_EXT_ZBB},
	{riscv64.Zbc, abi.RISCV_HWPROBE_EXT_ZBC},
	{riscv64.Zbs, abi.RISCV_HWPROBE_EXT_ZBS},
	{riscv64.Zicboz, abi.RISCV_HWPROBE_EXT_ZICBOZ},
	{riscv64.Zicond, abi.RISCV_HWPROBE_EXT_ZICOND},
	{riscv64.Zihintpause, abi.RISCV_HWPROBE_EXT_ZIHINTPAUSE},
}
