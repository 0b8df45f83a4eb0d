// SPDX-License-Identifier: Apache-2.0

//go:build linux

package ninep_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"reflect"
	"testing"

	"loam/abi"
	"loam/user/ninep"
)

// echo is a server that keeps the request and gives the reply that it was told.
type echo struct {
	broken
	request []byte
	body    []byte
}

func (e *echo) Start(x *ninep.Exchange) error {
	e.request = append(append([]byte(nil), x.Request[0]...), x.Request[1]...)
	body := e.body
	if ninep.Type(e.request[4]) == ninep.Tversion {
		body = append(binary.LittleEndian.AppendUint32(nil, 8192), "\x08\x009P2000.L"...)
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(7+len(body)))
	b = append(b, e.request[4]+1, e.request[5], e.request[6])
	b = append(b, body...)
	n := copy(x.Reply[0], b)
	copy(x.Reply[1], b[n:])
	x.Done(len(b), nil)
	return nil
}

// fields makes bytes of numbers and strings as the protocol has them. It is this test's own
// idea of them.
func fields(vs ...any) (b []byte) {
	for _, v := range vs {
		switch v := v.(type) {
		case string:
			b = append(binary.LittleEndian.AppendUint16(b, uint16(len(v))), v...)
		case []byte:
			b = append(b, v...)
		case ninep.Fid:
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		default:
			var w bytes.Buffer
			_ = binary.Write(&w, binary.LittleEndian, v)
			b = append(b, w.Bytes()...)
		}
	}
	return b
}

// wire is a message as a client is asked to make it: its type and fields, those of its
// reply, and what the client should make of these.
type wire struct {
	kind  ninep.Type
	asks  []byte
	reply []byte
	call  func(c *ninep.Client) (any, error)
	want  any
}

// FuzzDecode: requests are made of their fields as the protocol says, and the fields of
// replies come out as they were put in.
func FuzzDecode(f *testing.F) {
	f.Add("name", "target", uint32(1), uint32(2), uint64(3), uint64(4), []byte("data"))
	f.Add("x", "/a/..", uint32(1<<31), uint32(0), uint64(1<<63), uint64(1<<62), []byte{})
	f.Fuzz(func(t *testing.T, name, text string, a, b uint32, x, y uint64, data []byte) {
		if ninep.CheckName(name) != 0 || len(data) > 2000 || len(data) == 0 {
			return
		}
		for _, w := range wires(name, text, a, b, x, y, data) {
			e := &echo{body: w.reply}
			c, err := ninep.Dial(t.Context(), e, ninep.Config{MessageSize: 8192, Requests: 1})
			if err != nil {
				t.Fatal(err)
			}
			got, err := w.call(c)
			var n abi.Errno
			if errors.As(err, &n) && len(e.request) > 4 && ninep.Type(e.request[4]) == ninep.Tversion {
				continue // refused before it was sent
			}
			head := fields(uint32(7+len(w.asks)), uint8(w.kind))
			if !bytes.HasPrefix(e.request, head) || !bytes.Equal(e.request[7:], w.asks) {
				t.Fatalf("%v asks\n%x, not\n%x", w.kind, e.request, w.asks)
			}
			if err != nil && !odd(w, text, y) || err == nil && !reflect.DeepEqual(got, w.want) {
				t.Fatalf("%v answers %v, %v, not %v", w.kind, got, err, w.want)
			}
		}
	})
}

// odd reports whether a reply is one that can't be, so that an error is right.
func odd(w wire, text string, y uint64) bool {
	switch w.kind {
	case ninep.Tgetattr:
		return int64(y) < 0
	case ninep.Treadlink:
		return len(text) > ninep.MaxTarget || bytes.IndexByte([]byte(text), 0) >= 0
	}
	return false
}

