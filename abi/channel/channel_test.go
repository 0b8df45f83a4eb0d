// SPDX-License-Identifier: Apache-2.0

package channel

import (
	"bytes"
	"testing"
)

type frame struct {
	t Type
	b []byte
	n int // length of a payload in the ring
}

// line is a direction in a version.
type line struct {
	d    Direction
	ring bool
}

// decode is the slow oracle: it looks at the whole stream at once.
func decode(l line, s []byte) (frames []frame, f Fault, rest int) {
	for len(s) >= HeaderSize {
		n := int(s[1]) | int(s[2])<<8 | int(s[3])<<16
		min, max, ok := bounds(l.d, l.ring, Type(s[0]))
		if !ok {
			return frames, BadType, len(s)
		}
		if n < min || n > max {
			return frames, BadLength, len(s)
		}
		if s[0]&0x80 != 0 {
			frames = append(frames, frame{t: Type(s[0]), n: n})
			s = s[HeaderSize:]
			continue
		}
		if len(s) < HeaderSize+n {
			return frames, 0, len(s)
		}
		frames = append(frames, frame{t: Type(s[0]), b: s[HeaderSize : HeaderSize+n]})
		s = s[HeaderSize+n:]
	}
	return frames, 0, len(s)
}

// collect runs a parser over s in chunks of the given size (0: byte by byte
// through Feed) and returns the complete frames.
func collect(t *testing.T, l line, s []byte, chunk int) ([]frame, *Parser) {
	t.Helper()
	p := &Parser{For: l.d, Ring: l.ring}
	var out []frame
	var cur []byte
	step := func(e Event, data []byte) {
		if e&Begin != 0 {
			cur = []byte{}
		}
		cur = append(cur, data...)
		if e&Data != 0 != (len(data) > 0) {
			t.Fatalf("event %b with %d bytes", e, len(data))
		}
		if e&End != 0 && p.InRing() {
			if e != Begin|End {
				t.Fatalf("event %b of a payload in the ring", e)
			}
			out = append(out, frame{t: p.Type() | InRing, n: p.Length()})
		} else if e&End != 0 {
			if len(cur) != p.Length() {
				t.Fatalf("frame of %d bytes says %d", len(cur), p.Length())
			}
			out = append(out, frame{t: p.Type(), b: cur})
		}
	}
	if chunk == 0 {
		for _, b := range s {
			e := p.Feed(b)
			var data []byte
			if e&Data != 0 {
				data = []byte{b}
			}
			step(e, data)
		}
		return out, p
	}
	for len(s) > 0 && p.Fault() == 0 {
		part := s[:min(chunk, len(s))]
		for len(part) > 0 && p.Fault() == 0 {
			e, data, n := p.Next(part)
			if n <= 0 {
				t.Fatalf("no progress on %d bytes", len(part))
			}
			part = part[n:]
			s = s[n:]
			step(e, data)
		}
	}
	return out, p
}

func check(t *testing.T, d line, s []byte) {
	t.Helper()
	want, fault, rest := decode(d, s)
	for _, chunk := range []int{0, 1, 3, 4, 5, 1000, len(s) + 1} {
		got, p := collect(t, d, s, chunk)
		if p.Fault() != fault {
			t.Fatalf("chunk %d: fault %v, want %v", chunk, p.Fault(), fault)
		}
		if p.Idle() != (fault == 0 && rest == 0) {
			t.Fatalf("chunk %d: idle %v with %d bytes left over", chunk, p.Idle(), rest)
		}
		if len(got) != len(want) {
			t.Fatalf("chunk %d: %d frames, want %d", chunk, len(got), len(want))
		}
		for i := range got {
			if got[i].t != want[i].t || got[i].n != want[i].n || !bytes.Equal(got[i].b, want[i].b) {
				t.Fatalf("chunk %d: frame %d differs", chunk, i)
			}
		}
	}
}

func encode(t Type, payload []byte) []byte {
	var h [HeaderSize]byte
	if !PutHeader(&h, t, len(payload)) {
		panic("payload too long")
	}
	return append(h[:], payload...)
}

