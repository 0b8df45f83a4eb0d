// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"loam/abi/channel"
)

func TestRoundTrip(t *testing.T) {
	var wire bytes.Buffer
	w := NewWriter(&wire)
	big := bytes.Repeat([]byte("0123456789abcdef"), channel.MaxPayload/16)
	for _, p := range [][]byte{nil, []byte("a"), big, []byte("\x00\xff\r\n")} {
		if err := w.Write(channel.Stdout, p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Write(channel.Stdout, append(big, 0)); !errors.Is(err, ErrTooLong) {
		t.Fatalf("too long: %v", err)
	}
	for name, r := range map[string]io.Reader{
		"whole":     bytes.NewReader(wire.Bytes()),
		"bytes":     iotest.OneByteReader(bytes.NewReader(wire.Bytes())),
		"with EOF":  iotest.DataErrReader(bytes.NewReader(wire.Bytes())),
		"half read": iotest.HalfReader(bytes.NewReader(wire.Bytes())),
	} {
		t.Run(name, func(t *testing.T) {
			fr := NewReader(r, channel.ToHost)
			for _, want := range [][]byte{nil, []byte("a"), big, []byte("\x00\xff\r\n")} {
				f, err := fr.Next()
				if err != nil || f.Type != channel.Stdout || !bytes.Equal(f.Payload, want) {
					t.Fatalf("got %d bytes, %v; want %d", len(f.Payload), err, len(want))
				}
			}
			for range 2 {
				if _, err := fr.Next(); err != io.EOF {
					t.Fatalf("at the end: %v", err)
				}
			}
		})
	}
}

func TestFaults(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		r    io.Reader
		want error
	}{
		"in a header":  {bytes.NewReader([]byte{2, 0}), channel.Truncated},
		"in a payload": {bytes.NewReader([]byte{2, 2, 0, 0, 'x'}), channel.Truncated},
		"type":         {bytes.NewReader([]byte{77, 0, 0, 0}), channel.BadType},
		"length":       {bytes.NewReader([]byte{2, 0, 0, 0xff}), channel.BadLength},
		"reader":       {iotest.ErrReader(broken), broken},
	} {
		t.Run(name, func(t *testing.T) {
			fr := NewReader(c.r, channel.ToHost)
			for range 2 { // the error stays
				if _, err := fr.Next(); !errors.Is(err, c.want) {
					t.Fatalf("got %v, want %v", err, c.want)
				}
			}
		})
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte{2, 2, 0, 0, 'o', 'k', 4, 8, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, s []byte) {
		fr := NewReader(bytes.NewReader(s), channel.ToHost)
		body := cap(fr.body)
		for {
			fm, err := fr.Next()
			if err != nil {
				break
			}
			if len(fm.Payload) > channel.MaxPayload || cap(fr.body) != body {
				t.Fatal("the buffer grew")
			}
		}
	})
}
