// SPDX-License-Identifier: Apache-2.0

package tmpfs

import (
	"math/bits"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
)

const (
	chunkBits = 16
	chunkSize = 1 << chunkBits
	// nearChunks are those at the begin of a file, which are found by index; the others, of
	// files that are larger than that or have holes, are in a map.
	nearChunks = 4096
	maxSize    = 1<<63 - 1 - chunkSize
	leastChunk = 512
)

// content is what a regular file has in it.
type content struct {
	size  int64
	bytes int64 // allocated
	pages int64 // that are the file's own
	near  []chunk
	far   map[int64]chunk
	gone  bool   // all was given back
	seals uint32 // lx.SealSeal and so on

	memory vfs.Memory // has the content, once that was mapped (memory.go)
}

// chunk is a part of a file. Of its pages some are its own, written or kept by fallocate(2), and some of those have
// been written: the others of them are holes for lseek(2), as on Linux.
type chunk struct {
	b             []byte // as long as it is allocated; nil: none of it is there
	have, written uint16 // pages, the first in the lowest bit
}

const (
	pageBits = 12
	pageSize = 1 << pageBits
)

// pagesOf gives the bits of the pages that a part of a chunk touches.
func pagesOf(from, to int64) uint16 {
	if from >= to {
		return 0
	}
	return uint16(1<<((to+pageSize-1)>>pageBits) - 1<<(from>>pageBits))
}

// zeros is what a hole reads as.
var zeros [chunkSize]byte

// bytesOf gives a chunk's bytes, as long as it is allocated.
func (c *content) bytesOf(i int64) []byte {
	if c.memory != nil {
		return c.inMemory(i)
	}
	return c.charged(i).b
}

// charged gives what is charged for.
func (c *content) charged(i int64) chunk {
	if i < nearChunks {
		if i < int64(len(c.near)) {
			return c.near[i]
		}
		return chunk{}
	}
	return c.far[i]
}

func (c *content) setChunk(i int64, p chunk) {
	if i >= nearChunks {
		if p.b == nil {
			delete(c.far, i)
			return
		}
		if c.far == nil {
			c.far = map[int64]chunk{}
		}
		c.far[i] = p
		return
	}
	for int64(len(c.near)) <= i {
		if p.b == nil {
			return
		}
		c.near = append(c.near, chunk{})
	}
	c.near[i] = p
}

// own notes that a part of a chunk, for which there is room, is the file's own, and whether it has been written. Linux
// takes a page for written, too, for which room was kept twice.
func (c *content) own(i, from, to int64, written bool) {
	p := c.charged(i)
	touched := pagesOf(from, to)
	wrote := touched
	if !written {
		wrote &= p.have
	}
	if touched&^p.have == 0 && wrote&^p.written == 0 {
		return
	}
	c.pages += int64(bits.OnesCount16(touched &^ p.have))
	p.have, p.written = p.have|touched, p.written|wrote
	c.setChunk(i, p)
}

// read moves what is there from off on to b.
func (c *content) read(b lx.Buffer, off int64) (done int, e abi.Errno) {
	for b.Len() > 0 && off < c.size {
		at := off & (chunkSize - 1)
		n := min(c.size-off, chunkSize-at, int64(b.Len()))
		p := c.bytesOf(off >> chunkBits)
		if at < int64(len(p)) {
			p = p[at:min(at+n, int64(len(p)))]
		} else {
			p = zeros[:n]
		}
		k, e := b.Put(p)
		done, off = done+k, off+int64(k)
		if e != 0 {
			return done, partly(done, e)
		}
	}
	return done, 0
}

// partly is the error of an operation that has moved some bytes: none.
func partly(done int, e abi.Errno) abi.Errno {
	if done > 0 {
		return 0
	}
	return e
}

// write puts b there from off on. Less is written where there is no room for more.
func (c *content) write(fs *FS, b lx.Buffer, off int64) (done int, e abi.Errno) {
	for b.Len() > 0 {
		if off >= maxSize {
			return done, abi.EFBIG
		}
		at := off & (chunkSize - 1)
		n := min(chunkSize-at, int64(b.Len()))
		if c.seals&lx.SealGrow != 0 {
			if n = c.withinPages(off, n); n == 0 {
				return done, abi.EPERM
			}
		}
		p, e := c.room(fs, off>>chunkBits, at+n)
		if e != 0 {
			return done, e
		}
		k, e := b.Get(p[at : at+n])
		c.own(off>>chunkBits, at, at+int64(k), true)
		done, off = done+k, off+int64(k)
		if c.size = max(c.size, off); e != 0 {
			return done, e
		}
	}
	return done, 0
}

// withinPages gives how many of n bytes can be written at an offset of a file that may not grow: those of the pages,
// each of which is written as a whole or not at all.
func (c *content) withinPages(off, n int64) int64 {
	if off+n <= c.size {
		return n
	}
	return max(min(c.size, off+n)&^(pageSize-1)-off, 0)
}

