// SPDX-License-Identifier: Apache-2.0

package linux

import "container/heap"

// timer is something that is to be done at a time. The zero value is not set.
type timer struct {
	at    int64 // ns on CLOCK_MONOTONIC
	place int   // in the heap, plus 1; 0: it isn't set
	fire  func()
}

// setTimer sets a timer, whatever it was set to.
func (s *Server) setTimer(t *timer, at int64) {
	s.stopTimer(t)
	if at == never {
		return
	}
	t.at = at
	heap.Push(&s.timers, t)
	s.setAlarm()
}

func (s *Server) stopTimer(t *timer) {
	if t.place > 0 {
		heap.Remove(&s.timers, t.place-1)
	}
}

// Tick does what is due.
func (s *Server) Tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.kernel.Now()
	for len(s.timers) > 0 && s.timers[0].at <= now {
		t := s.timers[0]
		heap.Remove(&s.timers, 0)
		t.fire()
	}
	s.retry()
	s.alarm = never
	s.setAlarm()
}

// setAlarm sets the kernel's alarm to the first timer, if it is later or unset.
func (s *Server) setAlarm() {
	if len(s.timers) > 0 && s.timers[0].at < s.alarm {
		s.alarm = s.timers[0].at
		s.kernel.Alarm(s.alarm)
	}
}

// timerHeap has timers, the first on top.
type timerHeap []*timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i+1, j+1
}

// Push is for heap.Interface.
func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	*h = append(*h, t)
	t.place = len(*h)
}

// Pop is for heap.Interface.
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.place = 0
	return t
}
