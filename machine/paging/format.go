// SPDX-License-Identifier: Apache-2.0

package paging

// Prot is what a leaf allows, and what software remembers about it.
type Prot uint8

// The bits. Write or Exec imply Read: no format here has one without it.
const (
	Read Prot = 1 << iota
	Write
	Exec
	User     // user mode may use it
	Global   // the same in every address space
	Device   // uncached registers; a format without cache bits ignores it
	Copy     // software: the frame may be shared, a writer gets a copy
	Borrowed // software: the frame is not given back when unmapped

	Access    = Read | Write | Exec
	ReadOnly  = Read
	ReadWrite = Read | Write
	ReadExec  = Read | Exec
	hardware  = Access | User | Global | Device
	software  = Copy | Borrowed
	softShift = 6 // of Copy
)

// PageSize is the size of the smallest page.
const (
	PageSize  = 1 << pageShift
	pageShift = 12
	indexBits = 9
	indexMask = 1<<indexBits - 1
)

// Format describes an architecture's page tables. Levels are counted from the
// leaf tables, 0, to the root, Levels-1.
type Format struct {
	Levels   uint   // of tables
	Large    uint   // the highest level at which a leaf may stand
	Bits     uint   // of a virtual address; those above repeat the highest
	UserEnd  uint64 // where user addresses end, a multiple of the page size
	Kernel   uint64 // where kernel addresses begin; between them there are none
	AddrMask uint64 // the bits of an entry that hold the physical address
	AddrDown uint   // how far the address is shifted down there
	AddrUnit uint64 // 1 << AddrDown; the walk multiplies, it is shorter

	Valid    uint64 // the processor may use the entry
	LeafMask uint64 // a valid entry above level 0 with one of these is a leaf
	DirMask  uint64 // Valid and LeafMask together
	LargeBit uint64 // added to a leaf above level 0
	UserDir  uint64 // bits of an entry that refers to a table of the user part
	KernDir  uint64 // and of the kernel part
	BadAddr  uint64 // bits that the address of a frame does not have

	// Leaf holds the bits of a leaf by its hardware Prot bits, 0 for Write
	// with Exec. Without any access it is a held leaf: not valid, not zero.
	Leaf [64]uint64
	// Soft holds the bits of a leaf by its software Prot bits; SoftAt is the
	// position of the lower of them.
	Soft   [4]uint64
	SoftAt uint
	// Show says for each hardware Prot bit, from Read on, which bit of a valid
	// leaf shows it; with Inverted, by being clear.
	Show [6]uint8
}

// Inverted marks a position in Format.Show.
const Inverted = 0x40

// Canonical says whether va is an address at all.
func (f *Format) Canonical(va uint64) bool {
	up := 64 - f.Bits
	return uint64(int64(va<<up)>>up) == va
}

// shift returns the position of a level's index in a virtual address.
func shift(level uint) uint { return (pageShift + indexBits*level) & 63 }

// Span returns the number of bytes that one entry of a level covers.
func Span(level uint) uint64 { return 1 << shift(level) }

// addr returns the physical address in an entry.
func (f *Format) addr(e uint64) uint64 { return e & f.AddrMask * f.AddrUnit }

// entry returns the bits of an entry that hold the physical address pa.
func (f *Format) entry(pa uint64) uint64 { return pa >> (f.AddrDown & 63) }

// leaf returns a leaf for pa at a level.
func (f *Format) leaf(pa uint64, prot Prot, level uint) uint64 {
	e := f.entry(pa) | f.Leaf[prot&hardware] | f.Soft[prot>>softShift]
	if level > 0 {
		e |= f.LargeBit
	}
	return e
}

// prot returns what a leaf allows and remembers.
func (f *Format) prot(e uint64) Prot {
	p := Prot(e>>(f.SoftAt&63)) << softShift
	if e&f.Valid == 0 {
		return p // nothing or a held leaf
	}
	return p | f.show(e, 0) | f.show(e, 1) | f.show(e, 2) | f.show(e, 3) | f.show(e, 4) | f.show(e, 5)
}

// show returns hardware Prot bit k as the valid leaf e shows it.
func (f *Format) show(e uint64, k int) Prot {
	at := f.Show[k]
	return Prot((e>>(at&63)^uint64(at>>6))&1) << k
}

// isLeaf says whether the nonzero entry at a level is a leaf.
func (f *Format) isLeaf(e uint64, level uint) bool {
	return level == 0 || e&f.LeafMask != 0 || e&f.Valid == 0
}

// Code is the outcome of an operation.
type Code uint8

// The codes. Everything but OK means that nothing was changed, except where
// an operation on a range says how far it came.
const (
	OK           Code = iota
	Mapped            // something is mapped there already
	NotMapped         // nothing is mapped there
	NoMemory          // no frame for a table
	Misaligned        // no multiple of the page size, or no physical address
	NonCanonical      // an address or range that virtual addresses don't have
	WX                // both writable and executable
	WrongHalf         // User in the kernel's part, or no User in the user's
	Large             // part of a large leaf; split it first
	More              // not done: give back the batch and call again
	NoTable           // MapInto: not the common case; Map says what it is
)

// String returns the code in words.
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return "unknown code"
}

var codeNames = [...]string{"ok", "already mapped", "not mapped", "no memory for a page table",
	"misaligned", "non-canonical address", "writable and executable", "wrong half",
	"inside a large page", "more to do", "no table"}
