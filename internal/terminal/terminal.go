// SPDX-License-Identifier: Apache-2.0

// Package terminal is what loam and the machine know both of the console streams: their ports and memory,
// and what they say to each other about the terminal that the streams lead to: messages of one size, so that neither side has to keep
// parts of one, or to bound it.
//
// The guest asks (Hello, Get, Set, Suspended), the host tells (Facts, Interrupt, Suspend, Resume, StdinEnd)
// and answers (Attributes). Attributes and their bits are Linux's on every host; a host that has others
// translates.
package terminal

import (
	"encoding/binary"
	"errors"
)

// Ports are the names of the device's ports from 1 on: a stream each, and the messages. Their other ends
// are loam's.
var Ports = [4]string{"loam.stdin", "loam.stdout", "loam.stderr", "loam.control"}

// Memory for the device, in bytes.
const (
	DriverMemory = 16 << 10  // the driver's own
	RingsMemory  = 344 << 10 // what it shares with its client (package user/streams/ring)
)

// MessageSize is the size of each message in bytes.
const MessageSize = 64

// Kind is what a message is.
type Kind uint32

// Messages to the host.
const (
	// Hello asks for Facts, and what else a client has to know that begins: StdinEnd.
	Hello Kind = iota + 1
	// Get asks for the attributes: answered by Attributes.
	Get
	// Set sets them as When says, and is answered likewise.
	Set
	// Suspended answers Suspend: the guest is ready.
	Suspended
)

// Messages to the guest.
const (
	// Facts says what the streams are, and how large the terminal is. It comes after
	// Hello and each time that something of it changes.
	Facts Kind = iota + 0x81
	// Attributes answers Get and Set by their Number: Errno, else the attributes.
	Attributes
	// Interrupt: somebody has typed the key for it, or sent loam SIGINT.
	Interrupt
	// Suspend: likewise with SIGTSTP. The machine will stop once the guest says
	// Suspended, or soon.
	Suspend
	// Resume: it goes on.
	Resume
	// StdinEnd: stdin ends after Total bytes, counted from its beginning modulo 2^32.
	StdinEnd
)

// When is when attributes are set (tcsetattr).
type When uint8

// TCSANOW, TCSADRAIN, TCSAFLUSH.
const (
	Now When = iota
	Drained
	Flushed
)

// Termios are attributes of a terminal, as Linux has them.
type Termios struct {
	Input, Output, Control, Local uint32
	Line                          uint8
	Chars                         [19]uint8
	InputSpeed, OutputSpeed       uint32
}

// Size is how large a terminal is: characters, and pixels if they are known.
type Size struct{ Rows, Columns, XPixels, YPixels uint16 }

// Message is a message.
type Message struct {
	Kind   Kind
	Number uint32 // of the request, chosen by the guest

	// Of Get and Set: which stream's terminal, 0 to 2.
	Stream uint8
	When   When
	// Of Set: how much has been written to stdout and stderr before it, modulo 2^32. The
	// host has written that to the terminal first, unless it is to be Now.
	Written [2]uint32
	// Of Set, and of Attributes if Errno is 0.
	Termios Termios
	Errno   uint32
	// Of Facts.
	Terminal [3]bool // which of the streams is a terminal
	Size     Size
	// Of StdinEnd.
	Total uint32
}

// Put writes a message.
func (m *Message) Put(b *[MessageSize]byte) {
	clear(b[:])
	le := binary.LittleEndian
	le.PutUint32(b[0:], uint32(m.Kind))
	le.PutUint32(b[4:], m.Number)
	switch m.Kind {
	case Get:
		b[8] = m.Stream
	case Set:
		b[8], b[9] = m.Stream, uint8(m.When)
		le.PutUint32(b[12:], m.Written[0])
		le.PutUint32(b[16:], m.Written[1])
		m.Termios.put(b[20:])
	case Attributes:
		le.PutUint32(b[8:], m.Errno)
		m.Termios.put(b[20:])
	case Facts:
		for i, is := range m.Terminal {
			if is {
				b[8+i] = 1
			}
		}
		for i, v := range [4]uint16{m.Size.Rows, m.Size.Columns, m.Size.XPixels, m.Size.YPixels} {
			le.PutUint16(b[12+2*i:], v)
		}
	case StdinEnd:
		le.PutUint32(b[8:], m.Total)
	}
}

// ErrMessage: what came is no message.
var ErrMessage = errors.New("terminal: not a message")

// Parse reads a message, of the host's or the guest's.
func Parse(b *[MessageSize]byte, ofHost bool) (m Message, err error) {
	le := binary.LittleEndian
	m.Kind, m.Number = Kind(le.Uint32(b[0:])), le.Uint32(b[4:])
	first, last := Hello, Suspended
	if ofHost {
		first, last = Facts, StdinEnd
	}
	if m.Kind < first || m.Kind > last {
		return Message{}, ErrMessage
	}
	switch m.Kind {
	case Get, Set:
		m.Stream = b[8]
		if m.Kind == Set {
			m.When = When(b[9])
			m.Written = [2]uint32{le.Uint32(b[12:]), le.Uint32(b[16:])}
			m.Termios = getTermios(b[20:])
		}
		if m.Stream > 2 || m.When > Flushed {
			return Message{}, ErrMessage
		}
	case Attributes:
		m.Errno, m.Termios = le.Uint32(b[8:]), getTermios(b[20:])
	case Facts:
		for i := range m.Terminal {
			m.Terminal[i] = b[8+i] != 0
		}
		m.Size = Size{le.Uint16(b[12:]), le.Uint16(b[14:]), le.Uint16(b[16:]), le.Uint16(b[18:])}
	case StdinEnd:
		m.Total = le.Uint32(b[8:])
	}
	return m, nil
}

// put writes 44 bytes.
func (t *Termios) put(b []byte) {
	le := binary.LittleEndian
	for i, v := range [4]uint32{t.Input, t.Output, t.Control, t.Local} {
		le.PutUint32(b[4*i:], v)
	}
	b[16] = t.Line
	copy(b[17:36], t.Chars[:])
	le.PutUint32(b[36:], t.InputSpeed)
	le.PutUint32(b[40:], t.OutputSpeed)
}

func getTermios(b []byte) (t Termios) {
	le := binary.LittleEndian
	t.Input, t.Output, t.Control, t.Local = le.Uint32(b), le.Uint32(b[4:]), le.Uint32(b[8:]), le.Uint32(b[12:])
	t.Line = b[16]
	copy(t.Chars[:], b[17:36])
	t.InputSpeed, t.OutputSpeed = le.Uint32(b[36:]), le.Uint32(b[40:])
	return t
}
