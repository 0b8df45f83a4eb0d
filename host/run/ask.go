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

// asker sends requests and collects their answers. Requests are numbered, so that
// a late answer to one that nobody waits for any more is not taken for another's.
type asker struct {
	turn  chan struct{} // holds a value while nobody asks
	ended chan struct{}

	mu     sync.Mutex // guards what follows
	to     *stream.Writer
	busy   *sync.Mutex
	number uint32
	wanted bool // an answer to number is waited for
	got    []byte
	whole  chan []byte
}

func newAsker() asker {
	turn := make(chan struct{}, 1)
	turn <- struct{}{}
	return asker{turn: turn, ended: make(chan struct{})}
}

// begin says where requests go, and who else sends there.
func (a *asker) begin(w io.Writer, busy *sync.Mutex) { a.to, a.busy = stream.NewWriter(w), busy }

// end has everybody who asks go on; only one goroutine calls it, once.
func (a *asker) end() { close(a.ended) }

// ask is an Ask.
func (a *asker) ask(ctx context.Context, request []byte) ([]byte, error) {
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
func (a *asker) send(request []byte) (<-chan []byte, error) {
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
func (a *asker) forget() {
	a.mu.Lock()
	a.wanted, a.got = false, nil
	a.mu.Unlock()
}

// answer takes the payload of an Answer. What nobody waits for is dropped.
func (a *asker) answer(p []byte) error {
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

// Asker asks a machine that this package doesn't run.
type Asker struct {
	asker asker
	busy  sync.Mutex
}

// NewAsker makes one for a machine whose channel, to it, is w.
func NewAsker(w io.Writer) *Asker {
	a := &Asker{asker: newAsker()}
	a.asker.begin(w, &a.busy)
	return a
}

// Ask is an Ask. It works from the machine's Hello on.
func (a *Asker) Ask(ctx context.Context, request []byte) ([]byte, error) {
	return a.asker.ask(ctx, request)
}

// Answer takes the payload of an Answer, and gives its fault.
func (a *Asker) Answer(p []byte) error { return a.asker.answer(p) }

// End has everybody who asks go on: the machine has ended. It is called once.
func (a *Asker) End() { a.asker.end() }