// wires gives every message, made of these values.
func wires(name, text string, a, b uint32, x, y uint64, data []byte) []wire {
	ctx, fid := context.Background(), ninep.Fid(a)
	q := ninep.QID{Type: uint8(b), Version: a, Path: x}
	id, long := fields(q), text
	if len(long) > 4000 {
		long = long[:4000]
	}
	sec := ninep.Time{Sec: x, Nsec: y % 1e9}
	set := ninep.SetAttr{Valid: b, Mode: a, UID: b, GID: a, Size: y, Atime: sec, Mtime: sec}
	attr := ninep.Attr{Valid: x, QID: q, Mode: a, UID: b, GID: a, Nlink: x, Rdev: y, Size: y, Blksize: x,
		Blocks: y, Atime: sec, Mtime: sec, Ctime: sec, Btime: sec, Gen: x, DataVersion: y}
	fs := ninep.StatFS{Type: a, Bsize: b, Blocks: x, Bfree: y, Bavail: x, Files: y, Ffree: x, FSID: y, Namelen: a}
	lock := ninep.Lock{Type: uint8(b % 3), Start: x, Length: y, PID: a, Owner: name}
	return []wire{
		{ninep.Tattach, fields(uint32(0), ^uint32(0), name, name, ^uint32(0)), id, func(c *ninep.Client) (any, error) {
			_, q, err := c.Attach(ctx, name, name)
			return q, err
		}, q},
		{ninep.Twalk, fields(fid, uint32(0), uint16(2), name, name), fields(uint16(1), q), func(c *ninep.Client) (any, error) {
			var qids [16]ninep.QID
			_, n, err := c.Walk(ctx, fid, []string{name, name}, &qids)
			return [2]any{n, qids[0]}, err
		}, [2]any{1, q}},
		{ninep.Tlopen, fields(fid, b), fields(q, a), func(c *ninep.Client) (any, error) {
			q, unit, err := c.Open(ctx, fid, b)
			return [2]any{q, unit}, err
		}, [2]any{q, a}},
		{ninep.Tlcreate, fields(fid, name, a, b, a), fields(q, b), func(c *ninep.Client) (any, error) {
			q, unit, err := c.Create(ctx, fid, name, a, b, a)
			return [2]any{q, unit}, err
		}, [2]any{q, b}},
		{ninep.Tread, fields(fid, x, uint32(len(data))), fields(uint32(len(data)), data), func(c *ninep.Client) (any, error) {
			p := make([]byte, len(data))
			n, err := c.Read(ctx, fid, x, p)
			return p[:n], err
		}, data},
		{ninep.Twrite, fields(fid, x, uint32(len(data)), data), fields(uint32(len(data))), func(c *ninep.Client) (any, error) {
			return c.Write(ctx, fid, x, data)
		}, len(data)},
		{ninep.Treaddir, fields(fid, x, uint32(500)), fields(uint32(24+len(name)), q, y, uint8(b), name), func(c *ninep.Client) (any, error) {
			p := make([]byte, 500)
			n, err := c.ReadDir(ctx, fid, x, p)
			entries := c.Entries(p[:n])
			e, _, _ := entries.Next()
			return e, err
		}, ninep.Entry{QID: q, Offset: y, Type: uint8(b), Name: name}},
		{ninep.Tgetattr, fields(fid, x), fields(attr), func(c *ninep.Client) (any, error) {
			var at ninep.Attr
			err := c.GetAttr(ctx, fid, x, &at)
			return at, err
		}, attr},
		{ninep.Tsetattr, fields(fid, set), nil, func(c *ninep.Client) (any, error) { return nil, c.SetAttr(ctx, fid, &set) }, nil},
		{ninep.Tstatfs, fields(fid), fields(fs), func(c *ninep.Client) (any, error) { return c.StatFS(ctx, fid) }, fs},
		{ninep.Treadlink, fields(fid), fields(long), func(c *ninep.Client) (any, error) { return c.Readlink(ctx, fid) }, long},
		{ninep.Tsymlink, fields(fid, name, text, b), id, func(c *ninep.Client) (any, error) { return c.Symlink(ctx, fid, name, text, b) }, q},
		{ninep.Tmkdir, fields(fid, name, a, b), id, func(c *ninep.Client) (any, error) { return c.Mkdir(ctx, fid, name, a, b) }, q},
		{ninep.Tlink, fields(fid, b, name), nil, func(c *ninep.Client) (any, error) { return nil, c.Link(ctx, fid, ninep.Fid(b), name) }, nil},
		{ninep.Trenameat, fields(fid, name, b, name), nil, func(c *ninep.Client) (any, error) {
			return nil, c.Rename(ctx, fid, name, ninep.Fid(b), name)
		}, nil},
		{ninep.Tunlinkat, fields(fid, name, b), nil, func(c *ninep.Client) (any, error) { return nil, c.Unlink(ctx, fid, name, b) }, nil},
		{ninep.Tfsync, fields(fid, uint32(1)), nil, func(c *ninep.Client) (any, error) { return nil, c.Fsync(ctx, fid, true) }, nil},
		{ninep.Tlock, fields(fid, lock.Type, uint32(0), x, y, a, name), fields(lock.Type), func(c *ninep.Client) (any, error) {
			return c.Lock(ctx, fid, &lock)
		}, ninep.Status(lock.Type)},
		{ninep.Tgetlock, fields(fid, lock.Type, x, y, a, name), fields(lock.Type, x, y, a, name), func(c *ninep.Client) (any, error) {
			return c.GetLock(ctx, fid, &lock)
		}, lock},
		{ninep.Txattrwalk, fields(fid, uint32(0), name), fields(y), func(c *ninep.Client) (any, error) {
			_, size, err := c.XattrWalk(ctx, fid, name)
			return size, err
		}, y},
		{ninep.Txattrcreate, fields(fid, name, x, b), nil, func(c *ninep.Client) (any, error) {
			return nil, c.XattrCreate(ctx, fid, name, x, b)
		}, nil},
		{ninep.Tclunk, fields(fid), nil, func(c *ninep.Client) (any, error) { return nil, c.Clunk(fid) }, nil},
	}
}
