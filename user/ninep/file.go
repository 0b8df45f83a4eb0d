// SPDX-License-Identifier: Apache-2.0

package ninep

import (
	"context"
	"strings"

	"loam/abi"
)

// Open prepares a file for reading and writing, by the flags of open(2), and gives how
// many bytes one message had best carry: 0 as many as it can. EROFS the client is
// read-only and the flags could change the file.
func (c *Client) Open(ctx context.Context, fid Fid, flags uint32) (q QID, unit uint32, err error) {
	if c.readOnly && flags&writing != 0 {
		return q, 0, abi.EROFS
	}
	s, err := c.fidRequest(ctx, Tlopen, fid)
	if err != nil {
		return q, 0, err
	}
	defer c.end(s)
	s.w.u32(flags)
	q, err = c.identity(ctx, s, &unit)
	return q, unit, err
}

// Create makes a regular file in a directory and opens it. From then on the Fid is the
// file's. After an error it is the directory's, but after the context's nobody knows.
func (c *Client) Create(ctx context.Context, dir Fid, name string, flags, mode, gid uint32) (q QID, unit uint32, err error) {
	s, err := c.nameRequest(ctx, Tlcreate, dir, name)
	if err != nil {
		return q, 0, err
	}
	defer c.end(s)
	s.w.u32(flags)
	s.w.u32(mode)
	s.w.u32(gid)
	q, err = c.identity(ctx, s, &unit)
	return q, unit, err
}

// Read reads from an open file at an offset, at most MaxData bytes, right into p. It gives
// fewer at the end of the file, and where the server likes to; 0 at the end.
func (c *Client) Read(ctx context.Context, fid Fid, offset uint64, p []byte) (int, error) {
	return c.read(ctx, Tread, fid, offset, p)
}

// AtOnce is how many messages ReadAhead has under way together at most.
const AtOnce = 4

// Reading is a read whose messages are under way. The memory is the server's until End.
type Reading struct {
	client *Client
	slots  [AtOnce]*slot
	unit   int
	early  bool  // nobody waits for it
	err    error // why there are no more of them
}

// ReadAhead is Read by messages of unit bytes, at most Room, of which several are under
// way together: while the one's data is on its way the server reads the next. It reads as many as it has
// requests free for, one at least. What comes behind a message that gave fewer bytes counts for nothing.
func (c *Client) ReadAhead(ctx context.Context, fid Fid, offset uint64, p []byte, unit int) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	r := Reading{client: c, unit: unit}
	s, err := c.fidRequest(ctx, Tread, fid)
	if err != nil {
		return 0, err
	}
	r.send(s, fid, offset, p)
	return r.End(ctx)
}

// BeginRead is the first part of ReadAhead, for who wants the data later. All that were begun have no more than half of all
// requests, so that others go on; nothing is begun if there is none for it.
func (c *Client) BeginRead(fid Fid, offset uint64, p []byte, unit int) (r Reading, begun bool) {
	if len(p) == 0 {
		return r, false
	}
	r = Reading{client: c, unit: unit, early: true}
	s := r.another(fid)
	if s == nil {
		return r, false
	}
	r.send(s, fid, offset, p)
	return r, true
}

// send sends the first message in a slot, and others while there are free ones.
func (r *Reading) send(s *slot, fid Fid, offset uint64, p []byte) {
	for i := 0; s != nil; {
		piece := p[i*r.unit : min(len(p), (i+1)*r.unit)]
		s.w.u64(offset + uint64(i*r.unit))
		s.w.u32(uint32(len(piece)))
		if r.err = r.client.send(s, nil, piece); r.err != nil {
			r.end(s)
			return
		}
		r.slots[i] = s
		if i++; i == AtOnce || i*r.unit >= len(p) {
			return
		}
		s = r.another(fid)
	}
}

// End waits for the messages of a read, and gives what ReadAhead does.
func (r *Reading) End(ctx context.Context) (n int, err error) {
	whole := true
	for _, s := range r.slots { // also those behind the end: the memory is theirs until they are answered
		if s == nil {
			break
		}
		got, e := r.client.transferred(ctx, s)
		r.end(s)
		if whole {
			n += got
			if whole = e == nil && got == r.unit; e != nil {
				err = e
			}
		}
	}
	if whole && err == nil {
		err = r.err
	}
	return n, err
}

// another begins one more Tread. It doesn't wait for a request that is free (nil): two that waited for each
// other's would do so for ever.
func (r *Reading) another(fid Fid) *slot {
	c := r.client
	if c.Err() != nil {
		return nil
	}
	if r.early {
		select {
		case c.early <- struct{}{}:
		default:
			return nil
		}
	}
	select {
	case s := <-c.free:
		c.prepare(s, Tread)
		s.w.u32(uint32(fid))
		return s
	default:
		if r.early {
			<-c.early
		}
		return nil
	}
}

// end gives a request back.
func (r *Reading) end(s *slot) {
	r.client.end(s)
	if r.early {
		<-r.client.early
	}
}

// ReadDir reads entries of an open directory into p, at most MaxData bytes: those behind the one
// with the offset, which Entries gives; 0 for the first. It gives 0 at the end. p should
// have room for a few entries: servers have no way to say that it is too small.
func (c *Client) ReadDir(ctx context.Context, fid Fid, offset uint64, p []byte) (int, error) {
	return c.read(ctx, Treaddir, fid, offset, p)
}

