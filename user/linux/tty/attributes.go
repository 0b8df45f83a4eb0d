// SPDX-License-Identifier: Apache-2.0

package tty

import "loam/internal/terminal"

// Bits of Termios.Input.
const (
	istrip = 0o40
	inlcr  = 0o100
	igncr  = 0o200
	icrnl  = 0o400
	iuclc  = 0o1000
	ixon   = 0o2000
	ixany  = 0o4000
	iutf8  = 0o40000
	parmrk = 0o10
)

// Bits of Termios.Output.
const (
	opost  = 0o1
	olcuc  = 0o2
	onlcr  = 0o4
	ocrnl  = 0o10
	onocr  = 0o20
	onlret = 0o40
	tabdly = 0o14000 // also XTABS: tabs become spaces
)

// Bits of Termios.Control.
const (
	b38400 = 0o17
	csize  = 0o60
	cs8    = 0o60
	cread  = 0o200
	parenb = 0o400
)

// Termios.Control has the speed, of output and, higher up, of input.
const (
	cbaud      = 0o10017
	bother     = 0o10000 // it is told beside
	inputShift = 16
)

// speeds are those that have a number in Termios.Control: up to 38400, and from there on behind bother.
var (
	speeds     = [16]uint32{0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400}
	highSpeeds = [16]uint32{0, 57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000}
)

// Bits of Termios.Local.
const (
	isig    = 0o1
	icanon  = 0o2
	echo    = 0o10
	echoe   = 0o20
	echok   = 0o40
	echonl  = 0o100
	noflsh  = 0o200
	tostop  = 0o400
	echoctl = 0o1000
	echoprt = 0o2000
	echoke  = 0o4000
	iexten  = 0o100000
)

// Places in Termios.Chars.
const (
	vintr = iota
	vquit
	verase
	vkill
	veof
	vtime
	vmin
	_
	vstart
	vstop
	vsusp
	veol
	vreprint
	_
	vwerase
	vlnext
	veol2
)

// disabled is the character by which one of Termios.Chars means nothing. In text it stands for the end of input.
const disabled = 0

// slaveAttributes are those of a new terminal, and masterAttributes have nothing done to bytes.
var (
	chars           = [19]uint8{3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0}
	slaveAttributes = terminal.Termios{Input: icrnl | ixon, Output: opost | onlcr, Control: b38400 | cs8 | cread,
		Local: isig | icanon | echo | echoe | echok | echoctl | echoke | iexten, Chars: chars, InputSpeed: 38400, OutputSpeed: 38400}
	masterAttributes = terminal.Termios{Control: b38400 | cs8 | cread, Chars: chars}
)

// Attributes are those of the terminal.
func (l *Line) Attributes() terminal.Termios { return l.t }

// SetAttributes sets them, and throws away what can be read before if that is asked for. A pseudo terminal always has eight bits, and no parity.
func (l *Line) SetAttributes(t terminal.Termios, flush bool) {
	old := l.t
	if flush {
		l.forget()
		l.tellFlushed()
		defer l.receive() // there is room
	}
	t.Control = t.Control&^(csize|parenb) | cs8 | cread
	t.OutputSpeed = speed(t.Control, t.OutputSpeed)
	if in := t.Control >> inputShift; in&cbaud == 0 {
		t.InputSpeed = t.OutputSpeed
	} else {
		t.InputSpeed = speed(in, t.InputSpeed)
	}
	l.t = t
	l.tellFlow(&old)
	if (old.Local^t.Local)&icanon != 0 {
		l.changeMode()
	}
	l.findSpecial()
	if t.Input&ixon == 0 && old.Input&ixon != 0 {
		l.start()
		l.deliver()
	}
	l.told()
	l.other.wake(readable | writable)
	l.wake(readable | writable)
}

// speed is the one that flags say, or the other.
func speed(flags, other uint32) uint32 {
	switch flags &= cbaud; {
	case flags == bother:
		return other
	case flags&bother != 0:
		return highSpeeds[flags&^bother]
	}
	return speeds[flags]
}

// tellFlow tells the master, in packet mode, whether the usual keys stop output.
func (l *Line) tellFlow(old *terminal.Termios) {
	keys := func(t *terminal.Termios) bool {
		return t.Input&ixon != 0 && t.Chars[vstop] == 19 && t.Chars[vstart] == 17
	}
	if was, is := keys(old), keys(&l.t); l.other.packet && was != is {
		l.status &^= packetNoStop | packetDoStop
		if is {
			l.status |= packetDoStop
		} else {
			l.status |= packetNoStop
		}
	}
}

// changeMode begins to edit lines, or ends that. What was typed so far can be read.
func (l *Line) changeMode() {
	clear(l.ends[:])
	l.pushed, l.canon = false, l.tail
	if l.t.Local&icanon != 0 && l.head != l.tail {
		l.setEnd(l.head-1, true)
		l.canon, l.pushed = l.head, true
	}
	l.erasing, l.literal = false, false
}

// findSpecial finds the characters that receive has to look at.
func (l *Line) findSpecial() {
	l.special = [256]bool{}
	t := &l.t
	add := func(places ...int) {
		for _, p := range places {
			l.special[t.Chars[p]] = true
		}
	}
	l.special['\r'] = t.Input&(igncr|icrnl) != 0
	l.special['\n'] = t.Input&inlcr != 0
	if t.Local&icanon != 0 {
		add(verase, vkill, veof, veol)
		l.special['\n'] = true
		if t.Local&iexten != 0 {
			add(vwerase, vlnext, veol2)
			if t.Local&echo != 0 {
				add(vreprint)
			}
		}
	}
	if t.Input&ixon != 0 {
		add(vstart, vstop)
	}
	if t.Local&isig != 0 {
		add(vintr, vquit, vsusp)
	}
	l.special[disabled] = false
}
