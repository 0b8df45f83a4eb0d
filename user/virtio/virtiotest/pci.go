// SPDX-License-Identifier: Apache-2.0

package virtiotest

import "encoding/binary"

// Where a PCI function of ours has things, as QEMU does: MSI-X in BAR 1, of 32 bits,
// the rest in BAR 4, of 64.
const (
	msixBAR, mainBAR             = 1, 4
	commonAt, isrAt, configAt    = 0x0000, 0x1000, 0x2000
	doorbellsAt, doorbellsStride = 0x3000, 4
	vectors                      = 3
	capCommon, capNotify         = 0x40, 0x50
	capISR, capDevice, capMSIX   = 0x64, 0x74, 0x84
)

// PCI is a Device behind a PCI function (4.1).
type PCI struct {
	*Device
	Space     [256]byte
	Masks     [6]uint32 // which bits of the base address registers can be set
	Table     [16 * vectors]byte
	Sent      []int // vectors of the MSI-X messages that were sent
	NoVectors bool  // none can be mapped
	deviceSel uint32
	driverSel uint32
	queueSel  uint32
	configVec uint16
}

// NewPCI makes one, after its reset, with its addresses given by firmware.
func NewPCI(d *Device) *PCI {
	d.setStatus(0)
	p := &PCI{Device: d, configVec: 0xffff}
	s := p.Space[:]
	binary.LittleEndian.PutUint16(s[0:], 0x1af4)
	binary.LittleEndian.PutUint16(s[2:], uint16(0x1040+d.Type))
	binary.LittleEndian.PutUint16(s[6:], 0x10)
	s[0x34], s[0x3c], s[0x3d] = capMSIX, 11, 1
	binary.LittleEndian.PutUint32(s[0x10+4*msixBAR:], 0xfebd1000)
	binary.LittleEndian.PutUint32(s[0x10+4*mainBAR:], 0xfe00000c)
	p.Masks[msixBAR] = 0xfffff000
	p.Masks[mainBAR], p.Masks[mainBAR+1] = 0xffffc000, 0xffffffff
	s[capMSIX], s[capMSIX+1] = 0x11, capDevice
	binary.LittleEndian.PutUint16(s[capMSIX+2:], vectors-1)
	binary.LittleEndian.PutUint32(s[capMSIX+4:], 0x000|msixBAR)
	binary.LittleEndian.PutUint32(s[capMSIX+8:], 0x800|msixBAR)
	p.capability(capDevice, capISR, 16, 4, configAt, 0x1000)
	p.capability(capISR, capNotify, 16, 3, isrAt, 0x1000)
	p.capability(capNotify, capCommon, 20, 2, doorbellsAt, 0x1000)
	binary.LittleEndian.PutUint32(s[capNotify+16:], doorbellsStride)
	p.capability(capCommon, 0, 16, 1, commonAt, 0x1000)
	return p
}

// capability writes a virtio_pci_cap.
func (p *PCI) capability(at, next, size, kind int, offset, length uint32) {
	s := p.Space[at:]
	s[0], s[1], s[2], s[3], s[4] = 0x09, byte(next), byte(size), byte(kind), mainBAR
	binary.LittleEndian.PutUint32(s[8:], offset)
	binary.LittleEndian.PutUint32(s[12:], length)
}

// Read reads configuration space.
func (p *PCI) Read(at, width int) (v uint32) {
	if at%width != 0 || at+width > len(p.Space) {
		p.wrong("%d bytes at %#x of configuration space", width, at)
		return 0
	}
	for i, b := range p.Space[at : at+width] {
		v |= uint32(b) << (8 * i)
	}
	return v
}

// Write writes what of configuration space can be written: the command, the BARs, the
// control of MSI-X.
func (p *PCI) Write(at, width int, v uint32) {
	switch {
	case at == 4 && width == 2:
		binary.LittleEndian.PutUint16(p.Space[4:], uint16(v))
	case at >= 0x10 && at < 0x28 && width == 4:
		if p.Space[4]&3 != 0 {
			p.wrong("BAR at %#x written while it decodes", at)
		}
		mask := p.Masks[(at-0x10)/4]
		fixed := binary.LittleEndian.Uint32(p.Space[at:]) &^ mask
		binary.LittleEndian.PutUint32(p.Space[at:], v&mask|fixed)
	case at == capMSIX+2 && width == 2:
		p.Space[at+1] = p.Space[at+1]&0x3f | byte(v>>8)&0xc0
	default:
		p.wrong("%d bytes written at %#x of configuration space", width, at)
	}
}

// msix reports whether MSI-X is on.
func (p *PCI) msix() bool { return p.Space[capMSIX+3]&0x80 != 0 }

// Take has the device send what is pending as messages, if MSI-X is on.
func (p *PCI) Take() {
	if !p.msix() || p.causes == 0 {
		return
	}
	if p.causes&2 != 0 && p.configVec != 0xffff {
		p.Sent = append(p.Sent, int(p.configVec))
	}
	if p.causes&1 != 0 {
		for i := range p.queues {
			if v := p.queues[i].vector; v != 0xffff {
				p.Sent = append(p.Sent, int(v))
			}
		}
	}
	p.causes = 0
}

