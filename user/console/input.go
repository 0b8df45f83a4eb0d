// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"sync"
)

// maxInput is how many bytes wait for a reader at most; what comes then is lost.
const maxInput = 4096

// input is what has been typed and not been read.
type input struct {
	mu      sync.Mutex
	waiting []byte        // guarded by mu, and so is what follows
	lost    uint64        // bytes
	came    chan struct{} // closed when something comes
}

func newInput() *input { return &input{came: make(chan struct{})} }

// put adds what was typed.
func (in *input) put(text []byte) {
	if len(text) == 0 {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	n := min(len(text), maxInput-len(in.waiting))
	in.waiting = append(in.waiting, text[:n]...)
	in.lost += uint64(len(text) - n)
	close(in.came)
	in.came = make(chan struct{})
}

// take gives up to most bytes, and waits until there is one.
func (in *input) take(ctx context.Context, most int) ([]byte, error) {
	for {
		in.mu.Lock()
		if n := min(most, len(in.waiting)); n > 0 || most == 0 {
			text := append([]byte(nil), in.waiting[:n]...)
			in.waiting = append(in.waiting[:0], in.waiting[n:]...)
			in.mu.Unlock()
			return text, nil
		}
		came := in.came
		in.mu.Unlock()
		select {
		case <-came:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
