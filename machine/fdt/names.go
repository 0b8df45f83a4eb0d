// SPDX-License-Identifier: Apache-2.0

package fdt

// property is a property that the reader wants.
type property uint8

// The properties: those that a node keeps, of them numbers of one cell behind the
// others; then those of /chosen and /cpus, which are read at once.
const (
	compatible property = iota
	reg
	deviceType
	status
	interrupts
	extended
	isa
	isas
	mmu
	ranges
	buses
	routes
	routeMask

	phandle
	interruptParent
	sources
	regShift
	regWidth
	clockFrequency
	addressCells
	sizeCells
	interruptCells

	bootargs
	stdout
	seed
	initrdStart
	initrdEnd
	timebase

	none

	numbers = phandle
	special = bootargs
	values  = special
)

// named returns the property of a name.
func named(name []byte) property {
	switch string(name) {
	case "compatible":
		return compatible
	case "reg":
		return reg
	case "device_type":
		return deviceType
	case "status":
		return status
	case "riscv,isa":
		return isa
	case "riscv,isa-extensions":
		return isas
	case "mmu-type":
		return mmu
	case "ranges":
		return ranges
	case "#address-cells":
		return addressCells
	case "#size-cells":
		return sizeCells
	case "reg-shift":
		return regShift
	case "reg-io-width":
		return regWidth
	case "clock-frequency":
		return clockFrequency
	case "bus-range":
		return buses
	}
	return namedInterrupts(name)
}

// namedInterrupts is named for what has to do with interrupts.
func namedInterrupts(name []byte) property {
	switch string(name) {
	case "phandle":
		return phandle
	case "interrupts":
		return interrupts
	case "interrupts-extended":
		return extended
	case "interrupt-parent":
		return interruptParent
	case "#interrupt-cells":
		return interruptCells
	case "interrupt-map":
		return routes
	case "interrupt-map-mask":
		return routeMask
	case "riscv,ndev":
		return sources
	}
	return namedSpecial(name)
}

// namedSpecial is named for what /chosen and /cpus have.
func namedSpecial(name []byte) property {
	switch string(name) {
	case "bootargs":
		return bootargs
	case "stdout-path":
		return stdout
	case "rng-seed":
		return seed
	case "linux,initrd-start":
		return initrdStart
	case "linux,initrd-end":
		return initrdEnd
	case "timebase-frequency":
		return timebase
	}
	return none
}

// device is a kind of device that the kernel knows.
type device uint8

const (
	unknown device = iota
	uart
	uartSiFive
	virtio
	finisher
	goldfish
	interruptsPLIC
	timerCLINT
	softACLINT
	timerACLINT
	pciHost
	hartInterrupts
)

// deviceOf returns what a list of strings, a property compatible, is compatible
// with: the first that is known.
func deviceOf(list []byte) device {
	for len(list) > 0 {
		s, ok := Blob(list).text(0, uint64(len(list)))
		if !ok {
			return unknown
		}
		if d := deviceNamed(s); d != unknown {
			return d
		}
		list = list[len(s)+1:]
	}
	return unknown
}

func deviceNamed(s []byte) device {
	switch string(s) {
	case "ns16550a", "ns16550", "snps,dw-apb-uart":
		return uart
	case "sifive,uart0":
		return uartSiFive
	case "virtio,mmio":
		return virtio
	case "sifive,test0", "sifive,test1":
		return finisher
	case "google,goldfish-rtc":
		return goldfish
	case "riscv,plic0", "sifive,plic-1.0.0", "thead,c900-plic":
		return interruptsPLIC
	case "riscv,clint0", "sifive,clint0":
		return timerCLINT
	case "riscv,aclint-mswi":
		return softACLINT
	case "riscv,aclint-mtimer":
		return timerACLINT
	case "pci-host-ecam-generic":
		return pciHost
	case "riscv,cpu-intc":
		return hartInterrupts
	}
	return unknown
}
