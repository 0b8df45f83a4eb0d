// SPDX-License-Identifier: Apache-2.0

package memorymap

import (
	"cmp"
	"slices"

	"loam/abi/channel"
)

// Measures of the picture in pixels.
const (
	pageWidth = 1200
	margin    = 24
	left      = 124 // of the squares
	side      = 128 // of a square: 2^7
	gap       = 4   // between squares
	pitch     = side + gap
	perRow    = 8 // squares
)

const (
	leastTile  = 8       // order of the smallest square, 1 MiB
	mostTiles  = 64      // squares of the main scale
	zoneDMA    = 1 << 12 // frames: 16 MiB
	zone32     = 1 << 20 // frames: 4 GiB
	mostCells  = 22000
	mostTitled = 2500
)

// section is a zone of memory, drawn at one scale.
type section struct {
	name       string
	first, end uint64 // frames
	tile       int    // order of a square
	rows       []row
}

// row is a row of squares.
type row struct {
	frame uint64 // of the first square, a multiple of the row's size
}

// sections cuts a map at the zone limits. The first 16 MiB have a scale of their
// own; the others one that makes no more than mostTiles squares of them.
func (m *Map) sections() []section {
	main := leastTile
	for m.tiles(main, zoneDMA) > mostTiles && main < 30 {
		main += 2
	}
	all := []section{
		{name: "Below 16 MiB", end: zoneDMA, tile: leastTile},
		{name: "16 MiB to 4 GiB", first: zoneDMA, end: zone32, tile: main},
		{name: "Above 4 GiB", first: zone32, end: MaxFrames, tile: main},
	}
	var out []section
	for _, s := range all {
		s.rows = m.rows(&s)
		if len(s.rows) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// tiles counts the squares of an order that have memory from a frame on.
func (m *Map) tiles(order int, from uint64) int {
	n, last := 0, uint64(1<<63)
	for i := range m.Blocks {
		b := &m.Blocks[i]
		if b.End() <= from {
			continue
		}
		lo, hi := max(b.Frame, from)>>order, (b.End()-1)>>order
		if lo == last {
			lo++
		}
		if hi >= lo {
			n += int(hi - lo + 1)
		}
		last = hi
	}
	return n
}

// rows returns the rows of a section that have memory.
func (m *Map) rows(s *section) []row {
	size := uint64(perRow) << s.tile
	var rows []row
	for i := m.at(s.first); i < len(m.Blocks) && m.Blocks[i].Frame < s.end; i++ {
		b := &m.Blocks[i]
		at := max(b.Frame, s.first) / size * size
		if n := len(rows); n > 0 && at <= rows[n-1].frame {
			at = rows[n-1].frame + size
		}
		for ; at < min(b.End(), s.end); at += size {
			rows = append(rows, row{at})
		}
	}
	return rows
}

// at returns the index of the first block that ends behind a frame.
func (m *Map) at(frame uint64) int {
	i, _ := slices.BinarySearchFunc(m.Blocks, frame, func(b Block, f uint64) int { return cmp.Compare(b.End(), f+1) })
	return i
}

// cell is a node of the tree of buddies on the page.
type cell struct {
	frame   uint64
	order   int
	x, y    int
	w, h    int
	block   int // index of what fills it, or has most of it
	partial bool
}

// walk calls draw for the cells of a square: nodes that one block fills, and those
// of the order leaf that nothing fills, by majority. What is no memory is left out.
func (m *Map) walk(c cell, leaf int, limit [2]uint64, draw func(cell)) {
	end := c.frame + 1<<c.order
	i := m.at(max(c.frame, limit[0]))
	if i == len(m.Blocks) || m.Blocks[i].Frame >= min(end, limit[1]) {
		return
	}
	b := &m.Blocks[i]
	switch {
	case b.Frame <= c.frame && b.End() >= end && c.frame >= limit[0] && end <= limit[1]:
		c.block = i
		draw(c)
	case c.order <= leaf:
		c.block, c.partial = m.majority(i, max(c.frame, limit[0]), min(end, limit[1])), true
		draw(c)
	default:
		a, b := c.halves()
		m.walk(a, leaf, limit, draw)
		m.walk(b, leaf, limit, draw)
	}
}

// halves returns the buddies that make up a cell: of a square the upper and the
// lower half, of two squares side by side the left one and the right one.
func (c *cell) halves() (a, b cell) {
	a = *c
	a.order--
	if c.w == c.h {
		a.h /= 2
	} else {
		a.w /= 2
	}
	b = a
	b.frame += 1 << a.order
	if c.w == c.h {
		b.y += a.h
	} else {
		b.x += a.w
	}
	return a, b
}

// majority returns which block stands for frames first to end, the first of which
// is in or before block i: the first one of the kind and owner that has most.
func (m *Map) majority(i int, first, end uint64) int {
	type sort struct {
		kind  channel.MapKind
		owner Owner
	}
	var has [16]struct {
		sort
		frames uint64
		block  int
	}
	n, best := 0, 0
	for ; i < len(m.Blocks) && m.Blocks[i].Frame < end; i++ {
		b := &m.Blocks[i]
		s := sort{b.Kind, b.Owner}
		k := 0
		for k < n && has[k].sort != s {
			k++
		}
		if k == len(has) {
			continue
		}
		if k == n {
			has[k].sort, has[k].block = s, i
			n++
		}
		has[k].frames += min(b.End(), end) - max(b.Frame, first)
		if has[k].frames > has[best].frames {
			best = k
		}
	}
	return has[best].block
}
