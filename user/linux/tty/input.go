// SPDX-License-Identifier: Apache-2.0

package tty

import "loam/abi"

// receive looks at what has arrived, as far as there is room for it.
func (l *Line) receive() {
	var p [256]byte
	for l.arriving.Buffered() > 0 && !l.hung {
		n := min(l.textRoom(), len(p))
		if n == 0 {
			break
		}
		n = l.arriving.Peek(p[:n])
		l.arriving.Discard(n)
		for _, c := range p[:n] {
			l.look(c)
		}
	}
	l.lookAhead()
	l.sendEchoes()
	l.deliver()
	if !l.editing() && l.head != l.tail {
		l.wake(readable)
	}
	l.roomAgain()
}

// lookAhead has keys that stop output do so though there is no room for what was typed before them.
func (l *Line) lookAhead() {
	n := l.arriving.Buffered()
	if n == l.looked {
		return
	}
	if l.t.Input&ixon != 0 {
		p := make([]byte, n)
		l.arriving.Peek(p)
		for _, c := range p[l.looked:] {
			l.flowKey(c)
		}
	}
	l.ahead += n - l.looked
	l.looked = n
}

// flowKey does what a key does to output.
func (l *Line) flowKey(c byte) bool {
	switch {
	case l.is(c, vstart) && c != disabled:
		l.start()
		l.sendEchoes()
	case l.is(c, vstop) && c != disabled:
		l.stop()
	default:
		return false
	}
	return true
}

// textRoom is how many bytes there is room for. Of a line that is too long the last byte gives way, so that it can
// be ended.
func (l *Line) textRoom() int {
	room := textSize - int(l.head-l.tail)
	if l.t.Input&parmrk != 0 {
		room = (room + 2) / 3
	}
	if room--; room > 0 {
		return room
	}
	if !l.editing() || l.canon != l.tail {
		return 0
	}
	if room < 0 {
		l.head--
	}
	return 1
}

// roomAgain tells who waits to write to this end.
func (l *Line) roomAgain() {
	if o := l.other; o.full && o.room() > 0 {
		o.full = false
		o.wake(writable)
	}
}

// look is one byte that has arrived.
func (l *Line) look(c byte) {
	literal, seen := l.literal, l.ahead > 0
	l.literal = false
	if seen {
		l.ahead--
	}
	if l.looked > 0 {
		l.looked--
	}
	if l.t.Input&istrip != 0 {
		c &= 0x7f
	}
	if l.t.Input&iuclc != 0 && l.t.Local&iexten != 0 {
		c = lower(c)
	}
	if literal || !l.special[c] {
		l.resumeByAny()
		l.echoKey(c)
		l.keep(c)
		return
	}
	if l.key(c, seen) {
		return
	}
	l.resumeByAny()
	switch {
	case c == '\r' && l.t.Input&igncr != 0:
		return
	case c == '\r' && l.t.Input&icrnl != 0:
		c = '\n'
	case c == '\n' && l.t.Input&inlcr != 0:
		c = '\r'
	}
	if l.editing() && l.edit(c) {
		return
	}
	if c == '\n' && l.t.Local&echo != 0 {
		l.endErasing()
		l.echoRaw('\n')
	} else {
		l.echoKey(c)
	}
	l.keep(c)
}

// is reports whether a byte is one of the terminal's characters.
func (l *Line) is(c byte, place int) bool { return c == l.t.Chars[place] }

// key does what a byte does to output and processes. seen: it was looked at ahead.
func (l *Line) key(c byte, seen bool) bool {
	if l.t.Input&ixon != 0 {
		if seen && (l.is(c, vstart) || l.is(c, vstop)) || !seen && l.flowKey(c) {
			return true
		}
	}
	if l.t.Local&isig == 0 {
		return false
	}
	switch {
	case l.is(c, vintr):
		l.interrupt(abi.SIGINT, c)
	case l.is(c, vquit):
		l.interrupt(abi.SIGQUIT, c)
	case l.is(c, vsusp):
		l.interrupt(abi.SIGTSTP, c)
	default:
		return false
	}
	return true
}

// interrupt sends a key's signal. What was written and typed before it is thrown away (NOFLSH).
func (l *Line) interrupt(signal abi.Signal, c byte) {
	l.Signal(signal)
	if l.t.Local&noflsh == 0 {
		l.echoes = l.echoes[:0]
		l.FlushOutput()
		l.forget()
		l.tellFlushed()
	}
	if l.t.Input&ixon != 0 {
		l.start()
	}
	if l.t.Local&echo != 0 {
		l.echo(c)
	}
}

// resumeByAny has output go on by whatever key (IXANY).
func (l *Line) resumeByAny() {
	if l.stopped && l.t.Input&(ixon|ixany) == ixon|ixany {
		l.start()
	}
}

// edit does what a byte does to the line that is typed.
func (l *Line) edit(c byte) bool {
	more := l.t.Local&iexten != 0
	switch {
	case l.is(c, verase), l.is(c, vkill), l.is(c, vwerase) && more:
		l.erase(c)
	case l.is(c, vlnext) && more:
		l.literal = true
		if l.t.Local&echo != 0 {
			l.endErasing()
			if l.t.Local&echoctl != 0 {
				l.echoRaw('^', '\b')
			}
		}
	case l.is(c, vreprint) && more && l.t.Local&echo != 0:
		l.endErasing()
		l.echo(c)
		l.echoRaw('\n')
		for i := l.canon; i != l.head; i++ {
			l.echo(l.at(i))
		}
	case c == '\n':
		if l.t.Local&(echo|echonl) != 0 {
			l.echoRaw('\n')
		}
		l.endLine(c)
	case l.is(c, veof):
		l.endLine(disabled)
	case l.is(c, veol), l.is(c, veol2) && more:
		if l.t.Local&echo != 0 {
			l.echoTyped(c)
		}
		l.double(c)
		l.endLine(c)
	default:
		return false
	}
	return true
}

// endLine has what was typed be read.
func (l *Line) endLine(c byte) {
	l.setEnd(l.head, true)
	l.put(c)
	l.canon = l.head
	l.wake(readable)
}

// echoKey echoes a byte of what is typed.
func (l *Line) echoKey(c byte) {
	if l.t.Local&echo != 0 {
		l.endErasing()
		l.echoTyped(c)
	}
}

// keep puts a byte to what was typed.
func (l *Line) keep(c byte) {
	l.double(c)
	l.put(c)
}

// double marks a byte that would be a mark (PARMRK).
func (l *Line) double(c byte) {
	if c == 0xff && l.t.Input&parmrk != 0 {
		l.put(c)
	}
}
