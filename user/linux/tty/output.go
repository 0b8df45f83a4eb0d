// SPDX-License-Identifier: Apache-2.0

package tty

import (
	"loam/abi"
	"loam/user/linux/lx"
)

// widest is how many bytes one becomes at most: a tab.
const widest = 8

// room is how many bytes can be written to the other end; 0: none, or output is stopped.
func (l *Line) room() int {
	n := arrivingSize - l.other.arriving.Buffered()
	if l.stopped || n < widest {
		return 0
	}
	return n
}

// send writes bytes as they are.
func (l *Line) send(text ...byte) {
	l.other.arriving.Append(text)
	l.sent = true
}

// deliver has the other end look at what was sent.
func (l *Line) deliver() {
	if l.sent {
		l.sent = false
		l.full = l.room() == 0
		l.other.receive()
	}
}

func (l *Line) goBack() {
	if l.column > 0 {
		l.column--
	}
}

// Write writes what there is room for. lx.Wait: some is left, and what was written counts. EIO: the terminal is no more.
func (l *Line) Write(b lx.Buffer) (done int, e abi.Errno) {
	if l.hung {
		return 0, abi.EIO
	}
	l.sendEchoes()
	var p [2048]byte
	for b.Len() > 0 && e == 0 {
		room := l.room()
		if l.t.Output&opost != 0 {
			room /= widest
		}
		if room == 0 {
			l.full, e = true, lx.Wait
			break
		}
		var n int
		n, e = b.Get(p[:min(b.Len(), room, len(p))])
		done += n
		for _, c := range p[:n] {
			l.emit(c)
		}
		l.deliver()
	}
	l.deliver()
	if done > 0 && e != lx.Wait {
		e = 0
	}
	return done, e
}

// emit writes a byte, with what is done to output.
func (l *Line) emit(c byte) {
	o := l.t.Output
	if o&opost == 0 {
		l.send(c)
		return
	}
	switch c {
	case '\n':
		if o&onlret != 0 {
			l.column = 0
		}
		if o&onlcr != 0 {
			l.column = 0
			l.send('\r')
		}
		l.canonColumn = l.column
	case '\r':
		if o&onocr != 0 && l.column == 0 {
			return
		}
		if o&ocrnl != 0 {
			c = '\n'
		}
		if o&ocrnl == 0 || o&onlret != 0 {
			l.column, l.canonColumn = 0, 0
		}
	case '\t':
		n := 8 - l.column%8
		l.column += n
		if o&tabdly == tabdly {
			for range n {
				l.send(' ')
			}
			return
		}
	case '\b':
		l.goBack()
	default:
		if !isControl(c) {
			if o&olcuc != 0 {
				c = upper(c)
			}
			if !l.continues(c) {
				l.column++
			}
		}
	}
	l.send(c)
}

// stop has output wait, and start go on.
func (l *Line) stop() {
	if l.stopped {
		return
	}
	l.stopped = true
	l.full = true
	l.tellStopped(packetStop, packetStart)
}

func (l *Line) start() {
	if !l.stopped || l.byCall {
		return
	}
	l.stopped = false
	l.tellStopped(packetStart, packetStop)
	l.sendEchoes()
	if l.full = l.room() == 0; !l.full {
		l.wake(writable)
	}
}

func (l *Line) tellStopped(is, isnt uint8) {
	if l.other.packet {
		l.status = l.status&^isnt | is
		l.told()
	}
}

// Stop has output wait until Start, whatever is typed.
func (l *Line) Stop() {
	if !l.byCall {
		l.byCall = true
		l.stop()
	}
}

// Start ends Stop.
func (l *Line) Start() {
	if l.byCall {
		l.byCall = false
		l.start()
		l.deliver()
	}
}

// Type sends the other end the key that stops it, or has it go on.
func (l *Line) Type(stop bool) {
	c := l.t.Chars[vstart]
	if stop {
		c = l.t.Chars[vstop]
	}
	if c == disabled || l.byCall {
		return
	}
	if l.stopped { // for this one byte it isn't
		l.tellStopped(packetStop, packetStart)
	}
	l.send(c)
	l.deliver()
}
