// SPDX-License-Identifier: Apache-2.0

package program

import (
	"encoding/binary"

	"loam/abi"
	"loam/loader"
)

// Sizes of the first stack, in bytes, and bounds of what is on it.
const (
	StackSize  = 8 << 20
	stackGuard = 1 << 20
	MaxStrings = StackSize / 4 // of arguments and environment, a pointer for each included
	MaxString  = 128 << 10
)

// Start is how a process begins to run an image.
type Start struct {
	Entry uint64
	Stack uint64 // the stack pointer
	Break uint64 // where brk(2) begins
	Base  uint64 // what addresses of the image are above what they were linked for
	Map   []Piece

	// The stack's content, from Stack on, but for what only the kernel knows (Aux).
	Bytes []byte
	aux   int
}

// Random gives random numbers below 2^bits.
type Random func(bits uint) uint64

// Bits of chance in the layout of addresses, in pages.
const (
	brkBits   = 13
	baseBits  = 16
	stackBits = 18
)

// IDs are those of a process's user and group, for the auxiliary vector.
type IDs struct{ UID, EUID, GID, EGID uint32 }

// secure is AT_SECURE: the program has other rights than who started it.
func (i IDs) secure() uint64 {
	if i.UID != i.EUID || i.GID != i.EGID {
		return 1
	}
	return 0
}

// Plan lays a process out. args and env have their strings' zeroes; name is the path of the file
// (AT_EXECFN). E2BIG: they are too long.
func Plan(img *Image, t loader.Target, args, env [][]byte, name string, ids IDs, random Random) (*Start, abi.Errno) {
	base := uint64(0)
	if img.elf.Relocatable {
		base = (t.High/2 + random(baseBits)*abi.PageSize) &^ (img.elf.Align - 1)
	}
	s := &Start{Base: base, Entry: base + img.elf.Entry, Break: base + img.elf.High() + random(brkBits)*abi.PageSize}
	for _, p := range img.pieces {
		p.Addr += base
		s.Map = append(s.Map, p)
	}
	// The end of a space is somewhere in the last eighth.
	top := (t.High-t.High/8)&^inPage - random(stackBits)*abi.PageSize
	s.Map = append(s.Map,
		Piece{Addr: top - StackSize, Size: StackSize, Prot: abi.PROT_READ | abi.PROT_WRITE, Own: true},
		Piece{Addr: top - StackSize - stackGuard, Size: stackGuard, Own: true})
	return s, s.fill(img, base, top, args, env, name, ids, random)
}

// fill makes the stack below top.
func (s *Start) fill(img *Image, base, top uint64, args, env [][]byte, name string, ids IDs, random Random) abi.Errno {
	n := 0
	for _, list := range [2][][]byte{args, env} {
		for _, b := range list {
			n += len(b)
		}
	}
	if n+8*(len(args)+len(env)) > MaxStrings {
		return abi.E2BIG
	}
	nameAt := top - 8 - uint64(len(name)) - 1
	envAt := nameAt - uint64(n) // arguments first, then the environment
	randomAt := (envAt - 16) &^ 15
	e := &img.elf
	aux := []uint64{abi.AT_PAGESZ, abi.PageSize, abi.AT_RANDOM, randomAt, abi.AT_ENTRY, s.Entry, abi.AT_CLKTCK, 100,
		abi.AT_UID, uint64(ids.UID), abi.AT_EUID, uint64(ids.EUID),
		abi.AT_GID, uint64(ids.GID), abi.AT_EGID, uint64(ids.EGID), abi.AT_SECURE, ids.secure(), abi.AT_EXECFN, nameAt}
	if e.HeaderAddr != 0 {
		aux = append(aux, abi.AT_PHDR, base+e.HeaderAddr, abi.AT_PHENT, uint64(e.HeaderSize), abi.AT_PHNUM, uint64(e.HeaderCount))
	}
	const kernels = 4 // pairs, of which the last ends the vector
	words := 1 + len(args) + 1 + len(env) + 1 + len(aux) + 2*kernels
	s.Stack = (randomAt - 8*uint64(words)) &^ 15
	b := make([]byte, top-s.Stack)
	at := 0
	put := func(v uint64) {
		binary.LittleEndian.PutUint64(b[at:], v)
		at += 8
	}
	put(uint64(len(args)))
	text := envAt
	for _, list := range [2][][]byte{args, env} {
		for _, str := range list {
			put(text)
			copy(b[text-s.Stack:], str)
			text += uint64(len(str))
		}
		put(0)
	}
	for _, v := range aux {
		put(v)
	}
	s.aux, s.Bytes = at, b
	for i := range uint64(2) {
		binary.LittleEndian.PutUint64(b[randomAt-s.Stack+8*i:], random(64))
	}
	copy(b[nameAt-s.Stack:], name)
	return 0
}

// Aux adds what the kernel knows.
func (s *Start) Aux(r abi.ProcessReplaced) {
	at := s.aux
	put := func(tag, value uint64) {
		binary.LittleEndian.PutUint64(s.Bytes[at:], tag)
		binary.LittleEndian.PutUint64(s.Bytes[at+8:], value)
		at += 16
	}
	put(abi.AT_HWCAP, r.HWCap)
	put(abi.AT_MINSIGSTKSZ, r.MinSignal)
	if r.VDSO != 0 {
		put(abi.AT_SYSINFO_EHDR, r.VDSO)
	}
}
