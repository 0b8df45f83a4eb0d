// SPDX-License-Identifier: Apache-2.0

package hostfs

import (
	"context"

	"loam/abi"
	"loam/user/folderd"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
	"loam/user/ninep"
)

// open is an open file.
type open struct {
	vfs.BaseOpen
	fs      *FS
	session *session // whose the number is
	number  uint32
	dir     bool
	listed  []folderd.Entry // a directory's entries so far, without "." and ".."
	ended   bool            // all are there

	// Of reading ahead; guarded by the server's lock.
	next  int64 // where the last read has ended
	ahead int   // bytes that are read ahead
	last  int64 // when the host was last asked
	fast  bool  // it was asked soon after the time before

	closed bool // guarded by FS.mu
}

// opened are the flags that the service is told.
const opened = abi.O_ACCMODE | abi.O_CREAT | abi.O_EXCL | abi.O_TRUNC | abi.O_DIRECTORY

// Open opens a file.
func (n node) Open(w vfs.Waiter, flags uint32) (vfs.Open, abi.Errno) {
	switch n.kind {
	case abi.S_IFREG, abi.S_IFDIR:
	default:
		return nil, abi.ENXIO
	}
	return n.fs.open(w, n.name(), flags&opened&^(abi.O_CREAT|abi.O_EXCL), 0)
}

func (fs *FS) open(w vfs.Waiter, path string, flags, mode uint32) (vfs.Open, abi.Errno) {
	o := &open{fs: fs}
	if flags&abi.O_TRUNC != 0 {
		defer fs.changed()
	}
	e := fs.do(w, func(ctx context.Context, s *session) (err error) {
		o.session = s
		o.number, o.dir, err = s.Folder.Open(ctx, folderd.Root, path, int32(flags|abi.O_NOFOLLOW), mode)
		return err
	})
	switch e {
	case 0:
		return o, 0
	case abi.EMFILE:
		return nil, abi.ENFILE // it is the folder that has too many, not the process
	}
	return nil, e
}

// Create makes a file. If another made it at the same moment, that is opened, unless it
// was to be new.
func (n node) Create(w vfs.Waiter, name string, flags, mode uint32) (vfs.Node, vfs.Open, abi.Errno) {
	path := n.below(name)
	made := node{n.fs, path, abi.S_IFREG}
	if flags == vfs.NoOpen {
		o, e := n.fs.open(w, path, abi.O_WRONLY|abi.O_CREAT|abi.O_EXCL, mode)
		if e == 0 {
			o.Close()
		}
		return made, nil, e
	}
	o, e := n.fs.open(w, path, flags&opened|abi.O_CREAT, mode)
	return made, o, e
}

// do is FS.do for this file, which has ended with its session.
func (o *open) do(w vfs.Waiter, f func(ctx context.Context, s *session) error) abi.Errno {
	return o.fs.do(w, func(ctx context.Context, s *session) error {
		if s != o.session {
			return abi.EIO
		}
		return f(ctx, s)
	})
}

// Close gives the number back, which nobody waits for.
func (o *open) Close() {
	o.fs.forget(o)
	go func() { _ = o.session.Folder.Close(context.Background(), o.number) }()
}

// Stat tells the attributes of the file, whatever has its name.
func (o *open) Stat(w vfs.Waiter, st *abi.Stat) (abi.Timespec, abi.Errno) {
	var a ninep.Attr
	e := o.do(w, func(ctx context.Context, s *session) (err error) {
		a, err = s.Folder.Stat(ctx, o.number, "", false)
		return err
	})
	if e == 0 {
		o.fs.fill(st, &a)
	}
	return abi.Timespec{}, e
}

// Change changes them.
func (o *open) Change(w vfs.Waiter, c *vfs.Change) abi.Errno {
	if c.Valid&vfs.SetSize != 0 {
		defer o.fs.changed()
	}
	return o.do(w, func(ctx context.Context, s *session) error {
		return s.Folder.Change(ctx, o.number, "", false, setAttr(c))
	})
}

// Truncate changes the size.
func (o *open) Truncate(w vfs.Waiter, size int64) abi.Errno {
	return o.Change(w, &vfs.Change{Valid: vfs.SetSize, Size: size})
}

// Allocate is Linux's of 9P.
func (o *open) Allocate(vfs.Waiter, uint32, int64, int64) abi.Errno { return abi.ENOTSUP }

