// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"strconv"

	"loam/abi"
)

// GrantKind says what a service is given a handle to.
type GrantKind uint8

// The kinds of grants, named as in a manifest.
const (
	GrantProvides  GrantKind = iota // an endpoint, to receive from
	GrantUses                       // an endpoint, to call, with the service's badge
	GrantInterrupt                  // a line of the interrupt controller
	GrantPorts                      // a range of I/O ports
	GrantMemory                     // a device's registers
	GrantDMA                        // memory for a device
	GrantMachine                    // the machine, to make what is needed
	GrantRegisters                  // a range of a device's registers within a page
)

var grantKeys = [...]string{GrantProvides: "provides", GrantUses: "uses", GrantInterrupt: "interrupt",
	GrantPorts: "ports", GrantMemory: "memory", GrantDMA: "dma", GrantMachine: "machine", GrantRegisters: "registers"}

// Grant is a handle that a service gets.
type Grant struct {
	Kind   GrantKind
	Line   int
	Name   string     // of the endpoint
	First  uint64     // the line, the first port, or the address
	Size   uint64     // how many ports or bytes
	Flags  uint64     // of CallInterruptCreate, or of CallMemoryCreateDMA
	Rights abi.Rights // that the service gets
}

// String names it for messages: "interrupt 4".
func (g *Grant) String() string {
	key := grantKeys[g.Kind]
	switch g.Kind {
	case GrantProvides, GrantUses:
		return key + " " + g.Name
	case GrantInterrupt:
		return key + " " + strconv.FormatUint(g.First, 10)
	case GrantPorts, GrantMemory, GrantRegisters:
		return key + " 0x" + strconv.FormatUint(g.First, 16)
	case GrantDMA:
		return key + " " + strconv.FormatUint(g.Size, 10)
	}
	return key
}

// Claims reports whether g and x are of the same device: they can't both be made.
func (g *Grant) Claims(x *Grant) bool {
	switch {
	case g.Kind == GrantInterrupt && x.Kind == GrantInterrupt:
		return g.First == x.First
	case g.Kind == GrantPorts && x.Kind == GrantPorts, g.addresses() && x.addresses():
		return g.First < x.First+x.Size && x.First < g.First+g.Size
	}
	return false
}

// addresses reports whether g is of registers in memory.
func (g *Grant) addresses() bool { return g.Kind == GrantMemory || g.Kind == GrantRegisters }

// Rights that services get to what they are given: all that the thing is for, and to hand it
// on.
const (
	handOnRights  = abi.RightDuplicate | abi.RightTransfer
	machineRights = handOnRights | abi.RightRead | abi.RightManage
)

// grant reads a line that gives a handle.
func (p *parser) grant(kind GrantKind, args []string) (why string) {
	if len(p.s.Grants) == maxGrants {
		return "more than " + strconv.Itoa(maxGrants) + " handles for one service"
	}
	g := Grant{Kind: kind, Line: p.line}
	switch kind {
	case GrantProvides, GrantUses:
		why = g.endpoint(args)
	case GrantInterrupt:
		why = g.interrupt(args)
	case GrantPorts:
		why = g.ports(args)
	case GrantMemory:
		why = g.memory(args)
	case GrantRegisters:
		why = g.registers(args)
	case GrantDMA:
		why = g.dma(args)
	case GrantMachine:
		why = g.machine(args)
	}
	if why == "" {
		p.s.Grants = append(p.s.Grants, g)
	}
	return why
}

func (g *Grant) endpoint(args []string) (why string) {
	key := grantKeys[g.Kind]
	switch {
	case len(args) != 1:
		return key + " takes the name of an endpoint"
	case !isName(args[0]):
		return badName(args[0])
	}
	g.Name, g.Rights = args[0], handOnRights|abi.RightWait
	if g.Kind == GrantUses {
		g.Rights = handOnRights | abi.RightWrite
	}
	return ""
}

func (g *Grant) interrupt(args []string) (why string) {
	const usage = "interrupt takes a line, and perhaps level and low"
	if len(args) == 0 {
		return usage
	}
	line, ok := number(args[0])
	if !ok || line > 1<<16 {
		return quote(args[0]) + " is no line of an interrupt controller"
	}
	for _, word := range args[1:] {
		flag := uint64(0)
		switch word {
		case "level":
			flag = abi.InterruptLevel
		case "low":
			flag = abi.InterruptLow
		}
		if flag == 0 || g.Flags&flag != 0 {
			return usage
		}
		g.Flags |= flag
	}
	g.First, g.Rights = line, handOnRights|abi.RightManage
	return ""
}

func (g *Grant) ports(args []string) (why string) {
	if len(args) != 2 {
		return "ports takes the first one and how many"
	}
	first, ok := number(args[0])
	n, ok2 := number(args[1])
	if !ok || !ok2 || n == 0 || first >= 1<<16 || n > 1<<16-first {
		return "ports are from 0 to 0xffff"
	}
	g.First, g.Size, g.Rights = first, n, handOnRights|abi.RightRead|abi.RightWrite
	return ""
}

func (g *Grant) memory(args []string) (why string) {
	if len(args) != 2 {
		return "memory takes the address and the size of a device's registers"
	}
	first, ok := number(args[0])
	n, ok2 := size(args[1])
	if !ok || !ok2 || n == 0 || (first|n)%abi.PageSize != 0 || first >= 1<<52 || n > 1<<52-first {
		return "memory is whole pages of " + strconv.Itoa(abi.PageSize) + " bytes below 2^52"
	}
	g.First, g.Size, g.Rights = first, n, handOnRights|abi.RightRead|abi.RightWrite|abi.RightManage
	return ""
}

func (g *Grant) registers(args []string) (why string) {
	if len(args) != 2 {
		return "registers takes the address and the size of some within a page"
	}
	first, ok := number(args[0])
	n, ok2 := size(args[1])
	if !ok || !ok2 || n == 0 || (first|n)%4 != 0 || first >= 1<<52 || n > abi.PageSize-first%abi.PageSize {
		return "registers are from a multiple of 4 below 2^52 on, a multiple of 4 bytes, and within a page"
	}
	g.First, g.Size, g.Rights = first, n, handOnRights|abi.RightRead|abi.RightWrite
	return ""
}

func (g *Grant) dma(args []string) (why string) {
	if len(args) != 1 && (len(args) != 2 || args[1] != "32") {
		return "dma takes a size, and perhaps 32: below 4 GiB"
	}
	n, ok := size(args[0])
	if !ok || n == 0 || n%abi.PageSize != 0 || n > abi.MaxDMA {
		return "dma is whole pages of " + strconv.Itoa(abi.PageSize) + " bytes, at most " + strconv.Itoa(abi.MaxDMA>>20) + "M"
	}
	if len(args) == 2 {
		g.Flags = abi.DMA32
	}
	g.Size, g.Rights = n, handOnRights|abi.RightRead|abi.RightWrite|abi.RightManage
	return ""
}

func (g *Grant) machine(args []string) (why string) {
	switch {
	case len(args) == 0:
		g.Rights = machineRights
	case len(args) == 1 && args[0] == "read":
		g.Rights = handOnRights | abi.RightRead
	default:
		return "machine takes nothing, or read: descriptions alone"
	}
	return ""
}
