// SPDX-License-Identifier: Apache-2.0

package tty

import (
	"loam/abi"
	"loam/internal/terminal"
	"loam/user/linux/lx"
	"loam/user/linux/poll"
)

const (
	textSize     = 4096    // bytes that wait to be read: one less, but for the end of a line
	arrivingSize = 8 << 10 // bytes behind them
	chunk        = 64      // bytes that Linux reads at a time
	second       = 1e9     // ns
	tenth        = second / 10
)

// What wake tells of.
const (
	readable = abi.EPOLLIN | abi.EPOLLRDNORM
	writable = abi.EPOLLOUT | abi.EPOLLWRNORM
)

// Status of packet mode (ioctl_tty(2)).
const (
	packetFlushRead = 1 << iota
	packetFlushWrite
	packetStop
	packetStart
	packetNoStop
	packetDoStop
)

// Line is an end of a pseudo terminal.
type Line struct {
	// Signal sends one to the processes in the foreground.
	Signal func(abi.Signal)

	other *Line
	t     terminal.Termios
	queue poll.Queue

	// What others have written: bytes that arrive, and those that receive has looked at.
	arriving         poll.Ring
	looked, ahead    int // bytes of arriving in which keys that stop output were looked for, and those of which that still counts
	text             [textSize]byte
	ends             [textSize]bool // ends of lines in text
	head, canon      uint64         // where the next byte goes, and the end of the last line
	tail             uint64         // the next one to be read
	special          [256]bool
	literal, erasing bool // the next byte is taken as it is; characters are being erased (ECHOPRT)
	pushed           bool // the end of the last line is none: text was there before lines were
	full             bool // somebody waits to write
	sent             bool // the other end has to look at what has arrived

	// What goes the other way: the column, that of the line's beginning, and echoes.
	column, canonColumn uint
	echoes              []byte
	stopped, byCall     bool // output is stopped: by a key, or TCXONC

	packet bool  // of a master: status comes with what is read
	status uint8 // for the master
	alone  bool  // nobody has the other end open any more
	hung   bool  // and it never will be
}

// New makes a pair, of which nobody has the slave open yet.
func New() (master, slave *Line) {
	master, slave = &Line{t: masterAttributes}, &Line{t: slaveAttributes}
	master.other, slave.other = slave, master
	for _, l := range []*Line{master, slave} {
		l.Signal = func(abi.Signal) {}
		l.findSpecial()
	}
	return master, slave
}

// Queue is for poll.File.
func (l *Line) Queue() *poll.Queue { return &l.queue }

// wake tells who waits for this end.
func (l *Line) wake(events uint32) { l.queue.Tell(events) }

// Events is for poll.File.
func (l *Line) Events() (v uint32) {
	if l.hung {
		return readable | writable | abi.EPOLLERR | abi.EPOLLHUP
	}
	if l.ready(true) {
		v |= readable
	}
	if l.packet && l.other.status != 0 {
		v |= readable | abi.EPOLLPRI
	}
	if l.alone {
		v |= abi.EPOLLHUP
	}
	if l.room() > 0 {
		v |= writable
	}
	return v
}

// editing reports whether lines are read.
func (l *Line) editing() bool { return l.t.Local&icanon != 0 }

// ready reports whether a read has something; polled: whether that is told.
func (l *Line) ready(polled bool) bool {
	if l.editing() {
		return l.canon != l.tail
	}
	least := uint64(1)
	if polled && l.t.Chars[vtime] == 0 && l.t.Chars[vmin] > 0 {
		least = uint64(l.t.Chars[vmin])
	}
	return l.head-l.tail >= least
}

// Buffered is how many bytes can be read.
func (l *Line) Buffered() int {
	if !l.editing() {
		return int(l.head - l.tail)
	}
	n := int(l.canon - l.tail)
	if n == textSize { // Linux doesn't look then
		return n
	}
	for i := l.tail; i != l.canon; i++ {
		if l.ended(i) && l.at(i) == disabled {
			n--
		}
	}
	return n
}

func (l *Line) at(i uint64) byte { return l.text[i%textSize] }

// ended reports whether a byte of the text ends a line.
func (l *Line) ended(i uint64) bool         { return l.ends[i%textSize] }
func (l *Line) setEnd(i uint64, ended bool) { l.ends[i%textSize] = ended }

func (l *Line) put(c byte) {
	l.text[l.head%textSize] = c
	l.head++
}

// Never is the Patience of who waits for something to come.
const Never = -1

