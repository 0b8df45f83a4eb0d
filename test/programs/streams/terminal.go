//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"

	"loam/user/streams"
)

// Bits of a terminal's local flags, as Linux has them.
const (
	isig   = 1
	icanon = 2
	echoes = 8
)

// terminal says what it knows of the terminal and what happens to it, and does what single letters
// of stdin say.
func terminal() {
	ctx := context.Background()
	s := attach()
	say := func(format string, args ...any) {
		_, err := fmt.Fprintf(struct{ *streams.Output }{s.Out}, format+"\n", args...)
		check(err)
	}
	size := func() string { return fmt.Sprint(s.Size().Rows, "x", s.Size().Columns) }
	s.OnEvent(func(e streams.Event) {
		switch e {
		case streams.Interrupt:
			say("interrupt")
		case streams.Suspend:
			say("suspend")
		case streams.Resume:
			say("resume")
		case streams.Resized:
			say("size %s", size())
		}
	})
	say("terminals %v %v %v, size %s", s.Terminal(0), s.Terminal(1), s.Terminal(2), size())
	for b := make([]byte, 1); ; {
		n, err := s.In.Read(b)
		if n == 0 {
			say("end %v", err)
			return
		}
		t, err := s.Attributes(ctx, 0)
		if b[0] == 'r' || b[0] == 'c' || b[0] == 'e' { // raw, as it was, or as it was but without echo
			t.Local &^= isig | icanon | echoes
			t.Local |= map[byte]uint32{'c': isig | icanon | echoes, 'e': isig | icanon}[b[0]]
			t, err = s.SetAttributes(ctx, 0, streams.Drained, t)
		}
		if b[0] == 'q' {
			os.Exit(7)
		}
		say("got %q, local %#x, %v", b, t.Local&(isig|icanon|echoes), err)
	}
}
