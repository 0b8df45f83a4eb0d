// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"sync"
	"syscall"

	"loam/user/object"
	"loam/user/streams"
)

// foreground are the processes that the keys of the terminal are for: all, since there is no
// shell here that would choose.
type foreground struct {
	mu        sync.Mutex
	processes map[object.Process]bool
}

func (f *foreground) add(p object.Process) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.processes == nil {
		f.processes = map[object.Process]bool{}
	}
	f.processes[p] = true
}

// remove is called before the handle is closed.
func (f *foreground) remove(p object.Process) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.processes, p)
}

// signals are those that events of the terminal send.
var signals = map[streams.Event]syscall.Signal{
	streams.Interrupt: syscall.SIGINT, streams.Suspend: syscall.SIGTSTP,
	streams.Resume: syscall.SIGCONT, streams.Resized: syscall.SIGWINCH,
}

// event tells the processes of an event.
func (f *foreground) event(e streams.Event) {
	s, ok := signals[e]
	if !ok {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for p := range f.processes {
		_ = p.Signal(s) // it may just have ended
	}
}
