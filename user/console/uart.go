// SPDX-License-Identifier: Apache-2.0

package console

import "time"

// Registers of a 16550, with the divisor latch closed.
const (
	regData         = 0 // RBR, THR
	regInterrupts   = 1 // IER
	regFIFO         = 2 // FCR, written
	regLine         = 3 // LCR
	regModem        = 4 // MCR
	regStatus       = 5 // LSR
	interruptsInput = 1
	fifoOn          = 1
	line8N1         = 3
	modemOn         = 1 | 2 | 8 // DTR, RTS, and OUT2, which lets a PC's interrupt through
	statusInput     = 1
	statusRoom      = 1 << 5
	fifoSize        = 16
	mostInputAtOnce = 256 // so that a line that never rests doesn't hold up everything
)

// How long a line is waited for that takes nothing: some looks at once, and then one a ms.
const (
	quickLooks = 1000
	slowLooks  = 500
)

// uart is a serial port.
type uart struct {
	r     registers
	sleep func(time.Duration)
	stuck bool // it takes nothing: what is shown there is lost until it does
	last  byte // that was shown
}

// newUART takes the device over: its speed stays, and what it still has to send; input
// interrupts are on.
func newUART(r registers) *uart {
	r.Write(regLine, line8N1)
	r.Write(regFIFO, fifoOn)
	r.Write(regModem, modemOn)
	r.Write(regInterrupts, interruptsInput)
	return &uart{r: r, sleep: time.Sleep}
}

// show sends text. A line feed without carriage return gets one.
func (u *uart) show(text []byte) {
	room := 0
	for _, c := range text {
		if c == '\n' && u.last != '\r' && !u.send('\r', &room) || !u.send(c, &room) {
			return
		}
		u.last = c
	}
}

// send sends a byte; room is for how many more there is room. It is false when the line
// takes nothing.
func (u *uart) send(c byte, room *int) bool {
	if *room == 0 {
		if !u.wait() {
			return false
		}
		*room = fifoSize // it is empty
	}
	*room--
	u.r.Write(regData, c)
	return true
}

// wait waits until the device has sent all that it had.
func (u *uart) wait() bool {
	for look := range quickLooks + slowLooks {
		if u.r.Read(regStatus)&statusRoom != 0 {
			u.stuck = false
			return true
		}
		if u.stuck {
			break
		}
		if look >= quickLooks {
			u.sleep(time.Millisecond)
		}
	}
	u.stuck = true
	return false
}

// receive gives what has come, and reports whether there may be more.
func (u *uart) receive() (text []byte, pages int, more bool) {
	for range mostInputAtOnce {
		if u.r.Read(regStatus)&statusInput == 0 {
			return text, 0, false
		}
		text = append(text, u.r.Read(regData))
	}
	return text, 0, true
}
