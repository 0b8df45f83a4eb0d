// SPDX-License-Identifier: Apache-2.0

//go:build linux

package ninep_test

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"loam/abi"
	"loam/user/ninep"
)

// liar is a server that answers what it likes: each reply is a piece of data, whose first
// byte says how much of its header is put right.
type liar struct {
	broken
	data []byte
	soon bool // lies from the start
}

// Bits of a reply's first byte.
const (
	rightSize = 1 << iota
	rightType
	rightTag
	rightCount // of what carries data
	anError
	noReply  // nothing comes
	tooLong  // it says that there is more than there can be
	transprt // the transport fails
)

func (l *liar) next(n int) []byte {
	n = min(n, len(l.data))
	b := l.data[:n]
	l.data = l.data[n:]
	return b
}

func (l *liar) Forget(x *ninep.Exchange) { x.Done(0, nil) }

func (l *liar) Start(x *ninep.Exchange) error {
	if kind := ninep.Type(x.Request[0][4]); !l.soon && (kind == ninep.Tversion || kind == ninep.Tattach) {
		e := echo{body: append([]byte{ninep.TypeDir}, make([]byte, 12)...)}
		return e.Start(x)
	}
	how := l.next(2)
	if len(how) < 2 {
		return errors.New("the data is at its end")
	}
	room := len(x.Reply[0]) + len(x.Reply[1])
	b := make([]byte, room)
	n := min(room, 7+copy(b[7:], l.next(int(how[1]))))
	if how[0]&anError != 0 {
		n = min(n, 11)
	}
	l.mend(x, b, n, how[0])
	k := copy(x.Reply[0], b)
	copy(x.Reply[1], b[k:])
	switch {
	case how[0]&transprt != 0 && how[0]&noReply != 0:
		return errors.New("the transport")
	case how[0]&transprt != 0:
		x.Done(0, errors.New("the transport"))
	case how[0]&noReply != 0:
		x.Done(0, nil)
	case how[0]&tooLong != 0:
		x.Done(room+n, nil)
	default:
		x.Done(n, nil)
	}
	x.Done(n, nil) // one too many
	return nil
}

// mend puts right what how says of a reply's header.
func (l *liar) mend(x *ninep.Exchange, b []byte, n int, how byte) {
	copy(b, []byte{byte(n), byte(n >> 8), byte(how), how, how, how, how})
	if how&rightSize != 0 {
		binary.LittleEndian.PutUint32(b, uint32(n))
	}
	if how&rightType != 0 {
		b[4] = x.Request[0][4] + 1
	}
	if how&anError != 0 {
		b[4] = byte(ninep.Rlerror)
	}
	if how&rightTag != 0 {
		copy(b[5:7], x.Request[0][5:7])
	}
	if how&rightCount != 0 && len(b) >= 11 {
		binary.LittleEndian.PutUint32(b[7:], uint32(max(n, 11)-11))
	}
}