// Seek finds data everywhere.
func (o *open) Seek(w vfs.Waiter, off int64, whence int) (int64, abi.Errno) {
	var st abi.Stat
	if _, e := o.Stat(w, &st); e != 0 {
		return 0, e
	}
	switch {
	case off < 0 || off >= st.Size:
		return 0, abi.ENXIO
	case whence == lx.SeekHole:
		return st.Size, 0
	}
	return off, 0
}

// Sync has the host put the file on its medium.
func (o *open) Sync(w vfs.Waiter, dataOnly bool) abi.Errno {
	return o.do(w, func(ctx context.Context, s *session) error { return s.Folder.Sync(ctx, o.number, dataOnly) })
}

// Read is for vfs.Open.
func (o *open) Read(w vfs.Waiter, b lx.Buffer, off int64) (n int, e abi.Errno) {
	if o.dir {
		return 0, abi.EISDIR
	}
	if b.Len() == 0 {
		return 0, 0
	}
	if b.Len() <= len(o.session.halves[0].bytes) {
		if n, e, ok := o.readAhead(b, off); ok {
			return n, e
		}
	}
	if w == nil {
		return 0, lx.Wait
	}
	for b.Len() > 0 {
		k, e, ok := o.readAhead(b, off+int64(n))
		asked := k
		if !ok {
			k, asked, e = o.read(w, b, off+int64(n))
			o.next = off + int64(n+k)
		}
		n += k
		switch {
		case e != 0 && n == 0:
			return 0, e
		case e != 0 || k == 0 || k < asked:
			return n, 0
		}
	}
	return n, 0
}

// read asks the host, for as much as one message or a half has room for, and gives as much of it as there is; less
// than it has asked for is there at the file's end.
func (o *open) read(w vfs.Waiter, b lx.Buffer, off int64) (n, want int, e abi.Errno) {
	most := len(o.session.halves[0].bytes)
	want = b.Len()
	asks := o.plan(off, want, most)
	h, f := o.fetched(off)
	if h == nil {
		h = o.fs.take(o.session, asks)
	}
	var data []byte
	if h == nil {
		want = min(want, int(o.session.Data))
		e = o.do(w, func(ctx context.Context, s *session) (err error) {
			data, err = s.Folder.Read(ctx, o.number, off, uint32(want))
			return err
		})
	} else {
		want, asks = min(want, most), min(asks, most)
		defer o.fs.leave(h)
		data, e = o.readTo(w, h, f, off, asks)
	}
	if e == 0 {
		n, e = b.Put(data[:min(len(data), want)])
	}
	if n > 0 {
		e = 0
	}
	return n, want, e
}

// readTo reads to a half, and says what it has; if it is read ahead, it is there for others. f is what the service
// has begun to read there, nil: nothing.
func (o *open) readTo(w vfs.Waiter, h *half, f *fetch, off int64, asks int) ([]byte, abi.Errno) {
	now := o.newFetch(off, asks)
	if f != nil {
		now, asks = f, f.size
	}
	next := o.order(off, asks)
	var then *fetch
	if next != nil {
		then = o.newFetch(off+int64(asks), len(next.bytes))
		defer o.fs.leave(next)
	}
	var got uint32
	e := o.do(w, func(ctx context.Context, s *session) (err error) {
		switch {
		case next != nil:
			got, err = s.Folder.ReadOn(ctx, o.number, off, h.at, uint32(asks), f != nil, next.at, uint32(then.size))
		case f != nil: // and begins nothing, since it wants nothing behind it
			got, err = s.Folder.ReadOn(ctx, o.number, off, h.at, uint32(asks), true, h.at, 0)
		default:
			got, err = s.Folder.ReadTo(ctx, o.number, off, h.at, uint32(asks))
		}
		return err
	})
	n := min(int(got), asks)
	o.fs.mu.Lock()
	defer o.fs.mu.Unlock()
	if next != nil && (e != 0 || n == asks) { // after an error nobody knows
		next.begun = true
		if e == 0 && !o.closed {
			next.fetch = then
		}
	}
	if e != 0 {
		return nil, e
	}
	h.begun = false
	if o.ahead > 0 && !o.closed {
		h.of, h.off, h.data, h.ends, h.since, h.stamp = o, off, n, n < asks, now.since, now.stamp
	}
	return h.bytes[:n], 0
}

// newFetch is a read that begins now.
func (o *open) newFetch(off int64, size int) *fetch {
	o.fs.mu.Lock()
	defer o.fs.mu.Unlock()
	return &fetch{of: o, off: off, size: size, since: o.fs.now(), stamp: o.fs.stamped()}
}

