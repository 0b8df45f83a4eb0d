// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestInput(t *testing.T) {
	in := newInput()
	done := make(chan string)
	go func() {
		text, err := in.take(t.Context(), 3)
		done <- string(text)
		if err != nil {
			t.Error(err)
		}
	}()
	in.put(nil)
	in.put([]byte("abcdef"))
	if got := <-done; got != "abc" {
		t.Errorf("%q", got)
	}
	if got, err := in.take(t.Context(), 100); string(got) != "def" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := in.take(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	in.put(make([]byte, maxInput+5))
	if got, _ := in.take(t.Context(), 2*maxInput); len(got) != maxInput || in.lost != 5 {
		t.Errorf("%d bytes, %d lost", len(got), in.lost)
	}
}
