// SPDX-License-Identifier: Apache-2.0

package virtio

import "loam/user/sys"

// Registers are registers of a device, by their offset in bytes. Offsets are within
// Size and multiples of the width; each access is one of that width.
type Registers interface {
	Size() int
	Read8(at int) uint8
	Read16(at int) uint16
	Read32(at int) uint32
	Write8(at int, v uint8)
	Write16(at int, v uint16)
	Write32(at int, v uint32)
}

// Mapped are registers that are mapped, uncached: a memory object of abi's
// CallDeviceMemory, or a part of one.
type Mapped []byte

// Size is for Registers, and so are the others.
func (m Mapped) Size() int { return len(m) }

// Read8 reads 1 byte.
func (m Mapped) Read8(at int) uint8 { return sys.ReadRegister8(m, at) }

// Read16 reads 2 bytes.
func (m Mapped) Read16(at int) uint16 { return sys.ReadRegister16(m, at) }

// Read32 reads 4 bytes.
func (m Mapped) Read32(at int) uint32 { return sys.ReadRegister32(m, at) }

// Write8 writes 1 byte.
func (m Mapped) Write8(at int, v uint8) { sys.WriteRegister8(m, at, v) }

// Write16 writes 2 bytes.
func (m Mapped) Write16(at int, v uint16) { sys.WriteRegister16(m, at, v) }

// Write32 writes 4 bytes.
func (m Mapped) Write32(at int, v uint32) { sys.WriteRegister32(m, at, v) }

// part is registers within registers.
type part struct {
	Registers
	at, size int
}

func (p part) Size() int                { return p.size }
func (p part) Read8(at int) uint8       { return p.Registers.Read8(p.at + at) }
func (p part) Read16(at int) uint16     { return p.Registers.Read16(p.at + at) }
func (p part) Read32(at int) uint32     { return p.Registers.Read32(p.at + at) }
func (p part) Write8(at int, v uint8)   { p.Registers.Write8(p.at+at, v) }
func (p part) Write16(at int, v uint16) { p.Registers.Write16(p.at+at, v) }
func (p part) Write32(at int, v uint32) { p.Registers.Write32(p.at+at, v) }

// Part gives a part of registers; nil if it isn't within them.
func Part(r Registers, at, size int) Registers {
	if at < 0 || size < 0 || at > r.Size() || size > r.Size()-at {
		return nil
	}
	return part{r, at, size}
}

// readFeatures reads features by halves: one register says which half another shows.
func readFeatures(r Registers, which, half int) (v uint64) {
	for i := range uint32(2) {
		r.Write32(which, i)
		v |= uint64(r.Read32(half)) << (32 * i)
	}
	return v
}

// writeFeatures writes them likewise.
func writeFeatures(r Registers, which, half int, v uint64) {
	for i := range uint32(2) {
		r.Write32(which, i)
		r.Write32(half, uint32(v>>(32*i)))
	}
}

// Cause is why a device notified the driver.
type Cause uint8

// Causes.
const (
	CauseQueue  Cause = 1 << iota // it has used buffers
	CauseConfig                   // its configuration or its status has changed
)

// Transport is how a device is reached: MMIO or PCI. What it tells comes from the
// device and may be anything.
type Transport interface {
	// ID tells the type of the device (5).
	ID() uint32
	// Offered gives the features that the device has, Accept tells it those that the
	// driver wants (2.2).
	Offered() uint64
	Accept(features uint64)
	// Status and SetStatus are the device status field; writing 0 begins a reset (2.1).
	Status() uint8
	SetStatus(v uint8)
	// Prepare is called once after each reset, when features are agreed upon, before
	// there are queues. ErrVectors: the device can't use its MSI-X vectors; it is to
	// be opened anew without.
	Prepare() error
	// QueueMax gives the most entries that a queue can have. ErrNoQueue: there is no
	// such queue. It must not be in use.
	QueueMax(index int) (int, error)
	// Enable tells the device where a queue is, and has it used.
	Enable(index, size int, descriptors, driver, device uint64) error
	// Resume makes ready to notify the device of a queue that is in use: a predecessor of this
	// transport's has enabled it.
	Resume(index int) error
	// Notify tells the device that buffers were offered.
	Notify(index int)
	// Causes says why the device has notified the driver, and acknowledges that.
	// What happens later is notified again; so queues are looked at after it.
	Causes() Cause
	// Generation changes when the configuration does (2.5).
	Generation() uint32
	// Config is the device-specific configuration; it has Size 0 if there is none.
	Config() Registers
}

// Features that don't belong to a type of device (6).
const (
	FeatureIndirect        = 1 << 28 // VIRTIO_F_INDIRECT_DESC
	FeatureEventIndex      = 1 << 29 // VIRTIO_F_EVENT_IDX
	FeatureVersion1        = 1 << 32 // VIRTIO_F_VERSION_1
	FeatureAccessPlatform  = 1 << 33 // VIRTIO_F_ACCESS_PLATFORM
	FeatureRingPacked      = 1 << 34 // VIRTIO_F_RING_PACKED
	FeatureOrderPlatform   = 1 << 36 // VIRTIO_F_ORDER_PLATFORM
	transportFeatures      = FeatureIndirect | FeatureEventIndex | FeatureRingPacked | requiredIfOffered
	requiredIfOffered      = FeatureVersion1 | FeatureAccessPlatform | FeatureOrderPlatform
	firstTransportFeature  = 24 // those below belong to the device's type, and so do those from 50 on
	beyondTransportFeature = 50
)

// Bits of the device status field (2.1).
const (
	StatusAcknowledge = 1
	StatusDriver      = 2
	StatusDriverOK    = 4
	StatusFeaturesOK  = 8
	StatusNeedsReset  = 64
	StatusFailed      = 128
)

// Types of devices (5).
const (
	DeviceNet     = 1
	DeviceBlock   = 2
	DeviceConsole = 3
	DeviceEntropy = 4
	Device9P      = 9
)