// Write is for vfs.Open.
func (o *open) Write(w vfs.Waiter, b lx.Buffer, off int64, appending bool) (done int, end int64, e abi.Errno) {
	if w == nil {
		return 0, off, lx.Wait
	}
	defer o.fs.changed()
	if appending {
		var st abi.Stat
		if _, e := o.Stat(w, &st); e != 0 {
			return 0, off, e
		}
		off = st.Size
	}
	for b.Len() > 0 {
		n, e := o.write(w, b, off)
		done, off = done+n, off+int64(n)
		if e != 0 || n == 0 {
			if done > 0 {
				e = 0
			}
			return done, off, e
		}
	}
	return done, off, 0
}

// write writes a piece.
func (o *open) write(w vfs.Waiter, b lx.Buffer, off int64) (int, abi.Errno) {
	h := o.fs.take(o.session, b.Len())
	var data []byte
	if h == nil {
		data = make([]byte, min(b.Len(), int(o.session.Data)))
	} else {
		data = h.bytes
		defer o.fs.leave(h)
	}
	if h != nil && h.begun {
		if e := o.settle(w, h); e != 0 {
			return 0, e
		}
	}
	data = data[:min(len(data), b.Len())]
	n, fault := b.Get(data)
	if n == 0 {
		return 0, fault
	}
	var put uint32
	e := o.do(w, func(ctx context.Context, s *session) (err error) {
		if h != nil {
			put, err = s.Folder.WriteFrom(ctx, o.number, off, h.at, uint32(n))
		} else {
			put, err = s.Folder.Write(ctx, o.number, off, data[:n])
		}
		return err
	})
	if e == 0 && int(put) < n { // the rest was taken, and is to be written
		return o.rest(w, data[put:n], off, int(put))
	}
	return int(put), e
}

// settle waits until nothing is read to a half, before somebody writes there.
func (o *open) settle(w vfs.Waiter, h *half) abi.Errno {
	e := o.do(w, func(ctx context.Context, s *session) error {
		return s.Folder.Settle(ctx, h.at, uint32(len(h.bytes)))
	})
	h.begun = h.begun && e != 0
	return e
}

// rest writes what a piece has left.
func (o *open) rest(w vfs.Waiter, data []byte, off int64, done int) (int, abi.Errno) {
	for len(data) > 0 {
		var put uint32
		e := o.do(w, func(ctx context.Context, s *session) (err error) {
			put, err = s.Folder.Write(ctx, o.number, off+int64(done), data[:min(len(data), int(s.Data))])
			return err
		})
		if e != 0 || put == 0 {
			return done, e
		}
		done += int(put)
		data = data[min(int(put), len(data)):]
	}
	return done, 0
}

// small is how many bytes go by a message.
const small = 16 << 10

// firstPosition is that of the first entry, behind "." and "..".
const firstPosition = 3

// Entries is for vfs.Open. The position behind an entry is its number in what was listed since the begin.
func (o *open) Entries(w vfs.Waiter, pos int64, f func(vfs.Entry) bool) abi.Errno {
	if !o.dir {
		return abi.ENOTDIR
	}
	if w == nil {
		return lx.Wait
	}
	if pos < firstPosition {
		o.listed, o.ended = nil, false
	}
	for i := max(pos-firstPosition+1, 0); ; i++ {
		for i >= int64(len(o.listed)) {
			if o.ended {
				return 0
			}
			if e := o.more(w); e != 0 {
				return e
			}
		}
		e := o.listed[i]
		if !f(vfs.Entry{Name: e.Name, Ino: e.Inode, Type: e.Type, Next: firstPosition + i}) {
			return 0
		}
	}
}

// more lists on.
func (o *open) more(w vfs.Waiter) abi.Errno {
	from := uint64(0)
	if n := len(o.listed); n > 0 {
		from = o.listed[n-1].Offset
	}
	for {
		var more []folderd.Entry
		e := o.do(w, func(ctx context.Context, s *session) (err error) {
			more, err = s.Folder.List(ctx, o.number, from)
			return err
		})
		if e != 0 {
			return e
		}
		if len(more) == 0 {
			o.ended = true
			return 0
		}
		found := false
		for _, x := range more {
			if from = x.Offset; x.Name != "." && x.Name != ".." {
				o.listed, found = append(o.listed, x), true
			}
		}
		if found {
			return 0
		}
	}
}
