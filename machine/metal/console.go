//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// The consoles of the kernel: a serial port (16550), and on amd64 VGA text in boot
// mode. They take what the kernel has to say until a driver in user mode has them
// (YieldConsoles), when there is none, and when the kernel panics. They only show:
// what is typed is for drivers, and so is what programs write.

var bootMode bool // mode=boot: people watch the consoles

// Consoles is a set of consoles.
type Consoles uint8

// The consoles.
const (
	ConsoleSerial Consoles = 1 << iota
	ConsoleScreen
	allConsoles = ConsoleSerial | ConsoleScreen
)

var yielded Consoles // drivers have them: nothing is shown there until the kernel has to

// YieldConsoles says which consoles drivers have. What the log has had meanwhile is shown on
// those that come back, unless somebody has taken it (TakeLog).
func YieldConsoles(to Consoles) {
	f := beginLog()
	takeBack(yielded&^to, logTaken != logEnd)
	yielded = to
	endLog(f)
}

// takeBack shows the log again on consoles that drivers had; more says that something is
// shown at once.
func takeBack(c Consoles, more bool) {
	if c == 0 {
		return
	}
	if c&ConsoleSerial != 0 {
		reopenSerial()
		if more { // the driver's last line may have no end
			show('\n', ConsoleSerial)
		}
	}
	if c&ConsoleScreen != 0 {
		reopenScreen()
	}
	if yielded &^= c; logShown {
		replay(logTaken, c)
	}
	if yielded == 0 {
		logTaken = logEnd
	}
}

func show(b byte, on Consoles) {
	if on&ConsoleSerial != 0 {
		if b == '\n' {
			serialPut('\r')
		}
		serialPut(b)
	}
	if on&ConsoleScreen != 0 {
		screenPut(b)
	}
}
