// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"loam/abi"
)

// span is memory of who calls, in one piece or several.
type span struct {
	k      Kernel
	token  uint64
	addr   uint64 // of the piece that is used
	n      uint64 // bytes left of it
	rest   []abi.Iovec
	behind int // bytes of rest
}

// one makes the task's buffer one piece.
func (s *Server) one(t *task, addr, n uint64) *span {
	b := &t.buffer
	b.k, b.token, b.addr, b.n, b.rest, b.behind = s.kernel, t.Token, addr, min(n, abi.MAX_RW), nil, 0
	return b
}

// several makes the task's buffer the pieces at an address.
func (s *Server) several(t *task, addr, count uint64) (*span, abi.Errno) {
	if count > abi.IOV_MAX {
		return nil, abi.EINVAL
	}
	raw := make([]byte, count*abi.IovecSize)
	if s.kernel.Read(t.Token, addr, raw) < len(raw) {
		return nil, abi.EFAULT
	}
	rest := make([]abi.Iovec, count)
	all := uint64(0)
	for i := range rest {
		v := abi.GetIovec(raw[i*abi.IovecSize:])
		if int64(v.Len) < 0 {
			return nil, abi.EINVAL
		}
		v.Len = min(v.Len, abi.MAX_RW-all)
		all += v.Len
		rest[i] = v
	}
	b := s.one(t, 0, 0)
	b.rest, b.behind = rest, int(all)
	b.next()
	return b, 0
}

// next goes on to a piece that isn't empty.
func (b *span) next() {
	for b.n == 0 && len(b.rest) > 0 {
		b.addr, b.n = uint64(b.rest[0].Base), b.rest[0].Len
		b.behind -= int(b.n)
		b.rest = b.rest[1:]
	}
}

// Len is for lx.Buffer.
func (b *span) Len() int { return int(b.n) + b.behind }

// Put is for lx.Buffer.
func (b *span) Put(p []byte) (int, abi.Errno) { return b.move(p, true) }

// Get is for lx.Buffer.
func (b *span) Get(p []byte) (int, abi.Errno) { return b.move(p, false) }

// bound leaves n bytes at most.
func (b *span) bound(n int64) {
	if n >= int64(b.Len()) {
		return
	}
	if int64(b.n) >= n {
		b.n, b.rest, b.behind = uint64(n), nil, 0
		return
	}
	left := n - int64(b.n)
	b.behind = int(left)
	for i := range b.rest {
		if v := &b.rest[i]; int64(v.Len) >= left {
			v.Len = uint64(left)
			b.rest = b.rest[:i+1]
			return
		}
		left -= int64(b.rest[i].Len)
	}
}

// skip goes on behind n bytes.
func (b *span) skip(n int) {
	for n > 0 && b.n > 0 {
		k := min(uint64(n), b.n)
		b.advance(k)
		n -= int(k)
	}
}

func (b *span) advance(k uint64) {
	b.addr += k
	if b.n -= k; b.n == 0 {
		b.next()
	}
}

func (b *span) move(p []byte, put bool) (done int, e abi.Errno) {
	for done < len(p) && b.n > 0 {
		n := min(uint64(len(p)-done), b.n, abi.MaxMessageBytes)
		piece := p[done : done+int(n)]
		var k int
		if put {
			k = b.k.Write(b.token, b.addr, piece)
		} else {
			k = b.k.Read(b.token, b.addr, piece)
		}
		done += k
		b.advance(uint64(k))
		if uint64(k) < n {
			return done, abi.EFAULT
		}
	}
	return done, 0
}

// put moves a structure to an address. The kernel moves so much at once, and some arrays are longer.
func (s *Server) put(t *task, addr uint64, p []byte) uint64 {
	for len(p) > abi.MaxMessageBytes {
		if s.kernel.Write(t.Token, addr, p[:abi.MaxMessageBytes]) < abi.MaxMessageBytes {
			return abi.EFAULT.Result()
		}
		addr, p = addr+abi.MaxMessageBytes, p[abi.MaxMessageBytes:]
	}
	if s.kernel.Write(t.Token, addr, p) < len(p) {
		return abi.EFAULT.Result()
	}
	return 0
}

// get moves a structure from an address.
func (s *Server) get(t *task, addr uint64, p []byte) bool {
	for len(p) > abi.MaxMessageBytes {
		if s.kernel.Read(t.Token, addr, p[:abi.MaxMessageBytes]) < abi.MaxMessageBytes {
			return false
		}
		addr, p = addr+abi.MaxMessageBytes, p[abi.MaxMessageBytes:]
	}
	return s.kernel.Read(t.Token, addr, p) == len(p)
}

// text reads a string that ends with a zero. It is as long as a path can be.
func (s *Server) text(t *task, addr uint64) (string, abi.Errno) {
	near := s.scratch[:128]
	b := near
	for {
		n := s.kernel.Read(t.Token, addr, b)
		for i, c := range b[:n] {
			if c == 0 {
				return string(b[:i]), 0
			}
		}
		switch {
		case n < len(b):
			return "", abi.EFAULT
		case len(b) == abi.PATH_MAX:
			return "", abi.ENAMETOOLONG
		}
		b = make([]byte, abi.PATH_MAX)
	}
}