// room gives a chunk with at least n bytes.
func (c *content) room(fs *FS, i, n int64) ([]byte, abi.Errno) {
	if c.memory != nil {
		return c.roomInMemory(fs, i, n)
	}
	p := c.charged(i)
	if int64(len(p.b)) >= n {
		return p.b, 0
	}
	size := sizeFor(n)
	if !fs.charge(size - int64(len(p.b))) {
		return nil, abi.ENOSPC
	}
	c.bytes += size - int64(len(p.b))
	grown := make([]byte, size)
	copy(grown, p.b)
	p.b = grown
	c.setChunk(i, p)
	return grown, 0
}

// sizeFor is how much is allocated of a chunk in which so many bytes are needed.
func sizeFor(n int64) int64 {
	size := int64(leastChunk)
	for size < n {
		size *= 2
	}
	return size
}

// allocate keeps room for a part of the file. Where there isn't enough nothing is kept.
func (c *content) allocate(fs *FS, from, to int64) abi.Errno {
	need, free := int64(0), fs.Limit-fs.used
	c.parts(from, to, func(i, _, end int64) bool {
		size := sizeFor(end)
		if c.memory != nil {
			size = chunkSize
		}
		need += max(size-int64(len(c.charged(i).b)), 0)
		return need <= free
	})
	if need > free {
		return abi.ENOSPC
	}
	e := abi.Errno(0)
	c.parts(from, to, func(i, begin, end int64) bool {
		if _, e = c.room(fs, i, end); e == 0 {
			c.own(i, begin, end, false)
		}
		return e == 0
	})
	return e
}

// parts calls f for the parts of chunks that a part of the file consists of, while f wants more.
func (c *content) parts(from, to int64, f func(i, begin, end int64) bool) {
	for from < to {
		i := from >> chunkBits
		next := min((i+1)<<chunkBits, to)
		if !f(i, from-i<<chunkBits, next-i<<chunkBits) {
			return
		}
		from = next
	}
}

// truncate gives the file a size.
func (c *content) truncate(fs *FS, size int64) {
	if size < c.size {
		c.punch(fs, size, (c.size+chunkSize-1)&^(chunkSize-1))
		if near := (size + chunkSize - 1) >> chunkBits; near < int64(len(c.near)) {
			clear(c.near[near:])
			c.near = c.near[:near]
		}
	}
	if c.memory != nil && size > c.size {
		_ = c.memory.Grow(size) // else a mapping doesn't see what the file has got
	}
	c.size = size
}

// punch makes a hole: chunks that are whole in it are given back, the rest is cleared.
func (c *content) punch(fs *FS, from, to int64) {
	if c.memory != nil {
		c.clearMemory(from, to)
	}
	drop := func(i int64, p chunk) {
		begin := i << chunkBits
		a, b := max(from, begin)-begin, min(to, begin+chunkSize)-begin
		if a >= b || p.b == nil {
			return
		}
		whole := pagesOf((a+pageSize-1)&^(pageSize-1), b&^(pageSize-1))
		c.pages -= int64(bits.OnesCount16(p.have & whole))
		if a == 0 && b == chunkSize {
			fs.charge(-int64(len(p.b)))
			c.bytes -= int64(len(p.b))
			c.setChunk(i, chunk{})
			return
		}
		if a < int64(len(p.b)) && c.memory == nil {
			clear(p.b[a:min(b, int64(len(p.b)))])
		}
		p.have, p.written = p.have&^whole, p.written&^whole
		c.setChunk(i, p)
	}
	for i := from >> chunkBits; i < int64(len(c.near)) && i<<chunkBits < to; i++ {
		drop(i, c.near[i])
	}
	for i, p := range c.far {
		drop(i, p)
	}
}

// seek gives the next byte of data, or of a hole, from off on.
func (c *content) seek(off int64, hole bool) (int64, abi.Errno) {
	switch {
	case off < 0 || off >= c.size:
		return 0, abi.ENXIO
	case c.memory != nil && hole: // where a mapping has written isn't known
		return c.size, 0
	case c.memory != nil:
		return off, 0
	}
	for off < c.size {
		i := off >> chunkBits
		if at := off & (chunkSize - 1) >> pageBits; c.charged(i).written>>at&1 == 1 != hole {
			return off, 0
		}
		if !hole && i >= int64(len(c.near)) && c.charged(i).written == 0 {
			return c.farData(off)
		}
		off = off&^(pageSize-1) + pageSize
	}
	if hole {
		return c.size, 0
	}
	return 0, abi.ENXIO
}

// farData gives the first far chunk from an offset on: there may be a very long hole.
func (c *content) farData(off int64) (int64, abi.Errno) {
	next := int64(-1)
	for i, p := range c.far {
		begin := i<<chunkBits + int64(bits.TrailingZeros16(p.written))<<pageBits
		if p.written != 0 && begin >= off && begin < c.size && (next < 0 || begin < next) {
			next = begin
		}
	}
	if next < 0 {
		return 0, abi.ENXIO
	}
	return next, 0
}