func TestParser(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789abcdef"), MaxPayload/16)
	good := bytes.Join([][]byte{
		encode(Hello, []byte{1, 0, 0, 0}), encode(Stdout, nil), encode(Stdout, []byte("x")),
		encode(Stderr, big), encode(Notice, []byte("out of memory")), encode(MemoryMap, []byte{1}), encode(Answer, []byte("1234")), encode(Exit, make([]byte, 8)),
	}, nil)
	toHost, toGuest := line{ToHost, false}, line{ToGuest, false}
	ringOut, ringIn := line{ToHost, true}, line{ToGuest, true}
	check(t, toHost, good)
	check(t, ringOut, good)
	for i := range 40 {
		check(t, toHost, good[:i])
	}
	check(t, ringOut, append([]byte{0x82, 0, 0, 1, 0x83, 1, 0, 0, 0x84, 8, 0, 0, 0x85, 9, 0, 0, 0x86, 0, 4, 0, 7, 0, 0, 0}, good...))
	check(t, ringIn, []byte{0x81, 0, 0, 1, 3, 0, 0, 0, 0x81, 1, 0, 0, 2, 0, 0, 0})
	check(t, toGuest, append(encode(Stdin, big), encode(StdinEOF, nil)...))
	request := append(encode(Request, make([]byte, RequestHead+1)), encode(Request, make([]byte, RequestHead+MaxRequest))...)
	check(t, toGuest, request)
	check(t, ringIn, append(request, 0x81, 1, 0, 0))
	check(t, ringOut, append([]byte{0x89, 4, 64, 0}, encode(Answer, make([]byte, RequestHead+MaxAnswer))...))
	for name, c := range map[string]struct {
		d line
		s []byte
		f Fault
	}{
		"type 0":          {toHost, []byte{0, 0, 0, 0}, BadType},
		"type 10":         {toHost, []byte{10, 0, 0, 0}, BadType},
		"short answer":    {toHost, []byte{9, 3, 0, 0}, BadLength},
		"long answer":     {toHost, []byte{9, 5, 64, 0}, BadLength},
		"short request":   {toGuest, []byte{4, 4, 0, 0}, BadLength},
		"long request":    {toGuest, []byte{4, 5, 1, 0}, BadLength},
		"request in ring": {ringIn, []byte{0x84, 8, 0, 0}, BadType},
		"empty map":       {toHost, []byte{8, 0, 0, 0}, BadLength},
		"type to guest":   {toGuest, []byte{3, 0, 0, 0}, BadType},
		"over the limit":  {toHost, []byte{2, 1, 0, 1}, BadLength},
		"longest length":  {toHost, []byte{2, 255, 255, 255}, BadLength},
		"short hello":     {toHost, []byte{1, 3, 0, 0, 1, 0, 0}, BadLength},
		"long hello":      {toHost, []byte{1, 5, 0, 0}, BadLength},
		"short exit":      {toHost, []byte{4, 7, 0, 0}, BadLength},
		"long notice":     {toHost, []byte{6, 1, 4, 0}, BadLength},
		"payload in EOF":  {toGuest, []byte{2, 1, 0, 0}, BadLength},
		"long stdin":      {toGuest, []byte{1, 1, 0, 1}, BadLength},
		"ring in v1":      {toHost, []byte{0x82, 1, 0, 0}, BadType},
		"ring in v1 in":   {toGuest, []byte{0x81, 1, 0, 0}, BadType},
		"room in v1":      {toHost, []byte{7, 0, 0, 0}, BadType},
		"want in v1":      {toGuest, []byte{3, 0, 0, 0}, BadType},
		"nothing in ring": {ringOut, []byte{0x82, 0, 0, 0}, BadLength},
		"much in ring":    {ringOut, []byte{0x82, 1, 0, 1}, BadLength},
		"most in ring":    {ringIn, []byte{0x81, 255, 255, 255}, BadLength},
		"exit in ring":    {ringOut, []byte{0x84, 7, 0, 0}, BadLength},
		"notice in ring":  {ringOut, []byte{0x86, 1, 4, 0}, BadLength},
		"EOF in ring":     {ringIn, []byte{0x82, 1, 0, 0}, BadType},
		"room in ring":    {ringOut, []byte{0x87, 1, 0, 0}, BadType},
		"type 0 in ring":  {ringOut, []byte{0x80, 1, 0, 0}, BadType},
		"stdin inline":    {ringIn, []byte{1, 1, 0, 0}, BadType},
		"payload in room": {ringOut, []byte{7, 1, 0, 0}, BadLength},
		"after good ones": {toHost, append(encode(Stdout, []byte("ok")), 10, 9, 9, 9, 2, 0, 0, 0), BadType},
	} {
		t.Run(name, func(t *testing.T) {
			check(t, c.d, c.s)
			if _, p := collect(t, c.d, c.s, 0); p.Fault() != c.f {
				t.Fatalf("fault %v, want %v", p.Fault(), c.f)
			}
		})
	}
}

