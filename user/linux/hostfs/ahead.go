// SPDX-License-Identifier: Apache-2.0

package hostfs

import (
	"math"

	"loam/abi"
	"loam/user/linux/lx"
)

const (
	// freshFor is how long what was read ahead may be used, in ns: as long later than on the host may
	// a program see a change that another host's program made.
	freshFor = 10_000_000
	// firstAhead is what is read beyond what the first read of a file asks for: most files end there.
	firstAhead = 32 << 10
)

// half is a half of the shared memory. What was read of a file beyond what was asked for stays there.
// What follows bytes is guarded by FS.mu.
type half struct {
	bytes []byte
	at    uint32 // where it begins in the shared memory

	busy  bool // somebody reads to it or from it
	begun bool // the service may have begun to read to it, what nobody has asked for yet
	used  uint64
	fetch *fetch // what it has begun, if that may be wanted; nil: nothing

	of    *open // whose data it has; nil: none
	off   int64 // of the data in the file
	data  int   // bytes
	ends  bool  // the file ended behind them
	since int64 // when they were asked for
	stamp stamp
}

// stamp tells whether something has happened that makes data old.
type stamp struct {
	changes uint64 // that programs have made to files here
	news    uint64 // that have come from outside of the sandbox
}

// stamped gives the stamp of now. It is called with the mutex.
func (fs *FS) stamped() (s stamp) {
	s.changes = fs.changes
	if fs.News != nil {
		s.news = fs.News()
	}
	return s
}

// changed says that a program changes the content of a file, or has done so.
func (fs *FS) changed() {
	fs.mu.Lock()
	fs.changes++
	fs.mu.Unlock()
}

// take takes a half for n bytes: one that has nothing that may be wanted, or the one that was used longest ago. It
// is nil if both are busy, or n bytes go by a message.
func (fs *FS) take(s *session, n int) *half {
	if n <= small {
		return nil
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	var best *half
	for i := range s.halves {
		h := &s.halves[i]
		if h.bytes == nil || h.busy {
			continue
		}
		if best == nil || !h.wanted() && best.wanted() || h.wanted() == best.wanted() && h.used < best.used {
			best = h
		}
	}
	if best != nil {
		fs.use(best)
	}
	return best
}

// wanted reports whether it has or gets data that may be asked for.
func (h *half) wanted() bool { return h.of != nil || h.fetch != nil }

// use makes a half busy. It has no data any more.
func (fs *FS) use(h *half) {
	fs.uses++
	h.busy, h.of, h.fetch, h.used = true, nil, nil, fs.uses
}

// leave gives it back.
func (fs *FS) leave(h *half) {
	fs.mu.Lock()
	h.busy = false
	fs.mu.Unlock()
}

// forget says that nobody wants what was read ahead of a file.
func (fs *FS) forget(o *open) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	o.closed = true
	for i := range o.session.halves {
		h := &o.session.halves[i]
		if h.of == o {
			h.of = nil
		}
		if h.fetch != nil && h.fetch.of == o {
			h.fetch = nil
		}
	}
}

// fetch is a read that the service has begun before anybody has asked for its data: the host is at it while the program
// has what was before it.
type fetch struct {
	of    *open
	off   int64
	size  int
	since int64
	stamp stamp
}

// order takes a half for what follows n bytes at off, if it is to be begun with them; nil: it isn't.
func (o *open) order(off int64, n int) *half {
	size := len(o.session.halves[0].bytes)
	behind := off + int64(n)
	if !o.fast || 2*o.ahead < size || behind > math.MaxInt64-int64(size) || o.fs.has(o, behind) {
		return nil
	}
	return o.fs.take(o.session, size)
}

// fetched takes the half to which the service reads what is at off; nil: there is none, or that is old.
func (o *open) fetched(off int64) (*half, *fetch) {
	fs := o.fs
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.session != o.session {
		return nil, nil
	}
	for i := range o.session.halves {
		h := &o.session.halves[i]
		f := h.fetch
		if f == nil || f.of != o || f.off != off || h.busy {
			continue
		}
		if fs.now()-f.since > freshFor || f.stamp != fs.stamped() {
			h.fetch = nil
			continue
		}
		fs.use(h)
		return h, f
	}
	return nil, nil
}

// has reports whether what is at off has been read already.
func (fs *FS) has(o *open, off int64) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for i := range o.session.halves {
		if h := &o.session.halves[i]; h.of == o && h.off == off || h.fetch != nil && h.fetch.of == o && h.fetch.off == off {
			return true
		}
	}
	return false
}

// find takes the half that has all that a read of n bytes at off can give, if one has.
func (fs *FS) find(o *open, off int64, n int) (h *half, data []byte) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.session != o.session {
		return nil, nil
	}
	for i := range o.session.halves {
		h := &o.session.halves[i]
		if h.of != o || h.busy || off < h.off || off > h.off+int64(h.data) {
			continue
		}
		data := h.bytes[off-h.off : h.data]
		n := min(n, len(h.bytes)) // what one piece gives
		if len(data) < n && !h.ends {
			continue
		}
		if fs.now()-h.since > freshFor || h.stamp != fs.stamped() {
			h.of = nil
			continue
		}
		fs.uses++
		h.busy, h.used = true, fs.uses
		return h, data[:min(n, len(data))]
	}
	return nil, nil
}

func (fs *FS) now() int64 {
	if fs.Now == nil {
		return 0
	}
	return fs.Now()
}

// readAhead gives what was read ahead, ok if there is as much of it as a half can have, or all to the file's end.
func (o *open) readAhead(b lx.Buffer, off int64) (n int, e abi.Errno, ok bool) {
	if o.ahead == 0 {
		return 0, 0, false
	}
	h, data := o.fs.find(o, off, b.Len())
	if h == nil {
		return 0, 0, false
	}
	if len(data) > 0 {
		n, e = b.Put(data)
	}
	o.next = off + int64(n)
	o.fs.leave(h)
	if n > 0 {
		e = 0
	}
	return n, e, true
}

// plan tells how many bytes a read of n at off should ask for. Reads that follow one another get more each
// time, up to a half; where they come so slowly that the data would be old, nothing is read ahead.
func (o *open) plan(off int64, n, most int) int {
	now := o.fs.now()
	o.fast = now-o.last <= freshFor/2
	switch {
	case off != o.next || o.fs.Now == nil:
		o.ahead = 0
	case off == 0:
		o.ahead = firstAhead
	case now-o.last > freshFor:
		o.ahead = 0
	default:
		o.ahead = min(max(2*o.ahead, n, firstAhead), max(most, n))
	}
	o.last = now
	ahead := int(min(int64(o.ahead), int64(most-n), math.MaxInt64-int64(n)-off)) // not beyond where files can end
	if ahead > n {
		ahead -= ahead % n // whole reads
	}
	return n + max(ahead, 0)
}
