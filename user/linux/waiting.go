// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"math"

	"loam/user/linux/poll"
)

// never is the deadline that doesn't come.
const never = math.MaxInt64

// waiting is a call that waits: for changes of files, for a time, or for both. When there is
// one it is made again from its start, with what it has done so far.
type waiting struct {
	s         *Server
	t         task
	entries   []poll.Entry
	one       [1]poll.Entry // mostly there is one
	timer     timer
	waits     bool // it is in Server.waits
	woken     bool // it is on Server.woken
	expired   bool // the deadline has come
	restarts  bool // it is made again after a signal
	network   bool // it waits for the network to be known, and then maybe for something else, with a limit of its own
	signalled bool // it is to end for a signal
	done      int  // bytes that were written

	after *waiting // in Server.waits
	next  *waiting // in Server.woken, or of Server.spare
}

// wait has t wait for one of the queues. Its call is made again then.
func (s *Server) wait(t *task, until int64, restarts bool, queues ...*poll.Queue) uint64 {
	w := t.w
	if w == nil {
		w = s.newWaiting(t, restarts)
		s.waits.add(w)
		w.limit(until)
		t.w = w
	} else if w.network { // what it really waits for begins now
		w.network, w.restarts = false, restarts
		w.limit(until)
	}
	w.entries = w.one[:min(len(queues), 1)]
	if len(queues) > 1 {
		w.entries = make([]poll.Entry, len(queues))
	}
	for i, q := range queues {
		w.entries[i].To = w
		q.Join(&w.entries[i])
	}
	if t.Interrupted || s.early.Take(t.Token) {
		w.signalled = true
		w.Changed(0)
	}
	return blocked
}

// limit has it end at a time.
func (w *waiting) limit(until int64) {
	if until == never {
		return
	}
	w.timer.fire = func() {
		w.expired = true
		w.Changed(0)
	}
	w.s.setTimer(&w.timer, until)
}

// waitFor is wait for a file that t is about.
func (s *Server) waitFor(t *task, f *file, q *poll.Queue) uint64 {
	t.hold(f)
	return s.wait(t, never, true, q)
}

// Changed is for poll.Listener.
func (w *waiting) Changed(uint32) {
	if !w.woken {
		w.s.woken.add(w)
	}
}

func (w *waiting) leave() {
	for i := range w.entries {
		w.entries[i].Leave()
	}
	w.entries = nil
}

// retry makes calls that have waited again, until nobody is to be tried.
func (s *Server) retry() {
	for w := s.woken.take(); w != nil; w = s.woken.take() {
		if !w.waits {
			continue // it has been answered, or its process has ended
		}
		if w.signalled {
			s.interrupt(w)
			continue
		}
		w.leave()
		s.current = &w.t
		switch result := s.calls[w.t.Number](s, &w.t); result {
		case blocked:
		case slow:
			held := w.t.held
			w.t.held = nil
			s.drop(w)
			w.t.held = held
			s.work(&w.t)
		default:
			s.finish(w, result)
		}
	}
}

// drop forgets a call that waits.
func (s *Server) drop(w *waiting) {
	w.leave()
	s.waits.remove(w)
	s.stopTimer(&w.timer)
	s.release(&w.t)
}

// finish answers a call that has waited.
func (s *Server) finish(w *waiting, result uint64) {
	s.drop(w)
	s.kernel.Reply(w.t.Token, result, false)
	s.reuse(w)
}
