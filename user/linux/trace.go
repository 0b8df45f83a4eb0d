// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"loam/abi"
)

// What calls come here, for people: a table of all at the end, and a line for each. Those that the
// kernel answers itself nobody sees.

// tracer looks at calls. Server.mu guards it.
type tracer struct {
	lines  bool
	write  func(line string) // one of the trace or of the table
	counts map[uint64]*callCount
	begun  map[uint64]tracedCall // those that wait, by token

	formats map[uint64]string // of arguments, by number
}

// callCount is a line of the table.
type callCount struct {
	nr            uint64
	calls, errors int
	time          int64 // ns from when the call was received to its answer
}

// tracedCall is a call that isn't answered yet.
type tracedCall struct {
	Call
	at   int64
	text string // its name and what is known of its arguments before it is done
}

// Trace has the calls looked at that come from now on: write is given the lines of Table, and with lines one for each call.
func (s *Server) Trace(lines bool, write func(line string)) {
	s.tracer = &tracer{lines: lines, write: write, counts: map[uint64]*callCount{}, begun: map[uint64]tracedCall{}, formats: map[uint64]string{}}
	for _, f := range formats {
		s.tracer.formats[uint64(f.number)] = f.format
	}
	s.kernel = tracedKernel{s.kernel, s}
}

// traced is handle for a server whose calls are looked at.
func (s *Server) traced(c *Call) uint64 {
	b := tracedCall{Call: *c, at: s.kernel.Now()}
	if s.tracer.lines {
		b.text = s.callText(c)
	}
	s.tracer.begun[c.Token] = b
	result := s.handle(c)
	if result != blocked && result != slow {
		s.answered(c.Token, result, false)
	}
	return result
}

// answered notes the answer of a call.
func (s *Server) answered(token, result uint64, interrupted bool) {
	x := s.tracer
	b, ok := x.begun[token]
	if !ok {
		return
	}
	delete(x.begun, token)
	n := x.counts[b.Number]
	if n == nil {
		n = &callCount{nr: b.Number}
		x.counts[b.Number] = n
	}
	took := s.kernel.Now() - b.at
	n.calls++
	n.time += took
	if _, bad := abi.Failed(result); bad {
		n.errors++
	}
	if x.lines {
		x.write(fmt.Sprintf("%s = %s <%d.%06d>", b.text, resultOf(result, interrupted), took/1e9, took%1e9/1000))
	}
}

func resultOf(result uint64, interrupted bool) string {
	e, bad := abi.Failed(result)
	switch {
	case interrupted:
		return "? (interrupted)"
	case bad:
		return fmt.Sprintf("-1 %s (%s)", e.Name(), e.Error())
	case result > 1<<40:
		return fmt.Sprintf("%#x", result)
	}
	return fmt.Sprint(result)
}

// Table writes what has come, the most time first.
func (s *Server) Table() {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.tracer
	if x == nil {
		return
	}
	for _, b := range x.begun {
		if x.lines {
			x.write(b.text + " <unfinished ...>")
		}
	}
	var all []*callCount
	sum := callCount{}
	for _, n := range x.counts {
		all = append(all, n)
		sum.calls, sum.errors, sum.time = sum.calls+n.calls, sum.errors+n.errors, sum.time+n.time
	}
	slices.SortFunc(all, func(a, b *callCount) int { return cmp.Or(cmp.Compare(b.time, a.time), cmp.Compare(a.nr, b.nr)) })
	const rule = "------ ----------- ----------- --------- --------- ----------------"
	x.write("% time     seconds  usecs/call     calls    errors syscall")
	x.write(rule)
	line := func(n *callCount, name string) {
		share := 100.0
		if sum.time > 0 {
			share = 100 * float64(n.time) / float64(sum.time)
		}
		errors := ""
		if n.errors > 0 {
			errors = fmt.Sprint(n.errors)
		}
		x.write(strings.TrimRight(fmt.Sprintf("%6.2f %11.6f %11d %9d %9s %s", share, float64(n.time)/1e9, n.time/1000/max(int64(n.calls), 1), n.calls, errors, name), " "))
	}
	for _, n := range all {
		line(n, callName(n.nr))
	}
	x.write(rule)
	line(&sum, "total")
}

// tracedKernel is the kernel of a server whose calls are looked at.
type tracedKernel struct {
	Kernel
	s *Server
}

// Reply is for Kernel.
func (k tracedKernel) Reply(token, result uint64, interrupted bool) {
	k.s.answered(token, result, interrupted)
	k.Kernel.Reply(token, result, interrupted)
}
