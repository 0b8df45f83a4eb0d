// SPDX-License-Identifier: Apache-2.0

package tty

import "loam/abi"

// Opened says that somebody has this end open, and Closed that nobody has it any more.
func (l *Line) Opened() { l.other.alone = false }

// Closed has who reads the other end hear of it.
func (l *Line) Closed() {
	l.other.alone = true
	l.other.wake(readable | writable | abi.EPOLLHUP)
}

// HangUp says that the master is closed: the slave is of no use any more.
func (l *Line) HangUp() {
	s := l.other
	s.hung, s.alone = true, true
	s.wake(readable | writable | abi.EPOLLHUP | abi.EPOLLERR)
}

// Hung reports whether the other end is closed for good.
func (l *Line) Hung() bool { return l.hung }

// Alone reports whether nobody has the other end open any more, who had.
func (l *Line) Alone() bool { return l.alone }

// StopsBackground reports whether only processes in the foreground may write (TOSTOP).
func (l *Line) StopsBackground() bool { return l.t.Local&tostop != 0 }

// Packet reports whether a master is in packet mode, and SetPacket changes that.
func (l *Line) Packet() bool { return l.packet }

// SetPacket forgets what has happened before.
func (l *Line) SetPacket(on bool) {
	if on && !l.packet {
		l.other.status = 0
	}
	l.packet = on
}