// PCIRegisters are the registers in a range of one of its BARs.
type PCIRegisters struct {
	*PCI
	BAR, Offset, Length int
}

// Size is for virtio.Registers, and so are the others.
func (r PCIRegisters) Size() int { return r.Length }

// Read8 reads 1 byte.
func (r PCIRegisters) Read8(at int) uint8 { return uint8(r.read(r.Offset+at, 1)) }

// Read16 reads 2 bytes.
func (r PCIRegisters) Read16(at int) uint16 { return uint16(r.read(r.Offset+at, 2)) }

// Read32 reads 4 bytes.
func (r PCIRegisters) Read32(at int) uint32 { return r.read(r.Offset+at, 4) }

// Write8 writes 1 byte.
func (r PCIRegisters) Write8(at int, v uint8) { r.write(r.Offset+at, 1, uint32(v)) }

// Write16 writes 2 bytes.
func (r PCIRegisters) Write16(at int, v uint16) { r.write(r.Offset+at, 2, uint32(v)) }

// Write32 writes 4 bytes.
func (r PCIRegisters) Write32(at int, v uint32) { r.write(r.Offset+at, 4, v) }

func (r PCIRegisters) read(at, n int) uint32 {
	switch {
	case r.PCI.Space[4]&2 == 0 || at+n > r.Offset+r.Length:
	case r.BAR == msixBAR && at+n <= len(r.Table):
		return binary.LittleEndian.Uint32(append(r.Table[at:at+n:at+n], 0, 0, 0))
	case r.BAR == mainBAR && at < isrAt:
		return r.common(at, n)
	case r.BAR == mainBAR && at == isrAt && n == 1:
		c := r.causes
		r.causes = 0
		return uint32(c)
	case r.BAR == mainBAR && at >= configAt && at < doorbellsAt:
		return r.readConfig(at-configAt, n)
	}
	r.wrong("%d bytes read at %#x of BAR %d", n, at, r.BAR)
	return 0
}

// common reads the common configuration (4.1.4.3).
func (r PCIRegisters) common(at, n int) uint32 {
	q := r.queue(r.queueSel)
	type field struct{ at, n int }
	switch (field{at, n}) {
	case field{0x04, 4}:
		return r.offered(r.deviceSel)
	case field{0x10, 2}:
		return uint32(r.configVec)
	case field{0x12, 2}:
		return uint32(len(r.Max))
	case field{0x14, 1}:
		return uint32(r.status)
	case field{0x15, 1}:
		return r.Generation & 0xff
	case field{0x18, 2}:
		return uint32(q.size)
	case field{0x1a, 2}:
		return uint32(q.vector)
	case field{0x1c, 2}:
		return uint32(q.enabled)
	case field{0x1e, 2}:
		return r.queueSel
	}
	r.wrong("%d bytes read at %#x of the common configuration", n, at)
	return 0
}

// mapped gives the vector that an event gets.
func (r PCIRegisters) mapped(v uint32) uint16 {
	if v >= vectors && v != 0xffff {
		r.wrong("vector %d", v)
	}
	if r.NoVectors {
		return 0xffff
	}
	return uint16(v)
}

func (r PCIRegisters) write(at, n int, v uint32) {
	q := r.queue(r.queueSel)
	if r.BAR == msixBAR && n == 4 && at+n <= len(r.Table) {
		binary.LittleEndian.PutUint32(r.Table[at:], v)
		return
	}
	if at >= configAt && at < doorbellsAt {
		r.writeConfig(at-configAt, n, v)
		return
	}
	if at >= doorbellsAt {
		if n != 2 || at != doorbellsAt+doorbellsStride*int(v) {
			r.wrong("queue %d's doorbell at %#x, of %d bytes", v, at, n)
		}
		r.notify(v)
		return
	}
	type field struct{ at, n int }
	switch (field{at, n}) {
	case field{0x00, 4}:
		r.deviceSel = v
	case field{0x08, 4}:
		r.driverSel = v
	case field{0x0c, 4}:
		r.accept(r.driverSel, v)
	case field{0x10, 2}:
		r.configVec = r.mapped(v)
	case field{0x14, 1}:
		if r.setStatus(uint8(v)); v == 0 {
			r.configVec = 0xffff
		}
	case field{0x16, 2}:
		r.queueSel = v
	case field{0x18, 2}:
		q.size = int(v)
	case field{0x1a, 2}:
		q.vector = r.mapped(v)
	case field{0x1c, 2}:
		r.enable(r.queueSel)
	case field{0x20, 4}, field{0x24, 4}:
		half(&q.descriptors, at&4 != 0, v)
	case field{0x28, 4}, field{0x2c, 4}:
		half(&q.driver, at&4 != 0, v)
	case field{0x30, 4}, field{0x34, 4}:
		half(&q.device, at&4 != 0, v)
	default:
		r.wrong("%d bytes written at %#x of BAR %d", n, at, r.BAR)
	}
}
