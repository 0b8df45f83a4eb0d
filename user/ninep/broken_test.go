// SPDX-License-Identifier: Apache-2.0

//go:build linux

package ninep_test

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"loam/abi"
	"loam/user/ninep"
)

// bent is a server whose reply, right but for its body, is bent before it comes.
type bent struct {
	broken
	bend func(reply []byte) []byte
}

func (b *bent) Start(x *ninep.Exchange) error {
	reply := []byte{0, 0, 0, 0, x.Request[0][4] + 1, x.Request[0][5], x.Request[0][6]}
	if ninep.Type(x.Request[0][4]) == ninep.Tversion {
		reply = append(reply, fields(uint32(8192), ninep.Version)...)
	} else {
		reply = b.bend(reply)
	}
	if binary.LittleEndian.Uint32(reply) == 0 {
		binary.LittleEndian.PutUint32(reply, uint32(len(reply)))
	}
	n := copy(x.Reply[0], reply)
	copy(x.Reply[1], reply[n:])
	x.Done(len(reply), nil)
	return nil
}

// TestBroken: each way to break the protocol is seen, and ends the client.
func TestBroken(t *testing.T) {
	ctx := context.Background()
	p := make([]byte, 100)
	body := func(vs ...any) func([]byte) []byte {
		return func(reply []byte) []byte { return append(reply, fields(vs...)...) }
	}
	clunk := func(c *ninep.Client) error { return c.Clunk(0) }
	read := func(c *ninep.Client) error { _, err := c.Read(ctx, 0, 0, p); return err }
	write := func(c *ninep.Client) error { _, err := c.Write(ctx, 0, 0, p); return err }
	walk := func(c *ninep.Client) error {
		var qids [ninep.MaxWalk]ninep.QID
		_, _, err := c.Walk(ctx, 0, []string{"a", "b"}, &qids)
		return err
	}
	attr := func(c *ninep.Client) error { return c.GetAttr(ctx, 0, ninep.AttrAll, new(ninep.Attr)) }
	readlink := func(c *ninep.Client) error { _, err := c.Readlink(ctx, 0); return err }
	entries := func(c *ninep.Client) error {
		n, err := c.ReadDir(ctx, 0, 0, p)
		e := c.Entries(p[:n])
		for ok := err == nil; ok; {
			_, ok, err = e.Next()
		}
		return err
	}
	entry := func(name string) func([]byte) []byte {
		e := fields(ninep.QID{}, uint64(0), uint8(0), name)
		return body(uint32(len(e)), e)
	}
	tooMany := body(uint32(101), make([]byte, 101))
	for what, b := range map[string]struct {
		call func(c *ninep.Client) error
		bend func([]byte) []byte
	}{
		"no reply":                    {clunk, func(r []byte) []byte { return append(r[:0], 0, 0, 0, 0)[:4] }},
		"half a header":               {clunk, func(r []byte) []byte { return r[:6] }},
		"another size":                {clunk, func(r []byte) []byte { r[0] = 8; return r }},
		"another's tag":               {clunk, func(r []byte) []byte { r[6]++; return r }},
		"another's type":              {clunk, func(r []byte) []byte { r[4] = byte(ninep.Twalk) + 1; return r }},
		"a request":                   {clunk, func(r []byte) []byte { r[4]--; return r }},
		"fields too many":             {clunk, body(uint8(0))},
		"an error without a number":   {clunk, func(r []byte) []byte { r[4] = byte(ninep.Rlerror); return r }},
		"an error with more":          {clunk, func(r []byte) []byte { r[4] = byte(ninep.Rlerror); return append(r, 1, 0, 0, 0, 0) }},
		"more data than room":         {read, tooMany},
		"more data than said":         {read, body(uint32(3), "1234")},
		"less data than said":         {read, body(uint32(9), "1234")},
		"data without a count":        {read, body(uint16(0))},
		"more written than there was": {write, body(uint32(101))},
		"walked no names":             {walk, body(uint16(0))},
		"walked too many names":       {walk, body(uint16(3), make([]byte, 39))},
		"walked without identities":   {walk, body(uint16(2), make([]byte, 25))},
		"too short attributes":        {attr, body(make([]byte, 152))},
		"too long attributes":         {attr, body(make([]byte, 154))},
		"a negative size":             {attr, body(ninep.Attr{Size: 1 << 63})},
		"nanoseconds of a second":     {attr, body(ninep.Attr{Mtime: ninep.Time{Nsec: 1e9}})},
		"a target too long":           {readlink, body(strings.Repeat("x", 4096))},
		"a target with a NUL":         {readlink, body("a\x00b")},
		"a string beyond the end":     {readlink, body(uint16(9), "abc")},
		"an entry with a slash":       {entries, entry("../x")},
		"an entry with a NUL":         {entries, entry("x\x00")},
		"an entry without a name":     {entries, entry("")},
		"half an entry":               {entries, body(uint32(20), make([]byte, 20))},
	} {
		c, err := ninep.Dial(ctx, &bent{bend: b.bend}, ninep.Config{Requests: 1})
		if err != nil {
			t.Fatal(err)
		}
		var broken *ninep.ProtocolError
		if err := b.call(c); !errors.As(err, &broken) || !errors.Is(err, abi.EIO) || c.Err() == nil {
			t.Errorf("%s: %v, and the client's end is %v", what, err, c.Err())
		}
	}
}

// TestErrors: an error of the server's is its number, and one that can't be is EIO.
func TestErrors(t *testing.T) {
	for code, want := range map[uint32]abi.Errno{2: abi.ENOENT, 4095: 4095, 0: abi.EIO, 4096: abi.EIO, 1 << 31: abi.EIO} {
		c, err := ninep.Dial(t.Context(), &bent{bend: func(r []byte) []byte {
			r[4] = byte(ninep.Rlerror)
			return append(r, fields(code)...)
		}}, ninep.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Clunk(0); !errors.Is(err, want) || c.Err() != nil {
			t.Errorf("%d: %v, %v", code, err, c.Err())
		}
	}
}
