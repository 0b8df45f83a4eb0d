// SPDX-License-Identifier: Apache-2.0

package space

import "loam/abi"

// PageSize is the unit of areas, in bytes.
const PageSize = abi.PageSize

const pageMask = PageSize - 1

// Prot is what a program may do with an area. The bits are those of mmap(2),
// and of paging.Prot. Write and Exec imply Read: no page table has them alone.
type Prot uint8

// The rights.
const (
	Read  Prot = abi.PROT_READ
	Write Prot = abi.PROT_WRITE
	Exec  Prot = abi.PROT_EXEC
)

// Kind is what an area is for.
type Kind uint8

// The kinds. Only Archive, Object, Private and Device have anything behind them; the others
// are zero until written, and differ in name alone.
const (
	Anonymous Kind = iota
	Archive        // part of a file of the boot archive, private
	Stack          // the first stack of a process
	Heap           // the memory of brk
	Guard          // a hole that must stay
	Growing        // grows down when it is touched below: MAP_GROWSDOWN
	Object         // part of a memory object, shared with others that map it
	Private        // part of a memory object, of which what is written is the space's own
	Device         // part of a memory object that is the registers of a device (memory.Objects.Device)
)

// String names the kind for people.
func (k Kind) String() string {
	switch k {
	case Anonymous:
		return "anonymous"
	case Archive:
		return "archive"
	case Stack:
		return "stack"
	case Heap:
		return "heap"
	case Guard:
		return "guard"
	case Object:
		return "object"
	case Private:
		return "private"
	case Growing:
		return "growing"
	case Device:
		return "device"
	}
	return "unknown"
}

// Pages is what a program wants a range to be made of: MADV_HUGEPAGE and
// MADV_NOHUGEPAGE. See wish.
type Pages uint8

// The wishes.
const (
	AnyPages   Pages = iota // large ones where memory is used densely
	LargePages              // large ones from the first touch on
	SmallPages              // no large ones
)

// Area is a range of addresses with the same rights and backing.
type Area struct {
	Start uint64
	End   uint64 // exclusive
	Prot  Prot
	Deny  Prot // rights that mprotect may not give
	Kind  Kind
	Pages Pages // of Space.wishes only

	// Of an Object, Private or Device area only: the index of the object, and where in it Start is,
	// in bytes, page-aligned.
	Object int32
	Offset uint64

	// Of an Archive area only: the physical address of what is mapped at
	// Start, page-aligned, and how many bytes from there belong to the file.
	// The rest of the area, if any, is zero.
	Phys  uint64
	Bytes uint64
}

// Size is the length of the area in bytes.
func (a Area) Size() uint64 { return a.End - a.Start }

// hasObject reports whether a memory object is behind the area.
func (a *Area) hasObject() bool { return a.Kind >= Object } // the last three kinds

// mayWrite reports whether the memory object behind the area can be written
// through it, now or with rights that mprotect gives.
func (a *Area) mayWrite() bool { return a.Kind == Object && a.Deny&Write == 0 }

// from returns the part of the area from addr on, which lies inside it.
func (a Area) from(addr uint64) Area {
	skip := addr - a.Start
	a.Start = addr
	switch a.Kind {
	case Archive:
		a.Phys += skip
		a.Bytes -= min(skip, a.Bytes)
	case Object, Private, Device:
		a.Offset += skip
	}
	return a
}

// upTo returns the part of the area below addr, which lies inside it.
func (a Area) upTo(addr uint64) Area {
	a.End = addr
	if a.Kind == Archive {
		a.Bytes = min(a.Bytes, a.Size())
	}
	return a
}

// joins reports whether b goes on where a ends so that the two can be one.
func (a Area) joins(b Area) bool {
	if a.End != b.Start || a.Prot != b.Prot || a.Kind != b.Kind || a.Deny != b.Deny || a.Pages != b.Pages {
		return false
	}
	switch a.Kind {
	case Archive:
		return a.Phys+a.Size() == b.Phys && (a.Bytes == a.Size() || b.Bytes == 0)
	case Object, Private, Device:
		return a.Object == b.Object && a.Offset+a.Size() == b.Offset
	}
	return true
}

// joined returns a and b as one.
func (a Area) joined(b Area) Area {
	a.End = b.End
	a.Bytes += b.Bytes
	return a
}
