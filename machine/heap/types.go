// SPDX-License-Identifier: Apache-2.0

package heap

import (
	"math/bits"

	"loam/machine/frame"
	"loam/machine/phys"
)

// Limits of the heap.
const (
	Classes   = 35      // size classes
	MaxCPUs   = 64      // fronts
	Smallest  = 32      // bytes of the smallest class
	Largest   = 4 << 20 // bytes of the largest class; more is a run of frames
	MaxSize   = frame.MaxRun * phys.PageSize
	FrontSize = 4 << 10     // bytes of the largest class that fronts keep
	FrontRank = 4           // of the words of magazines (docs/concurrency.md)
	LockRank  = 5           // of the heap lock
	runClass  = Classes + 1 // stands for what is larger than every class
	depth     = 12          // objects that a magazine holds at most
	batch     = depth / 2   // objects moved into or out of a magazine at a time
	fronted   = 15          // classes 1 to 15, up to FrontSize, have magazines
	retained  = 64 << 10    // bytes of the largest slab of which an empty one is kept
)

// Code is the outcome of an operation. Everything but OK means that nothing
// was changed.
type Code uint8

// The codes.
const (
	OK         Code = iota
	NoMemory        // the frame allocator has no frames for it
	BadSize         // no bytes, or more than MaxSize
	BadAlign        // not a power of two, or more than MaxSize
	BadOwner        // not an owner
	BadKind         // not a kind that KindOf made
	NotGiven        // the address is in no object: it was never given
	NotTaken        // the object is free: a double free, or it was never given
	Interior        // the address is inside an object
	WrongOwner      // the object belongs to somebody else
	WrongSize       // the object is of another size
	Dirty           // something wrote to the object while it was free (checked builds)
	Corrupt         // an invariant does not hold
)

// String returns the code's name in words.
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return "unknown code"
}

var codeNames = [...]string{"ok", "out of memory", "bad size", "bad alignment", "bad owner",
	"bad kind", "never given", "object not taken", "inside an object", "wrong owner", "wrong size",
	"written while it was free", "corrupt slab"}

// Owner says what an object is used for.
type Owner uint8

// The owners.
const (
	Kernel  Owner = iota // what has no owner of its own
	Context              // contexts of programs' threads
	Thread               // contexts of the kernel's own threads
	Table                // tables of the processor, and what starts it
	Ring                 // memory that carries what others read or write
	DMA                  // buffers that devices reach
	Owners               // the number of owners
)

// String returns the owner's name.
func (o Owner) String() string {
	if int(o) < len(ownerNames) {
		return ownerNames[o]
	}
	return "unknown owner"
}

var ownerNames = [...]string{"kernel", "context", "thread", "table", "ring", "dma"}

// What the state byte of a granule says when no owner has an object there.
const (
	stateTaken  = 0x80            // below: taken, see Kind
	stateInside = 0x80 + iota - 1 // of an object, but not its first granule
	stateFree                     // an object that is free in its slab
	stateCached                   // an object in a magazine
	stateBad                      // found Dirty and never given again
	stateHeap                     // taken by the heap itself, for a descriptor
)

// Kind is a size class and an owner: what objects are taken and freed by. The
// zero Kind is none. KindOf makes others.
type Kind struct{ word uint64 }

// The parts of a Kind's word. Its lowest byte is what the state byte of a taken
// object says: the owner, and where a front has the address of the class's magazine
// (0 if the class has none). Then come the class, and of a run the logarithm of its
// alignment and its number of frames. A slab has the word of its objects' kinds
// without that byte, so that one exclusive or tells whether an object is of a kind.
const (
	kindOwner    = 7
	kindMagazine = 0x78
	kindState    = 0xff
	kindClass    = 16
	kindAlign    = 24
	kindFrames   = 32
)

var _ [kindOwner + 1 - Owners]struct{}

func (k Kind) owner() Owner   { return Owner(k.word & kindOwner) }
func (k Kind) state() uint8   { return uint8(k.word) }
func (k Kind) class() uint64  { return k.word >> kindClass & 0xff }
func (k Kind) frames() uint64 { return k.word >> kindFrames }
func (k Kind) align() uint64  { return 1 << (k.word >> kindAlign & 63) }

// Size is the number of bytes that an object of the kind has.
func (k Kind) Size() uint64 {
	switch c := k.class(); {
	case c == 0 || c > runClass:
		return 0
	case c == runClass:
		return k.frames() << phys.PageShift
	default:
		return sizeOf(c)
	}
}

