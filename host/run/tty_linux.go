// SPDX-License-Identifier: Apache-2.0

package run

import (
	"golang.org/x/sys/unix"

	"loam/internal/terminal"
)

const getTermios = unix.TCGETS

// setTermios are the requests for each terminal.When.
var setTermios = [...]uint{terminal.Now: unix.TCSETS, terminal.Drained: unix.TCSETSW, terminal.Flushed: unix.TCSETSF}

// fromHost gives a terminal's attributes. They are Linux's already.
func fromHost(h *unix.Termios) terminal.Termios {
	t := terminal.Termios{
		Input: h.Iflag, Output: h.Oflag, Control: h.Cflag, Local: h.Lflag, Line: h.Line,
		InputSpeed: h.Ispeed, OutputSpeed: h.Ospeed,
	}
	copy(t.Chars[:], h.Cc[:])
	return t
}

// toHost puts in those that the machine may set.
func toHost(h *unix.Termios, t *terminal.Termios) {
	h.Iflag, h.Oflag, h.Lflag = t.Input, t.Output, t.Local
	copy(h.Cc[:], t.Chars[:])
}
