// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"time"

	"loam/abi"
	"loam/user/streams"
)

// signals are those that events of the terminal send to the processes in the foreground.
var signals = map[streams.Event]abi.Signal{
	streams.Interrupt: abi.SIGINT, streams.Suspend: abi.SIGTSTP,
	streams.Resume: abi.SIGCONT, streams.Resized: abi.SIGWINCH,
}

// How long processes in the foreground may take to stop at the key for that before the machine does: less than
// loam waits. One that handles the signal first makes the terminal what it was, say.
const (
	stopLimit = 500 * time.Millisecond
	stopPause = time.Millisecond
)

// TerminalEvent tells the processes in the foreground of an event. With streams.Suspend it waits until they have
// stopped, or have had the time to.
func (s *Server) TerminalEvent(e streams.Event) {
	signal, ok := signals[e]
	if !ok {
		return
	}
	s.mu.Lock()
	s.sendGroup(s.tty.group, signal)
	s.retry()
	s.mu.Unlock()
	if e != streams.Suspend {
		return
	}
	for end := time.Now().Add(stopLimit); !s.foregroundHalted() && time.Now().Before(end); {
		time.Sleep(stopPause)
	}
}

func (s *Server) foregroundHalted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.byPID {
		if p.pgid == s.tty.group && !p.halted && !p.zombie {
			return false
		}
	}
	return true
}
