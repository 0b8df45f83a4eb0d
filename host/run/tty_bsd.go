// SPDX-License-Identifier: Apache-2.0

//go:build darwin || freebsd || netbsd || openbsd

package run

import (
	"golang.org/x/sys/unix"

	"loam/internal/terminal"
)

const getTermios = unix.TIOCGETA

// setTermios are the requests for each terminal.When.
var setTermios = [...]uint{terminal.Now: unix.TIOCSETA, terminal.Drained: unix.TIOCSETAW, terminal.Flushed: unix.TIOCSETAF}

// bit is a flag by Linux's value (asm-generic/termbits.h) and by the host's.
type bit struct {
	linux uint32
	host  uint64
}

var inputBits = []bit{
	{0x1, unix.IGNBRK}, {0x2, unix.BRKINT}, {0x4, unix.IGNPAR}, {0x8, unix.PARMRK}, {0x10, unix.INPCK}, {0x20, unix.ISTRIP},
	{0x40, unix.INLCR}, {0x80, unix.IGNCR}, {0x100, unix.ICRNL}, {0x400, unix.IXON}, {0x800, unix.IXANY}, {0x1000, unix.IXOFF},
	{0x2000, unix.IMAXBEL},
}

var outputBits = []bit{{0x1, unix.OPOST}, {0x4, unix.ONLCR}, {0x8, unix.OCRNL}, {0x10, unix.ONOCR}, {0x20, unix.ONLRET}}

var localBits = []bit{
	{0x1, unix.ISIG}, {0x2, unix.ICANON}, {0x8, unix.ECHO}, {0x10, unix.ECHOE}, {0x20, unix.ECHOK}, {0x40, unix.ECHONL},
	{0x80, unix.NOFLSH}, {0x100, unix.TOSTOP}, {0x200, unix.ECHOCTL}, {0x400, unix.ECHOPRT}, {0x800, unix.ECHOKE},
	{0x1000, unix.FLUSHO}, {0x4000, unix.PENDIN}, {0x8000, unix.IEXTEN},
}

// chars are the host's indexes of Linux's control characters; -1: the host has none.
var chars = [19]int{
	unix.VINTR, unix.VQUIT, unix.VERASE, unix.VKILL, unix.VEOF, unix.VTIME, unix.VMIN, -1, unix.VSTART, unix.VSTOP, unix.VSUSP,
	unix.VEOL, unix.VREPRINT, unix.VDISCARD, unix.VWERASE, unix.VLNEXT, unix.VEOL2, -1, -1,
}

// controlOfHost is what Linux's flags say of any terminal: 8 bits, 38400 baud, to be read.
const controlOfHost, speedOfHost = 0x30 | 0x80 | 0xf, 38400

// fromHost gives a terminal's attributes, with Linux's bits.
func fromHost(h *unix.Termios) terminal.Termios {
	t := terminal.Termios{
		Input: toLinux(inputBits, uint64(h.Iflag)), Output: toLinux(outputBits, uint64(h.Oflag)), Local: toLinux(localBits, uint64(h.Lflag)),
		Control: controlOfHost, InputSpeed: speedOfHost, OutputSpeed: speedOfHost,
	}
	for i, c := range chars {
		if c >= 0 && h.Cc[c] != 0xff { // _POSIX_VDISABLE, which is 0 on Linux
			t.Chars[i] = h.Cc[c]
		}
	}
	return t
}

// toHost puts in those that the machine may set.
func toHost(h *unix.Termios, t *terminal.Termios) {
	setFlags(&h.Iflag, inputBits, t.Input)
	setFlags(&h.Oflag, outputBits, t.Output)
	setFlags(&h.Lflag, localBits, t.Local)
	for i, c := range chars {
		switch {
		case c < 0:
		case t.Chars[i] == 0 && c != unix.VMIN && c != unix.VTIME:
			h.Cc[c] = 0xff
		default:
			h.Cc[c] = t.Chars[i]
		}
	}
}

func toLinux(bits []bit, host uint64) (linux uint32) {
	for _, b := range bits {
		if host&b.host != 0 {
			linux |= b.linux
		}
	}
	return linux
}

// setFlags sets the host's flags that Linux has, too, and leaves the others.
func setFlags[T uint32 | uint64](host *T, bits []bit, linux uint32) {
	for _, b := range bits {
		if linux&b.linux != 0 {
			*host |= T(b.host)
		} else {
			*host &^= T(b.host)
		}
	}
}
