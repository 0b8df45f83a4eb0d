// SPDX-License-Identifier: Apache-2.0

package virtio

// The common configuration structure (4.1.4.3).
const (
	commonDeviceFeatureSelect = 0x00
	commonDeviceFeature       = 0x04
	commonDriverFeatureSelect = 0x08
	commonDriverFeature       = 0x0c
	commonConfigVector        = 0x10
	commonNumQueues           = 0x12
	commonStatus              = 0x14
	commonGeneration          = 0x15
	commonQueueSelect         = 0x16
	commonQueueSize           = 0x18
	commonQueueVector         = 0x1a
	commonQueueEnable         = 0x1c
	commonQueueNotifyOff      = 0x1e
	commonQueueDesc           = 0x20
	commonQueueDriver         = 0x28
	commonQueueDevice         = 0x30
)

// pci is a Transport.
type pci struct {
	common, notify, isr, config Registers
	id                          uint32
	multiplier                  uint32
	vectors                     int
	doorbells                   []int // by queue, offsets in notify
}

// NewPCI makes a transport of a function's layout; open gives the registers of a region.
// vectors is how many vectors of MSI-X are on (EnableMSIX): 0 means INTx. The
// first is for changes of the configuration, the others are for the queues in their order;
// queues that find none left, or the only one taken, share the last.
func NewPCI(l PCILayout, open func(Region) (Registers, error), vectors int) (Transport, error) {
	p := &pci{id: l.ID, multiplier: l.Multiplier, vectors: vectors, config: Mapped(nil)}
	for _, s := range [4]struct {
		into *Registers
		at   Region
	}{{&p.common, l.Common}, {&p.notify, l.Notify}, {&p.isr, l.ISR}, {&p.config, l.Device}} {
		if s.at.Size == 0 {
			continue
		}
		r, err := open(s.at)
		if err != nil {
			return nil, err
		}
		*s.into = r
	}
	if p.common == nil || p.notify == nil || p.isr == nil || p.common.Size() < commonSize || p.isr.Size() < 1 {
		return nil, ErrMemory
	}
	return p, nil
}

func (p *pci) ID() uint32 { return p.id }

func (p *pci) Offered() uint64 {
	return readFeatures(p.common, commonDeviceFeatureSelect, commonDeviceFeature)
}

func (p *pci) Accept(features uint64) {
	writeFeatures(p.common, commonDriverFeatureSelect, commonDriverFeature, features)
}

func (p *pci) Status() uint8     { return p.common.Read8(commonStatus) }
func (p *pci) SetStatus(v uint8) { p.common.Write8(commonStatus, v) }

func (p *pci) Prepare() error {
	if p.vectors == 0 {
		return nil
	}
	return p.vector(commonConfigVector, 0)
}

// vector has an event signal a vector, and sees whether it does (4.1.5.1.2.2).
func (p *pci) vector(event int, v uint16) error {
	p.common.Write16(event, v)
	if p.common.Read16(event) != v {
		return ErrVectors
	}
	return nil
}

func (p *pci) QueueMax(index int) (int, error) {
	if n := int(p.common.Read16(commonNumQueues)); index >= n {
		return 0, ErrNoQueue
	}
	p.common.Write16(commonQueueSelect, uint16(index))
	if v := p.common.Read16(commonQueueEnable); v != 0 {
		return 0, &DeviceError{FaultQueueInUse, index, uint64(v), 0}
	}
	return queueMax(index, uint32(p.common.Read16(commonQueueSize)))
}

// Resume selects a queue and learns where its doorbell is.
func (p *pci) Resume(index int) error {
	p.common.Write16(commonQueueSelect, uint16(index))
	doorbell := uint64(p.common.Read16(commonQueueNotifyOff)) * uint64(p.multiplier)
	if n := uint64(p.notify.Size()); doorbell+2 > n {
		return &DeviceError{FaultNotify, index, doorbell, n}
	}
	for len(p.doorbells) <= index {
		p.doorbells = append(p.doorbells, 0)
	}
	p.doorbells[index] = int(doorbell)
	return nil
}

func (p *pci) Enable(index, size int, descriptors, driver, device uint64) error {
	c := p.common
	if err := p.Resume(index); err != nil {
		return err
	}
	if p.vectors > 0 {
		if err := p.vector(commonQueueVector, uint16(min(index+1, p.vectors-1))); err != nil {
			return err
		}
	}
	c.Write16(commonQueueSize, uint16(size))
	for _, a := range [3]struct {
		at int
		v  uint64
	}{{commonQueueDesc, descriptors}, {commonQueueDriver, driver}, {commonQueueDevice, device}} {
		c.Write32(a.at, uint32(a.v)) // 4.1.3.1: fields of 8 bytes by halves
		c.Write32(a.at+4, uint32(a.v>>32))
	}
	c.Write16(commonQueueEnable, 1)
	return nil
}

func (p *pci) Notify(index int) { p.notify.Write16(p.doorbells[index], uint16(index)) }

// Causes can't be asked of a device with MSI-X: it says by the vector. Whoever shares
// one looks at everything.
func (p *pci) Causes() Cause {
	if p.vectors > 0 {
		return CauseQueue | CauseConfig
	}
	return Cause(p.isr.Read8(0)) & (CauseQueue | CauseConfig)
}

func (p *pci) Generation() uint32 { return uint32(p.common.Read8(commonGeneration)) }
func (p *pci) Config() Registers  { return p.config }