func (c *Client) read(ctx context.Context, t Type, fid Fid, offset uint64, p []byte) (int, error) {
	p = p[:min(len(p), c.Room(p))]
	if len(p) == 0 {
		return 0, nil
	}
	s, err := c.fidRequest(ctx, t, fid)
	if err != nil {
		return 0, err
	}
	defer c.end(s)
	s.w.u64(offset)
	s.w.u32(uint32(len(p)))
	return c.transfer(ctx, s, p)
}

// Write writes to an open file at an offset, at most MaxData bytes, and gives how many it
// wrote. A file that was opened with O_APPEND may be written at its end instead.
func (c *Client) Write(ctx context.Context, fid Fid, offset uint64, p []byte) (int, error) {
	p = p[:min(len(p), c.Room(p))]
	s, err := c.fidRequest(ctx, Twrite, fid)
	if err != nil {
		return 0, err
	}
	defer c.end(s)
	s.w.u64(offset)
	s.w.u32(uint32(len(p)))
	r, err := c.call(ctx, s, p, nil)
	if err != nil {
		return 0, err
	}
	n := r.u32()
	if !r.whole() || uint64(n) > uint64(len(p)) {
		return 0, c.broken(Twrite, "more bytes written than there were")
	}
	return int(n), nil
}

// Fsync has the server put a file's data on its medium, and its attributes as well
// unless dataOnly.
func (c *Client) Fsync(ctx context.Context, fid Fid, dataOnly bool) error {
	s, err := c.fidRequest(ctx, Tfsync, fid)
	if err != nil {
		return err
	}
	defer c.end(s)
	var only uint32
	if dataOnly {
		only = 1
	}
	s.w.u32(only)
	return c.simple(ctx, s)
}

// Lock asks for a lock, or gives one up. QEMU grants everything and keeps nothing.
func (c *Client) Lock(ctx context.Context, fid Fid, l *Lock) (Status, error) {
	s, err := c.fidRequest(ctx, Tlock, fid)
	if err != nil {
		return 0, err
	}
	defer c.end(s)
	var flags uint32
	if l.Wait {
		flags = 1
	}
	s.w.u8(l.Type)
	s.w.u32(flags)
	s.w.u64(l.Start)
	s.w.u64(l.Length)
	s.w.u32(l.PID)
	s.w.str(l.Owner)
	r, err := c.call(ctx, s, nil, nil)
	if err != nil {
		return 0, err
	}
	status := Status(r.u8())
	if !r.whole() || status > LockGrace {
		return 0, c.broken(Tlock, "an impossible state")
	}
	return status, nil
}

// GetLock tells what lock is in l's way; Type Unlock, if none.
func (c *Client) GetLock(ctx context.Context, fid Fid, l *Lock) (found Lock, err error) {
	s, err := c.fidRequest(ctx, Tgetlock, fid)
	if err != nil {
		return found, err
	}
	defer c.end(s)
	s.w.u8(l.Type)
	s.w.u64(l.Start)
	s.w.u64(l.Length)
	s.w.u32(l.PID)
	s.w.str(l.Owner)
	r, err := c.call(ctx, s, nil, nil)
	if err != nil {
		return found, err
	}
	found = Lock{Type: r.u8(), Start: r.u64(), Length: r.u64(), PID: r.u32(), Owner: r.str()}
	if !r.whole() || found.Type > Unlock {
		return Lock{}, c.broken(Tgetlock, "an impossible lock")
	}
	return found, nil
}

// XattrWalk opens an extended attribute of a file for reading, or the list of their names
// (each ended by a NUL) if name is empty, and gives its size in bytes.
func (c *Client) XattrWalk(ctx context.Context, file Fid, name string) (Fid, uint64, error) {
	if strings.ContainsRune(name, 0) || len(name) > MaxName {
		return 0, 0, abi.ERANGE
	}
	s, err := c.fidRequest(ctx, Txattrwalk, file)
	if err != nil {
		return 0, 0, err
	}
	defer c.end(s)
	fid, ok := c.newFid()
	if !ok {
		return 0, 0, abi.ENFILE
	}
	s.w.u32(uint32(fid))
	s.w.str(name)
	r, err := c.call(ctx, s, nil, nil)
	if err != nil {
		c.drop(s, fid)
		return 0, 0, err
	}
	size := r.u64()
	if !r.whole() {
		return 0, 0, c.broken(Txattrwalk, "its fields don't fit")
	}
	return fid, size, nil
}

// XattrCreate turns a file's Fid into one for writing an extended attribute: size bytes by
// Write, and then a Clunk, which does it. Size 0 removes the attribute, with QEMU.
func (c *Client) XattrCreate(ctx context.Context, file Fid, name string, size uint64, flags uint32) error {
	if name == "" || strings.ContainsRune(name, 0) || len(name) > MaxName {
		return abi.ERANGE
	}
	s, err := c.fidRequest(ctx, Txattrcreate, file)
	if err != nil {
		return err
	}
	defer c.end(s)
	s.w.str(name)
	s.w.u64(size)
	s.w.u32(flags)
	return c.simple(ctx, s)
}
