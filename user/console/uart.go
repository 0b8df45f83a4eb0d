// SPDX-License-Identifier: Apache-2.0

package console

// Registers are those of the device, by their numbers.
type Registers interface {
	Read(register int) byte
	Write(register int, v byte)
}

// Registers, with the divisor latch closed.
const (
	regData         = 0 // RBR, THR
	regInterrupts   = 1 // IER
	regFIFO         = 2 // FCR, written
	regLine         = 3 // LCR
	regModem        = 4 // MCR
	regStatus       = 5 // LSR
	interruptsInput = 1
	fifoOn          = 1 | 2 | 4 // and empty
	line8N1         = 3
	modemOn         = 1 | 2 | 8 // DTR, RTS, and OUT2, which lets a PC's interrupt through
	statusInput     = 1
	statusRoom      = 1 << 5
	fifoSize        = 16
	mostSpins       = 1 << 20
	mostInputAtOnce = 256 // so that a line that never rests doesn't hold up everything
)

// UART is a serial port.
type UART struct{ r Registers }

// NewUART takes the device over: its speed stays, input interrupts are on.
func NewUART(r Registers) *UART {
	r.Write(regLine, line8N1)
	r.Write(regFIFO, fifoOn)
	r.Write(regModem, modemOn)
	r.Write(regInterrupts, interruptsInput)
	return &UART{r}
}

// Send writes text, and returns how much of it a device that takes nothing any more
// has taken.
func (u *UART) Send(text []byte) int {
	for i := 0; i < len(text); {
		if !u.room() {
			return i
		}
		for n := min(i+fifoSize, len(text)); i < n; i++ { // it has room for that much
			u.r.Write(regData, text[i])
		}
	}
	return len(text)
}

// room waits until the device has sent all that it had.
func (u *UART) room() bool {
	for range mostSpins {
		if u.r.Read(regStatus)&statusRoom != 0 {
			return true
		}
	}
	return false
}

// Receive appends to b what has come, and reports whether there may be more.
func (u *UART) Receive(b []byte) (all []byte, more bool) {
	for range mostInputAtOnce {
		if u.r.Read(regStatus)&statusInput == 0 {
			return b, false
		}
		b = append(b, u.r.Read(regData))
	}
	return b, true
}
