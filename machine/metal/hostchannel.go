//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/abi/channel"
	"loam/machine/spin"
)

// The host channel: frames of package channel through a port of the machine
// (hostport_*.go), those from the host by interrupt. Payloads lie in the ring if
// there is one. Without, input goes into a buffer; when that is full the interrupt
// is off, the UART's FIFO fills, and the emulator stops taking bytes: back-pressure
// up to the host's pipe.

const (
	inputSize = 16 << 10

	// inlinePiece is the most output sent past a full ring at once, in bytes.
	inlinePiece = 64
)

// channelLock guards the channel: any CPU writes and reads, the boot CPU gets the
// interrupts.
var channelLock = spin.Lock{Rank: rankChannel}

var (
	parser   = channel.Parser{For: channel.ToGuest}
	input    uint64 // address of inputSize bytes in the direct map; 0 with a ring
	inHead   uint32 // next byte to read
	inTail   uint32 // next byte to write; equal to inHead: empty
	inPaused bool
	inEnded  bool
)

// startHostChannel says hello and turns the receiver on.
func startHostChannel() {
	// The FIFO's trigger (16550: FCR bits 7 and 6). Frames to a guest with a
	// ring are headers of 4 bytes: 4. Else 14, for the fewest interrupts.
	const at4, at14 = 0x40, 0xc0
	trigger, version := uint8(at14), uint32(channel.Version)
	if ring != 0 {
		trigger, version = at4, channel.VersionRing
		parser.Ring = true
	} else if !bootMode {
		pa := newObject(inputKind)
		if pa == 0 {
			machineFatal("no memory for input")
		}
		input = uint64(memory.Virtual(pa))
	}
	startPort(trigger)
	var hello [channel.HelloSize]byte
	channel.PutHello(&hello, version)
	sendInline(channel.Hello, hello[:])
}

// HostWrite sends p as one frame of type t, or as several if it is longer than a frame
// may be. In boot mode what programs write is not for the host but for the log.
func HostWrite(t channel.Type, p []byte) {
	if bootMode && isStream(t) {
		LogBytes(p)
		return
	}
	channelLock.Lock()
	send(t, p)
	channelLock.Unlock()
}

func send(t channel.Type, p []byte) {
	for {
		n := 0
		if ring != 0 && len(p) > 0 && (len(p) <= ringPiece || isStream(t)) {
			n = ringWrite(t, p)
		}
		if n == 0 {
			n = min(len(p), channel.MaxPayload)
			if ring != 0 && isStream(t) {
				n = min(n, inlinePiece)
			}
			sendInline(t, p[:n])
		}
		if p = p[n:]; len(p) == 0 {
			return
		}
	}
}

// isStream reports whether frames of type t may be cut anywhere.
func isStream(t channel.Type) bool { return t == channel.Stdout || t == channel.Stderr }

func sendInline(t channel.Type, p []byte) {
	sendHeader(t, len(p))
	if len(p) > 0 {
		portWrite(p)
	}
}

func sendHeader(t channel.Type, n int) {
	var h [channel.HeaderSize]byte
	channel.PutHeader(&h, t, n)
	portWrite(h[:])
}

// receiveAll serves the receiver's interrupt, and says what has come.
func receiveAll() (e Event) {
	channelLock.Lock()
	if receive() {
		e = EventInput
	}
	if requestNew {
		requestNew = false
		e |= EventRequest
	}
	channelLock.Unlock()
	return e
}

// receive takes what the UART has; true if there is something new to read.
func receive() bool {
	any := false
	for !inPaused && portReadable() {
		b := portRead()
		switch e := parser.Feed(b); {
		case e&channel.Data != 0 && parser.Type() == channel.Stdin:
			if input == 0 {
				continue // the host has a ring for that
			}
			bytesAt(input, inputSize)[inTail%inputSize] = b
			inTail++
			any = true
			if inTail-inHead == inputSize {
				inPaused = true
				portInterrupts(false)
			}
		case e != 0 && parser.Type() == channel.Request:
			receiveRequest(e, b)
		case e&channel.End == 0:
		case parser.InRing():
			ringReceived(parser.Length())
			any = true
		case parser.Type() == channel.StdinEOF:
			inEnded = true
			any = true
		case parser.Type() == channel.WantRoom:
			roomWanted = true
			answerRoom()
		}
	}
	return any
}

// HostRead moves standard input that has arrived into p and returns the
// number of bytes, 0 if none is there now.
func HostRead(p []byte) int {
	channelLock.Lock()
	n := take(p)
	channelLock.Unlock()
	return n
}

func take(p []byte) int {
	if ring != 0 {
		return ringRead(p)
	}
	n := 0
	for n < len(p) && inHead != inTail {
		p[n] = bytesAt(input, inputSize)[inHead%inputSize]
		n++
		inHead++
	}
	if inPaused && inTail-inHead <= inputSize/2 {
		inPaused = false
		portInterrupts(true)
		receive()
	}
	return n
}

// HostReadable reports whether HostRead would return something.
func HostReadable() bool { return inHead != inTail || inTaken != inFilled }

// HostEOF reports whether standard input has ended and all of it was read.
func HostEOF() bool { return inEnded && !HostReadable() }
