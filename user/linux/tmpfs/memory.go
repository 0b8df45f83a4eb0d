// SPDX-License-Identifier: Apache-2.0

package tmpfs

import (
	"math/bits"

	"loam/abi"
	"loam/user/linux/vfs"
)

// A file that a program maps has its content in a memory object from then on: what is
// read and written by calls, and by way of mappings, is the same memory. The chunks say only what
// is charged then. A file that isn't mapped any more can be as others again (Unshare): there
// aren't as many memory objects as files.

// Memory is for vfs.Mapper.
func (o *open) Memory(fresh func(int64) (vfs.Memory, abi.Errno)) (vfs.Memory, abi.Errno) {
	n := o.n
	if n.mode&abi.S_IFMT != abi.S_IFREG {
		return nil, abi.ENODEV
	}
	if n.memory != nil {
		return n.memory, 0
	}
	m, e := fresh(n.size)
	if e != 0 {
		return nil, e
	}
	n.each(func(i int64, p chunk) {
		if at := i << chunkBits; at < n.size {
			copy(m.Bytes()[at:], p.b)
		}
		p.b = zeros[:len(p.b)] // a mark: nobody looks into it
		n.setChunk(i, p)
	})
	n.memory = m
	return m, 0
}

// Unshare is for vfs.Mapper.
func (o *open) Unshare() bool {
	if !o.n.unshare() {
		return false
	}
	o.n.recount(o.n.fs)
	return true
}

func (c *content) unshare() bool {
	m := c.memory
	if m == nil {
		return true
	}
	if m.Shared() {
		return false
	}
	b := m.Bytes()
	b = b[:min(c.size, int64(len(b)))]
	kept := content{near: c.near, far: c.far}
	c.near, c.far, c.pages = nil, nil, 0
	for at := int64(0); at < int64(len(b)); at += chunkSize {
		c.leaveMemory(at>>chunkBits, b[at:min(at+chunkSize, int64(len(b)))], kept.charged(at>>chunkBits))
	}
	c.memory = nil
	m.Close()
	return true
}

// leaveMemory has a chunk be Go's memory again: also what a mapping has written, which was charged to nobody, but what
// only reads as zeroes and wasn't kept room for.
func (c *content) leaveMemory(i int64, b []byte, was chunk) {
	for at := int64(0); at < int64(len(b)); at += pageSize {
		if bit := pagesOf(at, at+1); !isZero(b[at:min(at+pageSize, int64(len(b)))]) {
			was.have, was.written = was.have|bit, was.written|bit
		}
	}
	if was.have == 0 {
		return
	}
	was.b = append(make([]byte, 0, chunkSize), b...)[:chunkSize]
	c.pages += int64(bits.OnesCount16(was.have))
	c.setChunk(i, was)
}

// recount charges what chunks have.
func (c *content) recount(fs *FS) {
	all := int64(0)
	c.each(func(_ int64, p chunk) { all += int64(len(p.b)) })
	fs.used += all - c.bytes
	c.bytes = all
}

func isZero(p []byte) bool {
	for len(p) > 0 {
		n := min(len(p), len(zeros))
		if string(p[:n]) != string(zeros[:n]) {
			return false
		}
		p = p[n:]
	}
	return true
}

// each calls f with the chunks that are allocated.
func (c *content) each(f func(i int64, p chunk)) {
	for i, p := range c.near {
		if p.b != nil {
			f(int64(i), p)
		}
	}
	for i, p := range c.far {
		f(i, p)
	}
}

// inMemory gives a chunk of a file whose content is memory, as long as that is.
func (c *content) inMemory(i int64) []byte {
	b := c.memory.Bytes()
	at := i << chunkBits
	if at >= int64(len(b)) {
		return nil
	}
	return b[at:min(at+chunkSize, int64(len(b)))]
}

// roomInMemory is room for a file whose content is memory. A chunk is charged for as a whole.
func (c *content) roomInMemory(fs *FS, i, n int64) ([]byte, abi.Errno) {
	if e := c.memory.Grow(i<<chunkBits + n); e != 0 {
		return nil, abi.ENOSPC
	}
	if p := c.charged(i); int64(len(p.b)) < n {
		k := int64(len(p.b))
		if !fs.charge(chunkSize - k) {
			return nil, abi.ENOSPC
		}
		c.bytes += chunkSize - k
		p.b = zeros[:]
		c.setChunk(i, p)
	}
	return c.inMemory(i), 0
}

// clearMemory has a part of the memory be zero.
func (c *content) clearMemory(from, to int64) {
	b := c.memory.Bytes()
	if to = min(to, int64(len(b))); from < to {
		clear(b[from:to])
	}
}
