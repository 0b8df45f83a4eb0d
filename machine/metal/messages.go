//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// Interrupts without a line: a device writes a word to an address that the interrupt
// controller watches (message-signalled interrupts, PCI 3.0, 6.8). Each has a number of its
// own behind those of lines, and a place among them, so that they fire and are taken in the
// same way. They too come to the boot CPU.
//
// A message can't be masked at the controller. Where a device masks it itself, by bit 0 of a
// register (vector control of MSI-X, 6.8.2.9), the kernel floor has it masked there while
// messages come that nobody has served: MaskMessage. What the device has to say
// meanwhile it keeps. That page of registers is mapped in the window of registers.go, behind the
// places of objects. It is touched by the kernel floor alone, with the kernel lock held.

// messageMask is where a message is masked.
type messageMask struct {
	register uint64 // physical address; 0: nowhere
	masked   bool
}

// maskOf is each open message's, by its place in lines.
var maskOf [MaxLines]messageMask

// nextMessage is where the search for a free message begins: one that was given back is
// taken last, for its device may still send it.
var nextMessage uint32

// isMessage reports whether a line, which is open, is a message.
func (l *line) isMessage() bool { return l.number > mostLines }

// OpenMessage opens a message. mask is the physical address of the register that masks it
// at the device, a multiple of 4 which RegistersAt allows, or 0; the register isn't changed.
// NoLine: the machine has no messages; LineBusy: no more of them, or of places, are free.
// ok is false, with LineFree, if there is no memory for a table.
func OpenMessage(mask uint64) (slot int, state LineState, ok bool) {
	if !hasMessages() {
		return 0, NoLine, false
	}
	machineLock.Lock()
	slot, ok = openMessage()
	machineLock.Unlock()
	if !ok {
		return 0, LineBusy, false
	}
	maskOf[slot%MaxLines] = messageMask{register: mask}
	if mask != 0 && !MapRegisters(maskPlace(slot), mask) {
		CloseLine(slot)
		return 0, LineFree, false
	}
	return slot, LineFree, true
}

// openMessage gives a free message a place.
func openMessage() (slot int, ok bool) {
	for i := range uint32(messages) {
		n := (nextMessage + i) % max(messages, 1)
		if slotOf[(mostLines+n)%numLines] == 0 {
			nextMessage = n + 1
			return takeSlot(line{number: mostLines + n + 1})
		}
	}
	return 0, false
}

// Message gives what the device of an open line is to write, and where; 0 and 0 of one
// that isn't a message.
func Message(slot int) (address uint64, data uint32) {
	l := &lines[slot%MaxLines]
	if !l.isMessage() {
		return 0, 0
	}
	return messageOf(l.number - 1 - mostLines)
}

// MaskMessage has the device of an open message keep it, or send it, if there is a register
// for that. The other bits of the register are left.
//
//loam:noalloc
func MaskMessage(slot int, on bool) {
	m := &maskOf[slot%MaxLines]
	if m.register == 0 || m.masked == on {
		return
	}
	m.masked = on
	place, at := maskPlace(slot), m.register%pageSize
	v, ok := RegisterRead(place, at, 4)
	if !ok {
		return
	}
	if v &^= 1; on {
		v |= 1
	}
	RegisterWrite(place, at, 4, v)
}

// maskPlace is the place in the window of the register that masks a message.
func maskPlace(slot int) int32 { return int32(MaxRegisters + slot%MaxLines) }
