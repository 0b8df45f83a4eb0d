// SPDX-License-Identifier: Apache-2.0

package object

import (
	"loam/abi"
	"loam/user/sys"
)

// Interrupt is a handle to a line of the interrupt controller, or to a message of a device's.
type Interrupt Handle

// NewInterrupt makes one of a line that nobody has, masked: an input of the I/O
// APIC or a source of the PLIC. The flags, abi.InterruptLevel and abi.InterruptLow, say
// how the device signals.
//
// A driver binds the interrupt to a notification and then, each time its bits are
// signalled, serves the device and calls Ack. A bit may be signalled when the
// device wants nothing, and once for several interrupts: the device knows.
func (m Machine) NewInterrupt(line uint32, flags uint64) (Interrupt, error) {
	v, err := sys.ObjectCall(abi.CallInterruptCreate, uint64(m), uint64(line), flags)
	return Interrupt(v), err
}

// NewMessageInterrupt makes one without a line: a device writes what Message tells, as MSI
// and MSI-X of PCI have it. mask is the physical address of the register whose bit 0
// has the device keep its messages, or 0: see abi.CallInterruptCreateMessage. ENODEV: the machine
// has no messages.
func (m Machine) NewMessageInterrupt(mask uint64) (Interrupt, error) {
	v, err := sys.ObjectCall(abi.CallInterruptCreateMessage, uint64(m), mask)
	return Interrupt(v), err
}

// Message gives the word that the device of an interrupt made by NewMessageInterrupt is to
// write, and the physical address where.
func (i Interrupt) Message() (address uint64, data uint32, err error) {
	address, err = sys.ObjectCall(abi.CallInterruptMessage, uint64(i), abi.MessageAddress)
	if err != nil {
		return 0, 0, err
	}
	word, err := sys.ObjectCall(abi.CallInterruptMessage, uint64(i), abi.MessageData)
	return address, uint32(word), err
}

// Bind has it signal bits of n from now on, and unmasks it.
func (i Interrupt) Bind(n Notification, bits uint64) error {
	_, err := sys.ObjectCall(abi.CallInterruptBind, uint64(i), uint64(n), bits)
	return err
}

// Ack says that the device has been served: the next interrupt may come.
func (i Interrupt) Ack() error {
	_, err := sys.ObjectCall(abi.CallInterruptAck, uint64(i))
	return err
}

// Close gives the handle back. The last one masks the line.
func (i Interrupt) Close() error { return Close(Handle(i)) }

// Ports is a handle to a range of I/O ports.
type Ports Handle

// NewPorts makes one of n ports from first on that nobody has. ENODEV: the machine has
// no ports.
func (m Machine) NewPorts(first, n uint16) (Ports, error) {
	v, err := sys.ObjectCall(abi.CallPortsCreate, uint64(m), uint64(first), uint64(n))
	return Ports(v), err
}

// In reads a port, by its number in the machine, of 1, 2 or 4 bytes.
func (p Ports) In(port uint16, width int) (uint32, error) {
	v, err := sys.ObjectCall(abi.CallPortRead, uint64(p), uint64(port), uint64(width))
	return uint32(v), err
}

// Out writes a port likewise.
func (p Ports) Out(port uint16, width int, v uint32) error {
	_, err := sys.ObjectCall(abi.CallPortWrite, uint64(p), uint64(port), uint64(width), uint64(v))
	return err
}

// Close gives the handle back. With the last one the ports are free.
func (p Ports) Close() error { return Close(Handle(p)) }

// DeviceRegisters is a handle to a range of a device's registers that are reached by calls: for
// a device that shares a page with others.
type DeviceRegisters Handle

// NewRegisters makes one of size bytes from a physical address on that nobody has: both
// multiples of 4, within a page.
func (m Machine) NewRegisters(addr, size uint64) (DeviceRegisters, error) {
	v, err := sys.ObjectCall(abi.CallRegistersCreate, uint64(m), addr, size)
	return DeviceRegisters(v), err
}

// Read reads a register of 1, 2 or 4 bytes by one access, at an offset in the range that
// is a multiple of the width. EIO: nothing answers there.
func (r DeviceRegisters) Read(offset uint64, width int) (uint32, error) {
	v, err := sys.ObjectCall(abi.CallRegistersRead, uint64(r), offset, uint64(width))
	return uint32(v), err
}

// Write writes a register likewise. The device sees what was written to memory before.
func (r DeviceRegisters) Write(offset uint64, width int, v uint32) error {
	_, err := sys.ObjectCall(abi.CallRegistersWrite, uint64(r), offset, uint64(width), uint64(v))
	return err
}

// Close gives the handle back. With the last one the registers are free.
func (r DeviceRegisters) Close() error { return Close(Handle(r)) }

// DeviceMemory makes a memory object of a device's registers: physical addresses where
// the machine has no memory, whole pages. Mapped, it is uncached. It can't be
// executed, mapped privately, cloned, or be an argument of a call. EBUSY: see
// abi.CallDeviceMemory; also while somebody has some of them by NewRegisters.
func (m Machine) DeviceMemory(addr, size uint64) (Memory, error) {
	v, err := sys.ObjectCall(abi.CallDeviceMemory, uint64(m), addr, size)
	return Memory(v), err
}

// NewDMA makes a memory object that a device reaches: zeroed, whole pages, at most
// abi.MaxDMA bytes, side by side in physical memory from Address on. flags is
// abi.DMA32 to have it below 4 GiB, or 0. A device that is told another address
// writes there: no IOMMU is in between.
func (m Machine) NewDMA(size, flags uint64) (Memory, error) {
	v, err := sys.ObjectCall(abi.CallMemoryCreateDMA, uint64(m), size, flags)
	return Memory(v), err
}

// Address gives the physical address of a byte of what DeviceMemory or NewDMA made.
func (m Memory) Address(offset uint64) (uint64, error) {
	return sys.ObjectCall(abi.CallMemoryAddress, uint64(m), offset)
}
