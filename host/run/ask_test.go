// SPDX-License-Identifier: Apache-2.0

package run

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"loam/abi/channel"
	"loam/abi/channel/stream"
)

// answer makes the payload of an Answer.
func answer(number uint32, more bool, data string) []byte {
	var b [channel.RequestHead]byte
	channel.PutRequestHead(&b, number, more)
	return append(b[:], data...)
}

// server gives an Asker and the requests that it sends: their numbers and bytes.
func server(t *testing.T) (*Asker, func() (uint32, string)) {
	t.Helper()
	r, w := io.Pipe()
	t.Cleanup(func() { r.Close() })
	a := NewAsker(w)
	from := stream.NewReader(r, channel.ToGuest)
	return a, func() (uint32, string) {
		f, err := from.Next()
		if err != nil || f.Type != channel.Request {
			t.Errorf("frame %d, %v", f.Type, err)
			return 0, ""
		}
		n, _, data, _ := channel.ParseRequest(f.Payload)
		return n, string(data)
	}
}

func TestAsk(t *testing.T) {
	a, next := server(t)
	go func() {
		n, data := next()
		for _, p := range [][]byte{
			answer(n+1, false, "another's"), answer(n, true, data), answer(n, true, ""),
			answer(n, false, "!"), answer(n, false, "too late"),
		} {
			if err := a.Answer(p); err != nil {
				t.Error(err)
			}
		}
		if n2, _ := next(); n2 == n {
			t.Error("the number is the same")
		} else {
			_ = a.Answer(answer(n2, false, ""))
		}
	}()
	got, err := a.Ask(t.Context(), []byte("list"))
	if err != nil || string(got) != "list!" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err = a.Ask(t.Context(), []byte("again")); err != nil || len(got) != 0 {
		t.Errorf("%q, %v", got, err)
	}
	for _, n := range []int{0, channel.MaxRequest + 1} {
		if _, err := a.Ask(t.Context(), make([]byte, n)); err == nil {
			t.Errorf("a request of %d bytes was sent", n)
		}
	}
}

// TestAskInVain: nobody answers, then the late answer comes, then the next request's.
func TestAskInVain(t *testing.T) {
	a, next := server(t)
	numbers := make(chan uint32, 2)
	go func() {
		for range 2 {
			n, _ := next()
			numbers <- n
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := a.Ask(ctx, []byte("a")); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	go func() {
		late, now := <-numbers, <-numbers
		_ = a.Answer(answer(late, false, "late"))
		_ = a.Answer(answer(now, false, "now"))
	}()
	if got, err := a.Ask(t.Context(), []byte("b")); err != nil || string(got) != "now" {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestAskBounds(t *testing.T) {
	a, next := server(t)
	go func() {
		n, _ := next()
		half := string(bytes.Repeat([]byte("x"), channel.MaxAnswer/2))
		if err := errors.Join(a.Answer(answer(n, true, half)), a.Answer(answer(n, true, half))); err != nil {
			t.Error(err)
		}
		if err := a.Answer(answer(n, false, "x")); err != channel.BadLength {
			t.Errorf("an answer too long: %v", err)
		}
		if err := a.Answer([]byte{1, 2}); err != channel.BadLength {
			t.Errorf("an answer without a number: %v", err)
		}
		a.End()
	}()
	if _, err := a.Ask(t.Context(), []byte("a")); err != ErrEnded {
		t.Fatal(err)
	}
	if _, err := a.Ask(t.Context(), []byte("b")); err != ErrEnded {
		t.Fatal(err)
	}
}
