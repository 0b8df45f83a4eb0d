// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"loam/abi"
	"loam/user/streams"
)

// signals are those that events of the terminal send to the processes in the foreground.
var signals = map[streams.Event]abi.Signal{
	streams.Interrupt: abi.SIGINT, streams.Suspend: abi.SIGTSTP,
	streams.Resume: abi.SIGCONT, streams.Resized: abi.SIGWINCH,
}

// TerminalEvent tells the processes in the foreground of an event.
func (s *Server) TerminalEvent(e streams.Event) {
	signal, ok := signals[e]
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sendGroup(s.tty.group, signal)
	s.retry()
}