// KindOf returns the kind of objects of size bytes, from 1 to MaxSize, for an
// owner. Their addresses are multiples of align, a power of two in bytes (0 for
// anything).
func KindOf(size, align uint64, o Owner) (Kind, Code) {
	switch {
	case size == 0 || size > MaxSize:
		return Kind{}, BadSize
	case align&(align-1) != 0 || align > MaxSize:
		return Kind{}, BadAlign
	case o >= Owners:
		return Kind{}, BadOwner
	}
	for c := classOf(size); c <= Classes; c++ {
		if naturalAlign(c) >= align {
			return Kind{c<<kindClass | slot(c)<<3 | uint64(o)}, OK
		}
	}
	n := (size + phys.PageSize - 1) >> phys.PageShift
	a := uint64(bits.Len64(max(align, phys.PageSize) - 1))
	return Kind{n<<kindFrames | a<<kindAlign | runClass<<kindClass | uint64(o)}, OK
}

// slot is the number of class c's magazine, 0 if it has none.
func slot(c uint64) uint64 {
	if c > fronted {
		return 0
	}
	return c
}

// classOf returns the smallest class of at least size bytes; more than Classes if
// there is none. Two classes a doubling: 2^n and 3*2^(n-1).
func classOf(size uint64) uint64 {
	s := max(size, Smallest) - 1
	n := uint64(bits.Len64(s))
	return 2*n + s>>(n-2)&1 - 10
}

// sizeOf returns the bytes of an object of class c.
func sizeOf(c uint64) uint64 {
	if c%2 != 0 {
		return Smallest << (c / 2)
	}
	return 3 * Smallest / 4 << (c / 2)
}

// naturalAlign returns the largest power of two that divides the size of class c:
// what the addresses of its objects are multiples of.
func naturalAlign(c uint64) uint64 { return sizeOf(c) & -sizeOf(c) }

// layout is how slabs of a class are cut.
type layout struct {
	frames  uint16
	objects uint16 // that fit, beside the descriptor in a slab of one frame
}

// layouts are those of the classes up to 8 KiB. Beyond, a slab is one object.
// They are small, so that they get empty: a slab of four contexts does when a tenth of
// a peak is left with probability 0.66, one of eight with 0.43.
var layouts = [...]layout{{},
	{1, 122}, {1, 78}, {1, 62}, {1, 40}, {1, 31}, {1, 20}, // up to 192 bytes
	{2, 32}, {2, 21}, {2, 16}, {3, 16}, {2, 8}, {3, 8}, {2, 4}, {3, 4}, // up to 3 KiB
	{4, 4}, {3, 2}, {4, 2}, // up to 8 KiB
}

func layoutOf(c uint64) layout {
	if c < uint64(len(layouts)) {
		return layouts[c]
	}
	return layout{uint16(sizeOf(c) >> phys.PageShift), 1}
}

// Report says what a failed operation found.
type Report struct {
	Code   Code
	Taken  bool   // the object is taken, by Owner
	Owner  Owner  // who has it
	Addr   uint64 // physical address that was asked about
	Object uint64 // physical address of the object that holds it; 0: none does
	Size   uint64 // bytes of that object
	Asked  Owner  // who asked
	Want   uint64 // bytes of the kind that was asked with
}

// ClassStats are the figures of a class, in objects where nothing else is said.
type ClassStats struct {
	Size    uint64 // bytes of an object
	Slabs   uint64
	Frames  uint64 // of the slabs
	Objects uint64 // that the slabs hold
	Free    uint64 // in the slabs
	Cached  uint64 // in the fronts
	Most    uint64 // the most that were out of the slabs at one time
	Allocs  uint64 // taken since the start
}

// Used is the number of objects that somebody has.
func (s *ClassStats) Used() uint64 { return s.Objects - s.Free - s.Cached }

// Stats are the heap's figures. Class[0] is that of runs of frames.
type Stats struct {
	Class  [Classes + 1]ClassStats
	Frames uint64 // of everything, the heap's own tables included
	Slack  uint64 // bytes of slabs that are in no taken object
}

// Usage is what an owner has.
type Usage struct {
	Objects uint64
	Bytes   uint64              // of whole objects
	Class   [Classes + 1]uint64 // objects, by class; Class[0]: runs of frames
}
