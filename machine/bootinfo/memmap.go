// SPDX-License-Identifier: Apache-2.0

package bootinfo

// Range is a range of physical addresses, in bytes.
type Range struct {
	Base uint64
	Size uint64
}

// End is the address behind the range; it stops at the top of the addresses
// when the range claims to go on beyond them.
func (r Range) End() uint64 {
	if r.Base+r.Size < r.Base {
		return ^uint64(0)
	}
	return r.Base + r.Size
}

// MemoryKind is the type of an entry of the loader's memory map; the numbers
// are those of the PC's E820 map.
type MemoryKind uint32

// The kinds that have a name. Whatever isn't MemoryRAM is reserved.
const (
	MemoryRAM          MemoryKind = 1
	MemoryReserved     MemoryKind = 2
	MemoryACPI         MemoryKind = 3
	MemoryNVS          MemoryKind = 4
	MemoryUnusable     MemoryKind = 5
	MemoryDisabled     MemoryKind = 6
	MemoryPersistent   MemoryKind = 7
	maxPhysicalAddress            = 1 << 52 // amd64's architectural limit
)

// String names the kind for the boot log.
func (k MemoryKind) String() string {
	switch k {
	case MemoryRAM:
		return "usable"
	case MemoryReserved:
		return "reserved"
	case MemoryACPI:
		return "ACPI tables"
	case MemoryNVS:
		return "ACPI NVS"
	case MemoryUnusable:
		return "unusable"
	case MemoryDisabled:
		return "disabled"
	case MemoryPersistent:
		return "persistent"
	}
	return "unknown"
}

// MaxRanges is how many ranges a Map holds.
const MaxRanges = 128

// Map is a set of physical addresses, kept as sorted, disjoint ranges that
// don't touch. The zero value is empty.
//
// Add everything usable first, then Remove everything reserved, then Finish:
// in this order what is reserved wins. Both work on bytes, so that two halves
// of a page given apart still make a page; Finish cuts to whole pages.
type Map struct {
	ranges [MaxRanges]Range
	n      int
	lost   uint64 // bytes
}

// Len is the number of ranges.
func (m *Map) Len() int { return m.n }

// At returns range i in order of addresses; it is empty if there is none.
func (m *Map) At(i int) Range {
	if i < 0 || i >= m.n {
		return Range{}
	}
	return m.ranges[i]
}

// Total is the number of bytes in the map.
func (m *Map) Total() (bytes uint64) {
	for i := range m.n {
		bytes += m.ranges[i].Size
	}
	return bytes
}

// Lost is how many bytes were given up since the map had too many pieces.
// Pages that Finish cuts are not counted.
func (m *Map) Lost() uint64 { return m.lost }

// Add adds a range to the map.
func (m *Map) Add(r Range) {
	start, end := r.Base, min(r.End(), maxPhysicalAddress)
	if start >= end {
		return
	}
	// The ranges from i up to j overlap or touch the new one: they become one.
	i := m.firstEndingAt(start)
	j := i
	for j < m.n && m.ranges[j].Base <= end {
		start = min(start, m.ranges[j].Base)
		end = max(end, m.ranges[j].End())
		j++
	}
	m.replace(i, j, Range{start, end - start}, Range{})
}

// Remove takes a range out of the map.
func (m *Map) Remove(r Range) {
	start, end := r.Base, r.End()
	if start >= end {
		return
	}
	i := m.firstEndingAt(start)
	if i < m.n && m.ranges[i].End() == start {
		i++ // only touches
	}
	var left, right Range
	j := i
	for j < m.n && m.ranges[j].Base < end {
		old := m.ranges[j]
		if old.Base < start {
			left = Range{old.Base, start - old.Base}
		}
		if old.End() > end {
			right = Range{end, old.End() - end}
		}
		j++
	}
	m.replace(i, j, left, right)
}

// Finish cuts each range down to the whole pages within it and drops those
// that have none.
func (m *Map) Finish() {
	n := 0
	for i := range m.n {
		r := m.ranges[i]
		start := (r.Base + PageSize - 1) &^ (PageSize - 1)
		end := r.End() &^ (PageSize - 1)
		if start < end {
			m.ranges[n] = Range{start, end - start}
			n++
		}
	}
	m.n = n
}

// firstEndingAt returns the index of the first range whose end is at or above
// addr, m.n if there is none.
func (m *Map) firstEndingAt(addr uint64) int {
	low, high := 0, m.n
	for low < high {
		mid := int(uint(low+high) / 2)
		if m.ranges[mid].End() < addr {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// replace puts up to two ranges, those of a and b that are not empty, in the
// place of the ranges from i up to j. If there is no room the smallest range
// of all is given up first.
func (m *Map) replace(i, j int, a, b Range) {
	if a.Size == 0 {
		a, b = b, Range{}
	}
	grow := i - j
	if a.Size != 0 {
		grow++
	}
	if b.Size != 0 {
		grow++
	}
	if m.n+grow > MaxRanges {
		// grow is 1: a new range, or one range split in two.
		i, j, a, b, grow = m.makeRoom(i, j, a, b)
	}
	m.shift(j, grow)
	if a.Size != 0 {
		m.ranges[i] = a
		i++
	}
	if b.Size != 0 {
		m.ranges[i] = b
	}
}

// makeRoom gives up the smallest range of a full map that replace would grow
// by one: one that stays, or a or b. It returns replace's arguments as they are
// after that, and by how much the map grows now.
func (m *Map) makeRoom(i, j int, a, b Range) (int, int, Range, Range, int) {
	small := -1 // the smallest of the ranges that stay
	for k := range m.n {
		if (k < i || k >= j) && (small < 0 || m.ranges[k].Size < m.ranges[small].Size) {
			small = k
		}
	}
	least := a.Size
	if b.Size != 0 {
		least = min(least, b.Size)
	}
	if small < 0 || least <= m.ranges[small].Size {
		m.lost += least
		if a.Size == least {
			a = b
		}
		return i, j, a, Range{}, 0
	}
	m.lost += m.ranges[small].Size
	m.shift(small+1, -1)
	if small < i {
		i, j = i-1, j-1
	}
	return i, j, a, b, 1
}

// shift moves the ranges from i on by d places.
func (m *Map) shift(i, d int) {
	copy(m.ranges[i+d:], m.ranges[i:m.n])
	m.n += d
}
