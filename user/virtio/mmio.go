// SPDX-License-Identifier: Apache-2.0

package virtio

// Registers of virtio over MMIO (4.2.2), by their offsets.
const (
	mmioMagic            = 0x000
	mmioVersion          = 0x004
	mmioDeviceID         = 0x008
	mmioDeviceFeatures   = 0x010
	mmioDeviceFeatureSel = 0x014
	mmioDriverFeatures   = 0x020
	mmioDriverFeatureSel = 0x024
	mmioQueueSel         = 0x030
	mmioQueueNumMax      = 0x034
	mmioQueueNum         = 0x038
	mmioQueueReady       = 0x044
	mmioQueueNotify      = 0x050
	mmioInterruptStatus  = 0x060
	mmioInterruptACK     = 0x064
	mmioStatus           = 0x070
	mmioQueueDesc        = 0x080 // and the upper half behind it, as of the next two
	mmioQueueDriver      = 0x090
	mmioQueueDevice      = 0x0a0
	mmioGeneration       = 0x0fc
	mmioConfig           = 0x100

	mmioMagicValue = 0x74726976
	mmioModern     = 2
	mmioLegacy     = 1
)

// maxEntries is the most entries that a queue can have (2.7, 2.8).
const maxEntries = 1 << 15

// mmio is a Transport.
type mmio struct {
	r      Registers
	config Registers
	id     uint32
}

// NewMMIO makes a transport of a device's registers, 0x100 bytes and what it has of
// configuration. ErrNotVirtio, ErrLegacy, ErrNoDevice: what isn't to be driven. Nothing
// is written.
func NewMMIO(r Registers) (Transport, error) {
	if r.Size() < mmioConfig {
		return nil, ErrMemory
	}
	if r.Read32(mmioMagic) != mmioMagicValue {
		return nil, ErrNotVirtio
	}
	switch r.Read32(mmioVersion) {
	case mmioModern:
	case mmioLegacy:
		if r.Read32(mmioDeviceID) == 0 { // QEMU's empty places say that they are legacy
			return nil, ErrNoDevice
		}
		return nil, ErrLegacy
	default:
		return nil, ErrNotVirtio
	}
	id := r.Read32(mmioDeviceID)
	if id == 0 {
		return nil, ErrNoDevice
	}
	return &mmio{r, Part(r, mmioConfig, r.Size()-mmioConfig), id}, nil
}

func (m *mmio) ID() uint32 { return m.id }

func (m *mmio) Offered() uint64 {
	return readFeatures(m.r, mmioDeviceFeatureSel, mmioDeviceFeatures)
}

func (m *mmio) Accept(features uint64) {
	writeFeatures(m.r, mmioDriverFeatureSel, mmioDriverFeatures, features)
}

func (m *mmio) Status() uint8     { return uint8(m.r.Read32(mmioStatus)) }
func (m *mmio) SetStatus(v uint8) { m.r.Write32(mmioStatus, uint32(v)) }

func (m *mmio) Prepare() error { return nil }

func (m *mmio) QueueMax(index int) (int, error) {
	m.r.Write32(mmioQueueSel, uint32(index))
	if v := m.r.Read32(mmioQueueReady); v != 0 {
		return 0, &DeviceError{FaultQueueInUse, index, uint64(v), 0}
	}
	return queueMax(index, m.r.Read32(mmioQueueNumMax))
}

// queueMax checks how many entries a device says a queue can have.
func queueMax(index int, most uint32) (int, error) {
	if most == 0 {
		return 0, ErrNoQueue
	}
	if most > maxEntries {
		return 0, &DeviceError{FaultQueueSize, index, uint64(most), maxEntries}
	}
	return int(most), nil
}

func (m *mmio) Resume(int) error { return nil }

func (m *mmio) Enable(index, size int, descriptors, driver, device uint64) error {
	m.r.Write32(mmioQueueSel, uint32(index))
	m.r.Write32(mmioQueueNum, uint32(size))
	for _, a := range [3]struct {
		at int
		v  uint64
	}{{mmioQueueDesc, descriptors}, {mmioQueueDriver, driver}, {mmioQueueDevice, device}} {
		m.r.Write32(a.at, uint32(a.v))
		m.r.Write32(a.at+4, uint32(a.v>>32))
	}
	m.r.Write32(mmioQueueReady, 1)
	return nil
}

func (m *mmio) Notify(index int) { m.r.Write32(mmioQueueNotify, uint32(index)) }

func (m *mmio) Causes() Cause {
	c := m.r.Read32(mmioInterruptStatus) & uint32(CauseQueue|CauseConfig)
	if c != 0 {
		m.r.Write32(mmioInterruptACK, c)
	}
	return Cause(c)
}

func (m *mmio) Generation() uint32 { return m.r.Read32(mmioGeneration) }
func (m *mmio) Config() Registers  { return m.config }