// Patience is how long a read waits that has moved so much, in ns: 0, not at all.
func (l *Line) Patience(done int) int64 {
	least, time := l.t.Chars[vmin], int64(l.t.Chars[vtime])*tenth
	switch {
	case l.editing():
		return Never
	case least == 0:
		return time
	case done == 0 || time == 0:
		return Never
	}
	return time
}

// Read moves what can be read to b, of a read that has moved so much already. lx.Wait: it waits for more, and what was moved counts. EIO:
// nothing is there, and nobody is at the other end.
//
// Linux reads in pieces of 64 bytes, of which the first waits (VMIN).
func (l *Line) Read(b lx.Buffer, done int) (n int, e abi.Errno) {
	room, least := min(b.Len(), chunk-done), 0
	if !l.editing() {
		least = max(int(l.t.Chars[vmin]), 1)
	}
	more := false
	for n < room && e == 0 {
		if l.packet && l.other.status != 0 {
			if done+n == 0 {
				n, e = b.Put([]byte{l.other.status})
				l.other.status = 0
			}
			return n, e
		}
		if !l.ready(false) {
			return n, l.silence(done + n)
		}
		var k int
		k, more, e = l.move(b, room-n, l.packet && done+n == 0)
		if n += k; done+n >= least {
			break
		}
		more = false
	}
	for more && b.Len() > 0 && e == 0 {
		var k int
		k, more, e = l.move(b, min(b.Len(), chunk), false)
		n += k
	}
	if more && l.editing() {
		l.skipEnd()
	}
	l.receive() // there is room for more
	if n > 0 {
		e = 0
	}
	return n, e
}

// silence is what a read that has moved so much comes to when there is nothing more.
func (l *Line) silence(done int) abi.Errno {
	switch {
	case l.alone && done == 0:
		return abi.EIO
	case l.alone || l.hung:
		return 0
	}
	return lx.Wait
}

// move moves up to so many bytes to b, behind a zero if that is asked for (packet mode).
func (l *Line) move(b lx.Buffer, most int, packet bool) (n int, more bool, e abi.Errno) {
	var p [chunk]byte
	from := 0
	if packet && !l.editing() {
		from = 1
	}
	k, more := l.take(p[from:most])
	n, e = b.Put(p[:from+k])
	return n, more, e
}

// take moves text to p: up to the end of a line, if there are such. more: there is more to be read in the same call.
func (l *Line) take(p []byte) (n int, more bool) {
	if !l.editing() {
		for n < len(p) && l.tail != l.head {
			p[n] = l.at(l.tail)
			l.tail++
			n++
		}
		return n, n > 0 && l.tail != l.head
	}
	for n < len(p) && l.tail != l.canon {
		i := l.tail
		l.tail++
		if !l.ended(i) {
			p[n] = l.at(i)
			n++
			continue
		}
		l.setEnd(i, false)
		if l.at(i) != disabled {
			p[n] = l.at(i)
			n++
		}
		l.pushed = false
		return n, false
	}
	return n, l.tail != l.canon
}

// skipEnd goes on behind the end of input, if that is next: who has read all before doesn't read it, too.
func (l *Line) skipEnd() {
	if l.tail != l.canon && l.ended(l.tail) && l.at(l.tail) == disabled {
		l.setEnd(l.tail, false)
		l.tail++
	}
}

// FlushInput throws away what can be read, and what waits behind it.
func (l *Line) FlushInput() {
	l.arriving.Discard(l.arriving.Buffered())
	l.looked = 0
	l.forget()
	l.tellFlushed()
	l.roomAgain()
}

// forget throws away what can be read, and has lines begin anew.
func (l *Line) forget() {
	l.tail, l.canon = l.head, l.head
	clear(l.ends[:])
	l.erasing, l.pushed, l.ahead = false, false, 0
}

// tellFlushed tells the master, in packet mode, that what it had written is gone.
func (l *Line) tellFlushed() {
	if l.other.packet {
		l.status |= packetFlushRead
		l.told()
	}
}

// FlushOutput throws away what was written and hasn't come to the other end.
func (l *Line) FlushOutput() {
	o := l.other
	o.arriving.Discard(o.arriving.Buffered())
	o.looked = 0
	if o.packet {
		l.status |= packetFlushWrite
		l.told()
	}
	o.roomAgain()
}

// told wakes a master that reads of its slave's status.
func (l *Line) told() {
	if l.other.packet && l.status != 0 {
		l.other.wake(readable | abi.EPOLLPRI)
	}
}
