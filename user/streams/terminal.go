// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"context"
	"syscall"

	"loam/internal/terminal"
)

// What is said of terminals.
type (
	// Termios are the attributes of a terminal, with Linux's bits.
	Termios = terminal.Termios
	// Size is how large a terminal is; all 0: not known.
	Size = terminal.Size
	// When says when attributes are set.
	When = terminal.When
)

// Times at which attributes are set (tcsetattr): at once, when all that was written before has come to the
// terminal, and then with what was typed and not read thrown away.
const (
	Now     = terminal.Now
	Drained = terminal.Drained
	Flushed = terminal.Flushed
)

// Event is what the terminal, or who runs loam, tells the program.
type Event uint8

// Events.
const (
	Interrupt Event = iota + 1 // the key for SIGINT
	Suspend                    // the key for SIGTSTP: when the function has returned the machine stops
	Resume                     // it goes on: SIGCONT
	Resized                    // Size has changed: SIGWINCH
)

// Terminal reports whether stream 0, 1 or 2 is a terminal on the host.
func (s *Streams) Terminal(stream int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return stream >= 0 && stream < len(s.facts.Terminal) && s.facts.Terminal[stream]
}

// Size tells how large the terminal is.
func (s *Streams) Size() Size {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.facts.Size
}

// OnEvent has f called with what happens, from the goroutine that calls OnReady's; with Suspend from one of
// its own, so that it may wait.
func (s *Streams) OnEvent(f func(Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.event = f
}

// AwaitFacts waits until the host has said what the streams are.
func (s *Streams) AwaitFacts() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.told && s.err == nil {
		s.cond.Wait()
	}
	return s.err
}

// factsKnown reports whether it has, or never will.
func (s *Streams) factsKnown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told || s.err != nil
}

// Attributes asks the host for the attributes of a stream's terminal. ENOTTY: it is none.
func (s *Streams) Attributes(ctx context.Context, stream int) (Termios, error) {
	return s.ask(ctx, stream, func() terminal.Message { return terminal.Message{Kind: terminal.Get} })
}

// SetAttributes sets them, and gives what they are then. Attributes by which the terminal would do
// anything for the host's side (its speed, say) may stay as they were.
func (s *Streams) SetAttributes(ctx context.Context, stream int, when When, t Termios) (Termios, error) {
	return s.ask(ctx, stream, func() terminal.Message {
		return terminal.Message{Kind: terminal.Set, When: when, Termios: t, Written: [2]uint32{s.Out.putter.Put(), s.Err.putter.Put()}}
	})
}

// ask sends a request and waits for its answer.
func (s *Streams) ask(ctx context.Context, stream int, request func() terminal.Message) (Termios, error) {
	if !s.Terminal(stream) {
		return Termios{}, syscall.ENOTTY
	}
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cond.Broadcast()
	})
	defer stop()
	s.mu.Lock()
	for s.err == nil && ctx.Err() == nil {
		if room, err := s.requests.Room(); err != nil {
			s.fail(err)
		} else if room >= terminal.MessageSize {
			break
		}
		if ready, err := s.requests.Arm(); err == nil && !ready {
			s.signal()
		}
		s.cond.Wait()
	}
	if s.err != nil || ctx.Err() != nil {
		defer s.mu.Unlock()
		if s.err != nil {
			return Termios{}, s.err
		}
		return Termios{}, ctx.Err()
	}
	s.number++
	number := s.number
	answer := make(chan terminal.Message, 1)
	s.waiting[number] = answer
	m := request()
	m.Number, m.Stream = number, uint8(stream)
	signal := s.send(m)
	s.mu.Unlock()
	s.signalIf(signal)
	select {
	case a, ok := <-answer:
		switch {
		case !ok:
			return Termios{}, s.Failure()
		case a.Errno != 0:
			return Termios{}, syscall.Errno(a.Errno)
		}
		return a.Termios, nil
	case <-ctx.Done():
		s.mu.Lock()
		delete(s.waiting, number)
		s.mu.Unlock()
		return Termios{}, ctx.Err()
	}
}

// send sends a message, if there is room for all of it. s.mu is held.
func (s *Streams) send(m terminal.Message) (signal bool) {
	if room, err := s.requests.Room(); err != nil || room < terminal.MessageSize {
		return false
	}
	var b [terminal.MessageSize]byte
	m.Put(&b)
	_, signal, err := s.requests.Write(b[:])
	if err != nil {
		s.fail(err)
	}
	return signal
}

// listen takes the host's messages, and gives the events among them. s.mu is held.
func (s *Streams) listen() (events []Event) {
	for s.err == nil {
		n, signal, err := s.controls.Read(s.part[s.partSize:])
		s.signalIf(signal)
		if err != nil {
			s.fail(err)
		}
		if n == 0 {
			break
		}
		if s.partSize += n; s.partSize < terminal.MessageSize {
			continue
		}
		s.partSize = 0
		m, err := terminal.Parse(&s.part, true)
		if err != nil {
			s.fail(err)
			break
		}
		if e := s.take(m); e != 0 {
			events = append(events, e)
		}
	}
	return events
}

// take handles a message.
func (s *Streams) take(m terminal.Message) Event {
	switch m.Kind {
	case terminal.Facts:
		resized := s.told && s.facts.Size != m.Size
		s.facts, s.told = m, true
		if resized {
			return Resized
		}
	case terminal.Attributes:
		if c := s.waiting[m.Number]; c != nil {
			c <- m
			delete(s.waiting, m.Number)
		}
	case terminal.Interrupt:
		return Interrupt
	case terminal.Suspend:
		return Suspend
	case terminal.Resume:
		return Resume
	case terminal.StdinEnd:
		s.total, s.ended = m.Total, true
	}
	return 0
}
