// SPDX-License-Identifier: Apache-2.0

package run

import (
	"io"
	"os"
	"sync"
	"time"

	"loam/host/vm"
	"loam/internal/terminal"
)

// streams moves the bytes of the console streams between the machine and loam's own, and answers what the
// machine asks of their terminal. The machine is not trusted: nothing here grows with what it sends, and who
// answers it waits while it doesn't listen, alone.
type streams struct {
	*lines
	p        *vm.Process
	terminal *tty
	input    *stdin
	failed   chan error    // writing the program's output has failed, with why
	over     chan struct{} // closed when all has been written that the machine has sent
	escaped  chan struct{} // closed when the keys that end the program were typed

	mu      sync.Mutex // guards what follows
	cond    sync.Cond
	written [2]uint32 // to stdout and stderr, modulo 2^32
	closed  bool      // nothing more is written, or heard

	// To be sent, the control line's only sender takes it.
	answer    *terminal.Message
	facts     bool
	events    [terminal.Resume - terminal.Interrupt + 1]bool
	stdinEnd  *terminal.Message
	told      bool          // the guest has said Hello
	suspended chan struct{} // gets a value when the guest has said Suspended
}

// copySize is how many bytes are read at once of what the machine writes.
const copySize = 128 << 10

// newStreams begins with the streams of a machine that was started.
func newStreams(o *Options, l *lines, p *vm.Process) *streams {
	s := &streams{lines: l, p: p, failed: make(chan error, 2), over: make(chan struct{}), escaped: make(chan struct{}), suspended: make(chan struct{}, 1)}
	s.cond.L = &s.mu
	s.terminal = newTTY(o)
	s.terminal.watch(s)
	var outputs sync.WaitGroup
	for i, w := range [2]io.Writer{o.Stdout, o.Stderr} {
		outputs.Add(1)
		from := l.ours[lineStdout+i]
		go func() {
			defer s.terminal.guard()
			defer outputs.Done()
			s.copy(i, w, from)
		}()
	}
	go func() {
		outputs.Wait()
		s.close()
		close(s.over)
	}()
	go s.hear(l.ours[lineControl])
	go s.tell(l.ours[lineControl])
	return s
}

// copy writes what comes to stdout or stderr, as fast as that takes it.
func (s *streams) copy(i int, to io.Writer, from *os.File) {
	b := make([]byte, copySize)
	for {
		n, err := from.Read(b)
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				s.failed <- errOutput{err}
				return
			}
			s.mu.Lock()
			s.written[i] += uint32(n)
			s.cond.Broadcast()
			s.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// close has all that waits go on.
func (s *streams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.cond.Broadcast()
}

// end ends it all, when the machine has ended.
func (s *streams) end() {
	s.close()
	_ = s.lines.close()
	s.input.end()
	s.terminal.end()
}

// forward begins to send stdin, until it ends; then the machine is told after how many bytes.
func (s *streams) forward(from *os.File, note func(format string, args ...any)) {
	s.input = newStdin(from, note)
	to := s.ours[lineStdin]
	go func() {
		defer s.terminal.guard()
		defer close(s.input.done)
		total, buf := uint32(0), make([]byte, readAhead)
		var keys escape
		for s.input.from != nil {
			if !s.input.await() {
				return
			}
			n, err := s.input.from.Read(buf)
			if s.terminal.files[0] != nil && keys.typed(buf[:n], time.Now()) {
				close(s.escaped)
				return
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return // the machine is gone
			}
			total += uint32(n)
			if err != nil || n == 0 {
				break
			}
		}
		s.change(func() { s.stdinEnd = &terminal.Message{Kind: terminal.StdinEnd, Total: total} })
	}()
}

// change changes what is to be sent.
func (s *streams) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.cond.Broadcast()
}

// event tells the guest of an event. Several of a kind that it hasn't taken are one.
func (s *streams) event(k terminal.Kind) {
	s.change(func() { s.events[k-terminal.Interrupt] = true })
}

// listens reports whether there is somebody in the machine who hears of events.
func (s *streams) listens() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told && !s.closed
}

// hear takes the guest's messages. Each is answered before the next is taken.
func (s *streams) hear(from *os.File) {
	defer s.terminal.guard()
	var b [terminal.MessageSize]byte
	for {
		if _, err := io.ReadFull(from, b[:]); err != nil {
			return
		}
		m, err := terminal.Parse(&b, false)
		if err != nil {
			return // whatever that is, it gets no answers
		}
		switch m.Kind {
		case terminal.Hello:
			s.change(func() { s.told, s.facts = true, true })
		case terminal.Suspended:
			select {
			case s.suspended <- struct{}{}:
			default:
			}
		default:
			s.awaitWritten(m)
			a := s.request(m)
			s.mu.Lock()
			s.answer = a
			s.cond.Broadcast()
			for s.answer != nil && !s.closed {
				s.cond.Wait()
			}
			s.mu.Unlock()
		}
	}
}

// awaitWritten waits until what the program had written before a request is on the terminal, if
// it is to be done then.
func (s *streams) awaitWritten(m terminal.Message) {
	if m.Kind != terminal.Set || m.When == terminal.Now {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.closed && (int32(s.written[0]-m.Written[0]) < 0 || int32(s.written[1]-m.Written[1]) < 0) {
		s.cond.Wait()
	}
}

// request does what a request asks for, and gives the answer.
func (s *streams) request(m terminal.Message) *terminal.Message {
	a := &terminal.Message{Kind: terminal.Attributes, Number: m.Number}
	if m.Kind == terminal.Set {
		a.Errno = s.terminal.set(int(m.Stream), m.When, &m.Termios)
	}
	if a.Errno == 0 {
		a.Termios, a.Errno = s.terminal.get(int(m.Stream))
	}
	return a
}

// tell sends messages to the guest.
func (s *streams) tell(to *os.File) {
	defer s.terminal.guard()
	for {
		m, ok := s.next()
		if !ok {
			return
		}
		var b [terminal.MessageSize]byte
		m.Put(&b)
		if _, err := to.Write(b[:]); err != nil {
			return
		}
	}
}

// next gives what is to be sent next, and waits for it. Before Hello there is nobody to hear.
func (s *streams) next() (m terminal.Message, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ; !s.closed; s.cond.Wait() {
		if !s.told {
			continue
		}
		if s.facts {
			s.facts = false
			return s.terminal.facts(), true
		}
		if s.stdinEnd != nil {
			m, s.stdinEnd = *s.stdinEnd, nil
			return m, true
		}
		if s.answer != nil {
			m, s.answer = *s.answer, nil
			s.cond.Broadcast()
			return m, true
		}
		for i := range s.events {
			if s.events[i] {
				s.events[i] = false
				return terminal.Message{Kind: terminal.Interrupt + terminal.Kind(i)}, true
			}
		}
	}
	return m, false
}