// FuzzReply: whatever a server answers, each call comes to an end with a result that can
// be or an error that says what it is; and once the protocol is broken, nothing more is
// sent.
func FuzzReply(f *testing.F) {
	const right = rightSize | rightType | rightTag
	version := append([]byte{right, 14, 0, 32, 0, 0, 8, 0}, "9P2000.L"...)
	f.Add(append(version, right|anError, 4, 2, 0, 0, 0), byte(0x80))
	for op, body := range [][]byte{fields(uint16(1), ninep.QID{}), fields(uint32(25), ninep.QID{}, uint64(1), uint8(4), "d"),
		fields(uint32(3), "abc"), fields(uint32(3)), fields("target"), fields(ninep.Attr{Size: 5}), fields(ninep.StatFS{}),
		fields(uint8(0)), fields(uint8(2), ninep.QID{}, uint64(0), "me"), fields(uint64(7)), fields(ninep.QID{}, uint32(0)), nil} {
		good := append([]byte{right, byte(len(body))}, body...)
		f.Add(append(append([]byte(nil), good...), good...), byte(op))
		f.Add(append([]byte{right | anError, 4, 2, 0, 0, 0}, good...), byte(op))
	}
	f.Fuzz(func(t *testing.T, data []byte, op byte) {
		l := &liar{data: data, soon: op&0x80 != 0}
		op &= 0x7f
		ctx := context.Background()
		c, err := ninep.Dial(ctx, l, ninep.Config{Requests: 2, Fids: 8, MessageSize: 8192})
		if err != nil {
			known(t, err)
			return
		}
		root, _, err := c.Attach(ctx, "u", "t")
		known(t, err)
		for i := byte(0); i < 12 && len(l.data) > 0; i++ {
			known(t, one(t, c, root, (op+i/4)%12))
			if c.Fids() > 8 {
				t.Fatal("more files than there can be")
			}
		}
		if c.Err() != nil {
			left := len(l.data)
			if _, err := c.Read(ctx, root, 0, make([]byte, 8)); !errors.Is(err, c.Err()) || len(l.data) != left {
				t.Fatal("asked again:", err)
			}
		}
	})
}

// known fails if an error is not one of those that a client gives.
func known(t *testing.T, err error) {
	t.Helper()
	var p *ninep.ProtocolError
	var e abi.Errno
	var x *ninep.TransportError
	if err != nil && (!errors.As(err, &e) || e == 0) && !errors.As(err, &p) && !errors.As(err, &x) {
		t.Fatalf("an error of another kind: %v", err)
	}
}

// one makes a call and looks at its result.
func one(t *testing.T, c *ninep.Client, fid ninep.Fid, op byte) error {
	ctx := context.Background()
	var qids [ninep.MaxWalk]ninep.QID
	switch op {
	case 0:
		_, n, err := c.Walk(ctx, fid, []string{"a", "b"}, &qids)
		if n < 0 || n > 2 || err == nil && n == 0 {
			t.Fatal("walked", n)
		}
		return err
	case 1:
		p := make([]byte, 300)
		n, err := c.ReadDir(ctx, fid, 0, p)
		entries := c.Entries(p[:n])
		for i := 0; err == nil; i++ {
			var e ninep.Entry
			var ok bool
			if e, ok, err = entries.Next(); !ok {
				break
			}
			if e.Name == "" || i > 20 {
				t.Fatal("entry", i, e)
			}
		}
		return err
	case 2:
		n, err := c.Read(ctx, fid, 0, make([]byte, 20))
		if n < 0 || n > 20 {
			t.Fatal("read", n)
		}
		return err
	case 3:
		n, err := c.Write(ctx, fid, 0, make([]byte, 20))
		if n < 0 || n > 20 {
			t.Fatal("written", n)
		}
		return err
	case 4:
		target, err := c.Readlink(ctx, fid)
		if len(target) > ninep.MaxTarget {
			t.Fatal("a target of", len(target))
		}
		return err
	case 5:
		var a ninep.Attr
		err := c.GetAttr(ctx, fid, ninep.AttrAll, &a)
		if err == nil && (int64(a.Size) < 0 || a.Mtime.Nsec >= 1e9) {
			t.Fatalf("%+v", a)
		}
		return err
	}
	return another(c, fid, op)
}

func another(c *ninep.Client, fid ninep.Fid, op byte) error {
	ctx := context.Background()
	var err error
	switch op {
	case 6:
		_, err = c.StatFS(ctx, fid)
	case 7:
		_, err = c.Lock(ctx, fid, &ninep.Lock{})
	case 8:
		_, err = c.GetLock(ctx, fid, &ninep.Lock{})
	case 9:
		_, _, err = c.XattrWalk(ctx, fid, "user.x")
	case 10:
		_, _, err = c.Open(ctx, fid, 0)
	case 11:
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		if _, err = c.Mkdir(cancelled, fid, "d", 0, 0); errors.Is(err, context.Canceled) {
			err = nil
		}
	}
	return err
}
