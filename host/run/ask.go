// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"loam/abi/channel"
	"loam/abi/channel/stream"
)

// Ask puts a request to a program in the machine and returns its answer, of at most
// channel.MaxAnswer bytes. A request has 1 to channel.MaxRequest bytes; what
// they say is for the program. It may be called by several goroutines, which wait
// for each other. Nobody need be there to answer: the context ends the wait.
type Ask func(ctx context.Context, request []byte) (answer []byte, err error)

// ErrEnded is Ask's error when the machine has ended.
var ErrEnded = errors.New("the machine has ended")

// Asker sends a machine requests, from its Hello on, and collects the answers. Requests are
// numbered, so that a late answer to one that nobody waits for any more is not taken for
// another's.
type Asker struct {
	turn  chan struct{} // holds a value while nobody asks
	ended chan struct{}

	busy sync.Mutex // held while a frame is sent: input goes the same way
	to   *stream.Writer

	mu     sync.Mutex // guards what follows
	number uint32
	wanted bool // an answer to number is waited for
	got    []byte
	whole  chan []byte
}

// NewAsker makes one for a machine whose channel, to it, is w.
func NewAsker(w io.Writer) *Asker {
	turn := make(chan struct{}, 1)
	turn <- struct{}{}
	return &Asker{turn: turn, ended: make(chan struct{}), to: stream.NewWriter(w)}
}

// End has everybody who asks go on: the machine has ended. It is called once.
func (a *Asker) End() { close(a.ended) }

// Ask is an Ask.
func (a *Asker) Ask(ctx context.Context, request []byte) ([]byte, error) {
	if len(request) == 0 || len(request) > channel.MaxRequest {
		return nil, fmt.Errorf("a request of %d bytes: 1 to %d", len(request), channel.MaxRequest)
	}
	select {
	case <-a.turn:
	case <-a.ended:
		return nil, ErrEnded
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { a.turn <- struct{}{} }()
	select {
	case <-a.ended: // both were ready
		return nil, ErrEnded
	default:
	}
	whole, err := a.send(request)
	if err != nil {
		return nil, err
	}
	defer a.forget()
	select {
	case answer := <-whole:
		return answer, nil
	case <-a.ended:
		return nil, ErrEnded
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// send sends a request and returns where its answer comes.
func (a *Asker) send(request []byte) (<-chan []byte, error) {
	a.mu.Lock()
	a.number = (a.number + 1) & (1<<31 - 1)
	a.wanted, a.got, a.whole = true, nil, make(chan []byte, 1)
	whole := a.whole
	var head [channel.RequestHead]byte
	channel.PutRequestHead(&head, a.number, false)
	a.mu.Unlock()
	a.busy.Lock()
	defer a.busy.Unlock()
	if err := a.to.Write(channel.Request, append(head[:], request...)); err != nil {
		return nil, ErrEnded
	}
	return whole, nil
}

// forget says that nobody waits for an answer.
func (a *Asker) forget() {
	a.mu.Lock()
	a.wanted, a.got = false, nil
	a.mu.Unlock()
}

// Answer takes the payload of an Answer, and gives its fault. What nobody waits for is
// dropped.
func (a *Asker) Answer(p []byte) error {
	number, more, data, fault := channel.ParseRequest(p)
	if fault != 0 {
		return fault
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case !a.wanted || number != a.number:
	case len(a.got)+len(data) > channel.MaxAnswer:
		return channel.BadLength
	default:
		if a.got = append(a.got, data...); !more {
			a.wanted = false
			a.whole <- a.got
		}
	}
	return nil
}