func TestHeaderRange(t *testing.T) {
	h := [4]byte{9, 9, 9, 9}
	if PutHeader(&h, Stdout, MaxPayload+1) || PutHeader(&h, Stdout, -1) || h != [4]byte{9, 9, 9, 9} {
		t.Fatal("a length out of range was written")
	}
	if !PutHeader(&h, Stdout, MaxPayload) || h != [4]byte{2, 0, 0, 1} {
		t.Fatalf("header % x", h)
	}
}

func TestExit(t *testing.T) {
	for _, c := range []struct {
		k  Kind
		v  uint32
		ok bool
	}{
		{Exited, 0, true}, {Exited, 255, true}, {Exited, 256, false},
		{Signalled, 11, true}, {Signalled, 64, true}, {Signalled, 0, false}, {Signalled, 65, false},
		{NotStarted, 12, true}, {3, 0, false}, {1 << 31, 0, false},
	} {
		var b [ExitSize]byte
		PutExit(&b, c.k, c.v)
		k, v, reason, f := ParseExit(append(b[:], "why"...))
		if (f == 0) != c.ok {
			t.Fatalf("kind %d value %d: fault %v", c.k, c.v, f)
		}
		if c.ok && (k != c.k || v != c.v || string(reason) != "why") {
			t.Fatalf("got %d %d %q", k, v, reason)
		}
	}
	if _, _, _, f := ParseExit(make([]byte, 7)); f != BadLength {
		t.Fatal("a short exit was accepted")
	}
}

func TestHello(t *testing.T) {
	var b [HelloSize]byte
	for _, want := range []uint32{Version, VersionRing} {
		PutHello(&b, want)
		if v, f := ParseHello(b[:]); v != want || f != 0 {
			t.Fatalf("version %d: %d, %v", want, v, f)
		}
	}
	if _, f := ParseHello(b[:3]); f != BadLength {
		t.Fatalf("a short hello: %v", f)
	}
	for _, bad := range []uint32{0, 3, 1 << 31} {
		PutHello(&b, bad)
		if _, f := ParseHello(b[:]); f != BadVersion {
			t.Fatalf("version %d: %v", bad, f)
		}
	}
}

func TestRequestHead(t *testing.T) {
	for _, c := range []struct {
		number uint32
		more   bool
		data   string
	}{{0, false, ""}, {1, true, "x"}, {1<<31 - 1, false, "list"}, {1<<31 - 1, true, ""}} {
		var b [RequestHead]byte
		PutRequestHead(&b, c.number, c.more)
		n, more, data, f := ParseRequest(append(b[:], c.data...))
		if n != c.number || more != c.more || string(data) != c.data || f != 0 {
			t.Errorf("%+v: got %d %v %q %v", c, n, more, data, f)
		}
	}
	if _, _, _, f := ParseRequest([]byte{1, 2, 3}); f != BadLength {
		t.Errorf("a short one: %v", f)
	}
}

func TestNoAllocation(t *testing.T) {
	s := append(encode(Stdin, make([]byte, 100)), encode(StdinEOF, nil)...)
	var err error
	if n := testing.AllocsPerRun(100, func() {
		p := Parser{For: ToGuest}
		for _, b := range s {
			p.Feed(b)
		}
		for in := s; len(in) > 0; {
			_, _, k := p.Next(in)
			in = in[k:]
		}
		err = BadType
	}); n != 0 || err == nil {
		t.Fatalf("%v allocations", n)
	}
}

func FuzzParser(f *testing.F) {
	f.Add(false, false, encode(Hello, []byte{1, 0, 0, 0}))
	f.Add(true, false, append(encode(Stdin, []byte("abc")), encode(StdinEOF, nil)...))
	f.Add(false, false, []byte{2, 0xff, 0xff, 0xff})
	f.Add(false, true, []byte{0x82, 0, 0, 1, 0x83, 1, 0, 0, 7, 0, 0, 0})
	f.Add(true, true, []byte{0x81, 0, 16, 0, 3, 0, 0, 0, 2, 0, 0, 0})
	f.Fuzz(func(t *testing.T, toGuest, ring bool, s []byte) {
		d := ToHost
		if toGuest {
			d = ToGuest
		}
		check(t, line{d, ring}, s)
	})
}

func FuzzExit(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 3, 0, 0, 0})
	f.Fuzz(func(t *testing.T, p []byte) {
		k, v, reason, fault := ParseExit(p)
		if fault != 0 {
			return
		}
		var b [ExitSize]byte
		PutExit(&b, k, v)
		if !bytes.Equal(append(b[:], reason...), p) {
			t.Fatal("does not encode back")
		}
	})
}
