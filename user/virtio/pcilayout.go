// SPDX-License-Identifier: Apache-2.0

package virtio

// ConfigSpace is a function's PCI configuration space: 256 bytes at least, in accesses of
// 1, 2 or 4 bytes at multiples of their width. Who has it can move the function's
// registers anywhere, so in a system it belongs to who looks after the bus, and a
// driver gets what is read here.
type ConfigSpace interface {
	Read(at, width int) uint32
	Write(at, width int, v uint32)
}

// Offsets and bits of a configuration header (PCI Local Bus Specification 3.0, 6.1 and
// 6.2), and of the capabilities used here (6.7, 6.8.2).
const (
	pciVendor       = 0x00
	pciDevice       = 0x02
	pciCommand      = 0x04
	pciStatus       = 0x06
	pciHeaderType   = 0x0e
	pciBAR          = 0x10
	pciCapabilities = 0x34
	pciLine         = 0x3c
	pciPin          = 0x3d

	commandIO     = 1 << 0
	commandMemory = 1 << 1
	commandMaster = 1 << 2
	commandNoINTx = 1 << 10
	commandBits   = 1<<11 - 1 // those that mean something
	statusHasList = 1 << 4
	headerMulti   = 0x80
	capVendor     = 0x09
	capMSIX       = 0x11
	configSize    = 256
	firstCap      = 0x40
	numBARs       = 6
	barIO         = 1
	barType       = 3 << 1
	barWide       = 2 << 1
	barPrefetch   = 1 << 3
	virtioVendor  = 0x1af4
	firstModern   = 0x1040
	lastModern    = 0x107f
	firstOld      = 0x1000 // transitional devices (4.1.2.1)
)

// BAR is a range of addresses that a function answers to.
type BAR struct {
	Address uint64 // 0: it has been given none
	Size    uint64 // a power of two; 0: there is no such range
	Ports   bool   // of I/O ports, not of memory
	// Prefetchable memory may be mapped write-combining; registers may lie there
	// all the same.
	Prefetchable bool
	Wide         bool // its address has 64 bits, and the next BAR is the upper half
}

// ReadBARs finds out the function's ranges. It has them off meanwhile, so nobody may use
// the function; what was on, and the addresses, are as before afterwards.
func ReadBARs(c ConfigSpace) ([numBARs]BAR, error) {
	command := c.Read(pciCommand, 2)
	c.Write(pciCommand, 2, command&^(commandIO|commandMemory))
	defer c.Write(pciCommand, 2, command)
	var bars [numBARs]BAR
	for i := 0; i < numBARs; i++ {
		value, mask := probe(c, i)
		b := BAR{Ports: value&barIO != 0}
		low := uint64(0xf)
		all := uint64(1<<32 - 1)
		switch {
		case mask == 0:
			continue
		case b.Ports:
			low = 3
			if mask>>16 == 0 { // 16 bits of addresses suffice for ports
				all = 1<<16 - 1
			}
		case value&barType == barWide && i < numBARs-1:
			high, highMask := probe(c, i+1)
			value |= high << 32
			mask |= highMask << 32
			all, b.Wide = 1<<64-1, true
			fallthrough
		case value&barType == 0:
			b.Prefetchable = value&barPrefetch != 0
		default:
			return bars, fault(FaultBAR, value, uint64(i))
		}
		mask &^= low
		b.Address = value &^ low
		b.Size = mask & -mask
		if b.Size == 0 || mask|(b.Size-1) != all || b.Address&(b.Size-1) != 0 || b.Address&^all != 0 {
			return bars, fault(FaultBAR, mask, uint64(i))
		}
		bars[i] = b
		if b.Wide {
			i++
		}
	}
	return bars, nil
}

// probe reads a base address register, and which of its bits can be set.
func probe(c ConfigSpace, i int) (value, mask uint64) {
	at := pciBAR + 4*i
	old := c.Read(at, 4)
	c.Write(at, 4, 1<<32-1)
	mask = uint64(c.Read(at, 4))
	c.Write(at, 4, old)
	return uint64(old), mask
}

// Region is where registers lie.
type Region struct {
	BAR    int
	Offset uint64
	Size   uint64 // 0: nowhere
}

// MSIX is a function's capability for message-signalled interrupts.
type MSIX struct {
	At      int // of the capability; 0: there is none
	Vectors int // 1 to 2048
	Table   Region
	Pending Region
}

// PCILayout is what a driver needs to know of its function.
type PCILayout struct {
	ID                          uint32 // type of the device
	Common, Notify, ISR, Device Region // Device: of Size 0 if it has no configuration
	Multiplier                  uint32 // notify_off_multiplier
	MSIX                        MSIX
	Pin, Line                   uint8 // INTx: 1 to 4 for A to D, 0 none; and what firmware wrote down of it
}

