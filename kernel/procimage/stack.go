// SPDX-License-Identifier: Apache-2.0

// Package procimage lays out what a new program finds on its stack: the
// argument and environment strings, the vectors of pointers to them, and the
// auxiliary vector.
//
// From the top of the stack down: the zero word that ends it, the name of the
// program (AT_EXECFN), the environment strings, the argument strings, 16
// random bytes (AT_RANDOM), padding, and then, at a multiple of 16, argc,
// argv, a zero word, envp, a zero word, and the auxiliary vector up to
// AT_NULL. The first stack pointer is the address of argc.
//
// Strings arrive as blocks, each string NUL-terminated, as they lie in the
// boot archive; they are copied as they are, so the only new bytes are words.
// [Words] yields those a buffer at a time: the kernel needs no memory that grows
// with what a user gave.
//
// It is the same on both architectures; what differs is in the auxiliary vector,
// which the caller fills: AT_HWCAP has a meaning on riscv64 (riscv64.ISA.HWCAP),
// and AT_MINSIGSTKSZ counts the vector registers there (signal.MaxFrameRISCV64).
//
// Source: System V ABI, AMD64 supplement, 3.4.1 (initial stack) and 3.4.3
// (auxiliary vector); Linux fs/binfmt_elf.c for the order of the strings and for
// riscv64, whose psABI says of a stack only that it is aligned to 16.
package procimage

import "loam/abi"

const (
	// RandomSize is the number of bytes that AT_RANDOM points to.
	RandomSize = 16
	// MaxStrings is the largest sum, in bytes, of argument and environment
	// strings. Linux allows a quarter of the stack limit, 2 MiB.
	MaxStrings = 2 << 20
	// maxAux is the number of pairs that Layout.Aux may set.
	maxAux = 20
)

// Layout is where everything of one program's first stack lies.
type Layout struct {
	SP       uint64 // first stack pointer: address of argc
	Random   uint64 // address of RandomSize random bytes
	Args     uint64 // address of the argument block
	Env      uint64 // address of the environment block
	Name     uint64 // address of the program's name, NUL-terminated
	Argc     uint64
	Envc     uint64
	aux      [2*maxAux + 2]uint64 // the last pair is AT_NULL's
	auxWords int
}

// Count returns the number of strings in a block, and whether the block is
// well formed: empty, or with a NUL as its last byte.
func Count(block []byte) (n uint64, ok bool) {
	for _, c := range block {
		if c == 0 {
			n++
		}
	}
	return n, len(block) == 0 || block[len(block)-1] == 0
}

// Plan makes l the layout below top, a multiple of 16, for a block of
// arguments, a block of environment strings and a name of nameLen bytes.
// Errors: E2BIG when the strings are over MaxStrings, EINVAL when a block
// does not end in NUL.
func (l *Layout) Plan(top uint64, args, env []byte, nameLen int) abi.Errno {
	var ok1, ok2 bool
	l.Argc, ok1 = Count(args)
	l.Envc, ok2 = Count(env)
	if !ok1 || !ok2 {
		return abi.EINVAL
	}
	if len(args)+len(env)+nameLen > MaxStrings {
		return abi.E2BIG
	}
	l.auxWords = 0
	l.Name = top - 8 - uint64(nameLen) - 1
	l.Env = l.Name - uint64(len(env))
	l.Args = l.Env - uint64(len(args))
	l.Random = (l.Args - RandomSize) &^ 15
	return 0
}

// Aux adds a pair to the auxiliary vector. More pairs than there is room for
// are a bug of the caller and dropped.
func (l *Layout) Aux(tag, value uint64) {
	if l.auxWords < 2*maxAux {
		l.aux[l.auxWords], l.aux[l.auxWords+1] = tag, value
		l.auxWords += 2
	}
}

// Seal ends the auxiliary vector and computes SP, once all pairs are in.
func (l *Layout) Seal() {
	l.aux[l.auxWords], l.aux[l.auxWords+1] = abi.AT_NULL, 0
	l.auxWords += 2
	words := 1 + l.Argc + 1 + l.Envc + 1 + uint64(l.auxWords)
	l.SP = (l.Random - 8*words) &^ 15
}

// Words yields the words from SP on.
type Words struct {
	l     *Layout
	part  int    // 0 argc, 1 argv, 2 envp, 3 auxv
	block []byte // strings not yet pointed to
	addr  uint64 // where block[0] lies
	i     int    // position in auxv
	env   []byte
}

// Start begins with argc. args and env are the blocks that were given to Plan.
func (l *Layout) Start(args, env []byte) Words {
	return Words{l: l, block: args, addr: l.Args, env: env}
}

// Fill puts the next words into a buffer, which is not empty, and returns how many:
// fewer than there is room for only after the last.
func (w *Words) Fill(into []uint64) (n int) {
	for n < len(into) && w.part < 3 {
		switch {
		case w.part == 0:
			into[n], w.part = w.l.Argc, 1
		case len(w.block) > 0:
			into[n] = w.pointer()
		default:
			into[n] = 0
			w.part++
			w.block, w.addr = w.env, w.l.Env
		}
		n++
	}
	aux := copy(into[n:], w.l.aux[w.i:w.l.auxWords])
	w.i += aux
	return n + aux
}

// pointer returns the address of the first string of the block and drops it.
func (w *Words) pointer() uint64 {
	at, n := w.addr, 0
	for w.block[n] != 0 {
		n++
	}
	w.block = w.block[n+1:]
	w.addr += uint64(n + 1)
	return at
}
