//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/claim"
	"loam/machine/riscv64"
)

// Lines on riscv64 are sources of the PLIC. One that has fired stays claimed until it
// is unmasked: the controller passes nothing of a source on before its completion
// (PLIC specification, chapter 9). Whether it fires by level or edges is its gateway's
// business.

// mostLines is more than the number of any line.
const mostLines = riscv64.PLICSources

func hasLine(number uint32) bool { return hasSource(number) }

// unmask completes a line in any case. It need not be claimed, which then
// changes nothing; but the last who had it may have closed it while it was.
func unmask(l *line) {
	if !l.on {
		l.on = true
		enableSource(l.number-1, true)
	}
	complete(l)
}

// mask completes first: of a source that isn't enabled the controller ignores that.
func mask(l *line) {
	complete(l)
	enableSource(l.number-1, false)
}

func complete(l *line) { mmioWrite32(cpus[0].plic.claim, l.number-1) }

// fired is for a line whose interrupt has been claimed.
func fired(l *line) {}

// Ports is how many I/O ports there are: none.
const Ports = 0

// OwnPorts gives nothing: there are no ports.
func OwnPorts() []claim.Range { return nil }

// ConsolesAt gives none.
func ConsolesAt(claim.Range) Consoles { return 0 }

// PortRead does nothing.
func PortRead(port uint16, width uint8) uint32 { return 0 }

// PortWrite does nothing.
func PortWrite(port uint16, width uint8, v uint32) {}