// Types of structures (4.1.4), and how large they are at least.
const (
	cfgCommon = 1
	cfgNotify = 2
	cfgISR    = 3
	cfgDevice = 4

	commonSize    = 0x38
	mostMapped    = 4096    // and that much is mapped at most (4.1.4), whatever there is
	mostDoorbells = 1 << 20 // of the doorbells, which may be a page each
	virtioCapSize = 16
	notifyCapSize = 20
	msixCapSize   = 12
	msixEntry     = 16
)

// transitional are the types of transitional devices by their PCI device id (4.1.2.1).
var transitional = [...]uint32{0: 1, 1: DeviceBlock, 2: 5, 3: DeviceConsole, 4: 8, 5: DeviceEntropy, 9: Device9P}

// ReadPCI reads where the structures of a virtio function are: the first of each type
// that can be reached (4.1.4.1). ports says whether I/O ports can. Nothing is written.
// Each region lies within its BAR and is small enough to be mapped. ErrNoDevice, ErrNotVirtio, ErrLegacy: what isn't to
// be driven.
func ReadPCI(c ConfigSpace, bars [numBARs]BAR, ports bool) (PCILayout, error) {
	var l PCILayout
	id, err := pciID(c)
	if err != nil {
		return l, err
	}
	l.ID = id
	l.Pin, l.Line = uint8(c.Read(pciPin, 1)), uint8(c.Read(pciLine, 1))
	if l.Pin > 4 {
		return l, fault(FaultCapability, uint64(l.Pin), 4)
	}
	s := scan{c: c, bars: bars, ports: ports, l: &l}
	if err := s.list(); err != nil {
		return l, err
	}
	if !s.virtio {
		return l, ErrLegacy // 4.1.5.1.1.1
	}
	if l.Common.Size == 0 || l.Notify.Size == 0 || l.ISR.Size == 0 {
		return l, fault(FaultCapability, 0, 0)
	}
	return l, nil
}

// pciID tells a virtio function's type.
func pciID(c ConfigSpace) (uint32, error) {
	vendor, device := c.Read(pciVendor, 2), c.Read(pciDevice, 2)
	switch {
	case vendor == 0xffff:
		return 0, ErrNoDevice
	case vendor != virtioVendor || c.Read(pciHeaderType, 1)&^headerMulti != 0:
		return 0, ErrNotVirtio
	case device >= firstModern && device <= lastModern:
		return device - firstModern, nil
	case device >= firstOld && device < firstOld+uint32(len(transitional)):
		if id := transitional[device-firstOld]; id != 0 {
			return id, nil
		}
	}
	return 0, ErrNotVirtio
}

// scan is the reading of a list of capabilities.
type scan struct {
	c      ConfigSpace
	bars   [numBARs]BAR
	ports  bool
	l      *PCILayout
	virtio bool // there was one of virtio's
}

// list goes through the list, once past each place.
func (s *scan) list() error {
	if s.c.Read(pciStatus, 2)&statusHasList == 0 {
		return nil
	}
	var seen [configSize / 4]bool
	for at := int(s.c.Read(pciCapabilities, 1)) &^ 3; at != 0; {
		if at < firstCap {
			return fault(FaultCapability, uint64(at), firstCap)
		}
		if seen[at/4] {
			return fault(FaultLoop, uint64(at), 0)
		}
		seen[at/4] = true
		var err error
		switch s.c.Read(at, 1) {
		case capVendor:
			err = s.structure(at)
		case capMSIX:
			err = s.msix(at)
		}
		if err != nil {
			return err
		}
		at = int(s.c.Read(at+1, 1)) &^ 3
	}
	return nil
}

