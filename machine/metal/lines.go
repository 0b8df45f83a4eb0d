//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// Interrupt lines of devices whose drivers are programs. The kernel floor knows an
// open line by a number below MaxLines, and learns of those that have fired by a set of
// them (EventLine, TakeLines). All come to the boot CPU. What masks a line is the
// architecture's (lines_*.go). Messages are lines without an input (messages.go).
//
// Lines are opened, closed and unmasked with the kernel lock held; since the boot CPU's
// trap looks at them without, the machine lock guards them, and the registers of the
// controller.

// MaxLines is how many lines can be open.
const MaxLines = 64

// line is an open line.
type line struct {
	number uint32 // of the controller's input or source, or a message's, plus 1; 0: free
	level  bool   // it fires until its device is served
	low    bool   // the line is low when it fires, or falls
	on     bool   // the controller passes it on, unless it has to be served first
}

var (
	lines  [MaxLines]line
	slotOf [numLines]uint8 // of each line: its place in lines plus 1, or kernelsLine; 0: nobody has it
)

// numLines are those of the interrupt controller, and messages behind them.
const numLines = mostLines + messages

// kernelsLine in slotOf is a line of the kernel's own.
const kernelsLine = 255

// LineState says whether a line can be opened.
type LineState uint8

// The states.
const (
	LineFree LineState = iota
	LineBusy           // it is open, or the kernel's
	NoLine             // the interrupt controller doesn't have it
)

// CheckLine says whether OpenLine would open a line of the interrupt controller: an
// input of the I/O APIC, or a source of the PLIC.
func CheckLine(number uint32) LineState {
	switch {
	case number >= mostLines || !hasLine(number):
		return NoLine
	case slotOf[number] != 0:
		return LineBusy
	}
	return LineFree
}

// OpenLine opens a line that CheckLine calls free; it is masked. false: MaxLines
// are open.
func OpenLine(number uint32, level, low bool) (slot int, ok bool) {
	machineLock.Lock()
	defer machineLock.Unlock()
	return takeSlot(line{number: number + 1, level: level, low: low})
}

// takeSlot gives a line a place.
func takeSlot(l line) (slot int, ok bool) {
	for i := range lines {
		if lines[i].number == 0 {
			lines[i] = l
			slotOf[(l.number-1)%numLines] = uint8(i) + 1
			return i, true
		}
	}
	return 0, false
}

// UnmaskLine lets an open line fire, again if it has: then its device has been
// served.
func UnmaskLine(slot int) {
	machineLock.Lock()
	unmask(&lines[slot%MaxLines])
	machineLock.Unlock()
}

// CloseLine masks a line and gives it back.
func CloseLine(slot int) {
	machineLock.Lock()
	l := &lines[slot%MaxLines]
	if !l.isMessage() {
		mask(l)
	}
	slotOf[(l.number-1)%numLines] = 0
	*l = line{}
	machineLock.Unlock()
}

// lineFired notes that a line has fired. It is false if nobody has that open.
func lineFired(cpu *CPU, number uint32) bool {
	if number >= numLines {
		return false
	}
	machineLock.Lock()
	slot := slotOf[number]
	open := slot != 0 && slot != kernelsLine
	if open {
		slot = (slot - 1) % MaxLines
		fired(&lines[slot]) // which does nothing to a message: that isn't by level
		cpu.lines |= 1 << slot
		cpu.events |= uint32(EventLine)
	}
	machineLock.Unlock()
	return open
}

// TakeLines takes the set of lines that have fired.
func (cpu *CPU) TakeLines() uint64 {
	set := cpu.lines
	cpu.lines = 0
	return set
}
