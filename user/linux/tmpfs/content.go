// SPDX-License-Identifier: Apache-2.0

package tmpfs

import (
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
	near  [][]byte
	far   map[int64][]byte
	gone  bool // all was given back

	memory vfs.Memory // has the content, once that was mapped (memory.go)
}

// zeros is what a hole reads as.
var zeros [chunkSize]byte

// chunk gives a chunk, as long as it is allocated.
func (c *content) chunk(i int64) []byte {
	if c.memory != nil {
		return c.inMemory(i)
	}
	return c.charged(i)
}

// charged gives what is charged for.
func (c *content) charged(i int64) []byte {
	if i < nearChunks {
		if i < int64(len(c.near)) {
			return c.near[i]
		}
		return nil
	}
	return c.far[i]
}

func (c *content) setChunk(i int64, b []byte) {
	if i >= nearChunks {
		if b == nil {
			delete(c.far, i)
			return
		}
		if c.far == nil {
			c.far = map[int64][]byte{}
		}
		c.far[i] = b
		return
	}
	for int64(len(c.near)) <= i {
		if b == nil {
			return
		}
		c.near = append(c.near, nil)
	}
	c.near[i] = b
}

// read moves what is there from off on to b.
func (c *content) read(b lx.Buffer, off int64) (done int, e abi.Errno) {
	for b.Len() > 0 && off < c.size {
		at := off & (chunkSize - 1)
		n := min(c.size-off, chunkSize-at, int64(b.Len()))
		p := c.chunk(off >> chunkBits)
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
		p, e := c.room(fs, off>>chunkBits, at+n)
		if e != 0 {
			return done, e
		}
		k, e := b.Get(p[at : at+n])
		done, off = done+k, off+int64(k)
		if c.size = max(c.size, off); e != 0 {
			return done, e
		}
	}
	return done, 0
}

// room gives a chunk with at least n bytes.
func (c *content) room(fs *FS, i, n int64) ([]byte, abi.Errno) {
	if c.memory != nil {
		return c.roomInMemory(fs, i, n)
	}
	p := c.chunk(i)
	if int64(len(p)) >= n {
		return p, 0
	}
	size := int64(leastChunk)
	for size < n {
		size *= 2
	}
	if !fs.charge(size - int64(len(p))) {
		return nil, abi.ENOSPC
	}
	c.bytes += size - int64(len(p))
	grown := make([]byte, size)
	copy(grown, p)
	c.setChunk(i, grown)
	return grown, 0
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
	drop := func(i int64, p []byte) {
		begin := i << chunkBits
		a, b := max(from, begin)-begin, min(to, begin+chunkSize)-begin
		if a >= b || p == nil {
			return
		}
		if a == 0 && b == chunkSize {
			fs.charge(-int64(len(p)))
			c.bytes -= int64(len(p))
			c.setChunk(i, nil)
			return
		}
		if a < int64(len(p)) && c.memory == nil {
			clear(p[a:min(b, int64(len(p)))])
		}
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
		if there := c.chunk(off>>chunkBits) != nil; there != hole {
			return off, 0
		}
		if !hole && off>>chunkBits >= int64(len(c.near)) {
			return c.farData(off)
		}
		off = off&^(chunkSize-1) + chunkSize
	}
	if hole {
		return c.size, 0
	}
	return 0, abi.ENXIO
}

// farData gives the first far chunk from an offset on: there may be a very long hole.
func (c *content) farData(off int64) (int64, abi.Errno) {
	next := int64(-1)
	for i := range c.far {
		if begin := max(i<<chunkBits, off); i >= off>>chunkBits && begin < c.size && (next < 0 || begin < next) {
			next = begin
		}
	}
	if next < 0 {
		return 0, abi.ENXIO
	}
	return next, 0
}