// structure reads a virtio_pci_cap (4.1.4).
func (s *scan) structure(at int) error {
	size, kind := int(s.c.Read(at+2, 1)), s.c.Read(at+3, 1)
	if size < virtioCapSize {
		return nil // not of virtio's
	}
	if size > configSize-at {
		return fault(FaultCapability, uint64(at+size), configSize)
	}
	bar := int(s.c.Read(at+4, 1))
	if kind < cfgCommon || kind > cfgDevice || bar >= numBARs {
		return nil // for something else, or reserved
	}
	s.virtio = true
	into := [...]*Region{cfgCommon: &s.l.Common, cfgNotify: &s.l.Notify, cfgISR: &s.l.ISR, cfgDevice: &s.l.Device}[kind]
	if into.Size != 0 || s.bars[bar].Ports && !s.ports {
		return nil // the first one counts, of those that can be reached
	}
	least := [...]uint64{cfgCommon: commonSize, cfgNotify: 2, cfgISR: 1, cfgDevice: 1}[kind]
	align := [...]uint64{cfgCommon: 4, cfgNotify: 2, cfgISR: 1, cfgDevice: 4}[kind]
	r, err := s.region(bar, s.c.Read(at+8, 4), uint64(s.c.Read(at+12, 4)), least, align)
	if err != nil {
		return err
	}
	if kind == cfgNotify {
		if size < notifyCapSize {
			return fault(FaultCapability, uint64(size), notifyCapSize)
		}
		m := s.c.Read(at+16, 4)
		if m&(m-1) != 0 || m == 1 {
			return fault(FaultNotify, uint64(m), 2)
		}
		s.l.Multiplier = m
	}
	r.Size = min(r.Size, [...]uint64{cfgCommon: mostMapped, cfgNotify: mostDoorbells, cfgISR: mostMapped, cfgDevice: mostMapped}[kind])
	*into = r
	return nil
}

// region checks that registers lie within their BAR.
func (s *scan) region(bar int, offset uint32, size, least, align uint64) (Region, error) {
	b := s.bars[bar]
	if uint64(offset)%align != 0 || size < least || uint64(offset) > b.Size || size > b.Size-uint64(offset) {
		return Region{}, fault(FaultCapability, uint64(offset)+size, b.Size)
	}
	return Region{bar, uint64(offset), size}, nil
}

// msix reads the capability for MSI-X (PCI 3.0, 6.8.2).
func (s *scan) msix(at int) error {
	if s.l.MSIX.At != 0 || at > configSize-msixCapSize {
		return fault(FaultCapability, uint64(at), configSize-msixCapSize)
	}
	m := MSIX{At: at, Vectors: int(s.c.Read(at+2, 2)&0x7ff) + 1}
	table, pending := s.c.Read(at+4, 4), s.c.Read(at+8, 4)
	for _, v := range [2]uint32{table, pending} {
		if v&7 >= numBARs || s.bars[v&7].Ports {
			return fault(FaultCapability, uint64(v), numBARs-1)
		}
	}
	var err error
	size := uint64(msixEntry * m.Vectors)
	if m.Table, err = s.region(int(table&7), table&^7, size, size, 8); err != nil {
		return err
	}
	size = uint64((m.Vectors + 63) / 64 * 8)
	if m.Pending, err = s.region(int(pending&7), pending&^7, size, size, 8); err != nil {
		return err
	}
	s.l.MSIX = m
	return nil
}

// Message is what a vector's interrupt is: a write of Data to Address.
type Message struct {
	Address uint64
	Data    uint32
}

// Bits of MSI-X.
const (
	msixEnable     = 1 << 15
	msixMask       = 1 << 14 // all vectors
	msixEntryMask  = 1
	msixControl    = 2 // in the capability
	msixEntryLower = 0
	msixEntryUpper = 4
	msixEntryData  = 8
	msixEntryCtl   = 12
)

// EnableMSIX gives the function's first vectors these messages, and turns MSI-X on and
// INTx off. table are the registers at m.Table. ErrVectors: there are not so many.
func EnableMSIX(c ConfigSpace, m MSIX, table Registers, messages []Message) error {
	if m.At == 0 || len(messages) == 0 || len(messages) > m.Vectors || table.Size() < msixEntry*m.Vectors {
		return ErrVectors
	}
	control := c.Read(m.At+msixControl, 2)
	c.Write(m.At+msixControl, 2, control|msixEnable|msixMask)
	c.Write(pciCommand, 2, c.Read(pciCommand, 2)|commandNoINTx)
	for i := range m.Vectors {
		at := msixEntry * i
		table.Write32(at+msixEntryCtl, msixEntryMask)
		if i >= len(messages) {
			continue
		}
		table.Write32(at+msixEntryLower, uint32(messages[i].Address))
		table.Write32(at+msixEntryUpper, uint32(messages[i].Address>>32))
		table.Write32(at+msixEntryData, messages[i].Data)
		table.Write32(at+msixEntryCtl, 0)
	}
	c.Write(m.At+msixControl, 2, control&^msixMask|msixEnable)
	return nil
}

// DisableMSIX turns MSI-X off, and INTx on.
func DisableMSIX(c ConfigSpace, m MSIX) {
	if m.At != 0 {
		c.Write(m.At+msixControl, 2, c.Read(m.At+msixControl, 2)&^msixEnable)
	}
	c.Write(pciCommand, 2, c.Read(pciCommand, 2)&^commandNoINTx)
}
