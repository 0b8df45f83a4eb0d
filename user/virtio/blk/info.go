// SPDX-License-Identifier: Apache-2.0

package blk

import "loam/user/virtio"

// SectorSize is the unit of all positions, whatever the size of blocks (5.2.4).
const SectorSize = 512

// Features (5.2.3).
const (
	featureSizeMax     = 1 << 1
	featureSegMax      = 1 << 2
	featureReadOnly    = 1 << 5
	featureBlockSize   = 1 << 6
	featureFlush       = 1 << 9
	featureTopology    = 1 << 10
	featureDiscard     = 1 << 13
	featureWriteZeroes = 1 << 14
	features           = featureSizeMax | featureSegMax | featureReadOnly | featureBlockSize | featureFlush | featureTopology |
		featureDiscard | featureWriteZeroes
)

// Fields of struct virtio_blk_config (5.2.4).
const (
	atCapacity           = 0
	atSizeMax            = 8
	atSegMax             = 12
	atBlockSize          = 20
	atPhysicalExponent   = 24
	atAlignmentOffset    = 25
	atMinIO              = 26
	atOptIO              = 28
	atMaxDiscard         = 36
	atMaxDiscardSegments = 40
	atDiscardAlignment   = 44
	atMaxWriteZeroes     = 48
	atMaxZeroesSegments  = 52
	atZeroesMayUnmap     = 56
	maxSectors           = 1 << 54 // so that bytes fit 63 bits
	maxBlockSize         = 1 << 20
	maxPhysicalExponent  = 16
	unlimited            = 1<<32 - 1
)

// Info is what a device says of itself. Sizes are in sectors but where it says
// otherwise.
type Info struct {
	Sectors   uint64 // its capacity
	BlockSize int    // bytes, a power of two, at least SectorSize: what it likes best to be asked for
	ReadOnly  bool   // writes fail
	WriteBack bool   // writes are stable only after a flush
	// MaxSegments is the most elements of a request's data, MaxSegment the most bytes of
	// one.
	MaxSegments, MaxSegment int
	Discard                 Ranges
	WriteZeroes             Ranges
	ZeroesMayUnmap          bool // WriteZeroes may give memory of the host's back
	Topology                Topology
}

// Ranges are the limits of Discard and WriteZeroes.
type Ranges struct {
	Max     uint32 // sectors of a range; 0: the device can't do that
	Count   int    // ranges in one request, at most MaxRanges
	Aligned uint32 // to what ranges had best be aligned
}

// Topology is how the device had best be used; it binds nobody.
type Topology struct {
	PhysicalBlock   int // bytes, a power of two
	AlignmentOffset int // blocks before the first that is aligned
	MinIO, OptIO    uint32
}

// readInfo reads the configuration.
func readInfo(d *virtio.Device, maxSegments int) (Info, error) {
	var i Info
	err := d.Config(func(c *virtio.Config) { i = parse(d, c, maxSegments) })
	if err != nil {
		return Info{}, err
	}
	return i, i.check()
}

// parse takes fields that exist by the features that were agreed upon (5.2.4).
func parse(d *virtio.Device, c *virtio.Config, maxSegments int) Info {
	i := Info{
		Sectors: c.Uint64(atCapacity), BlockSize: SectorSize, MaxSegments: maxSegments, MaxSegment: unlimited,
		ReadOnly: d.Has(featureReadOnly), WriteBack: d.Has(featureFlush),
	}
	if d.Has(featureSizeMax) {
		i.MaxSegment = int(c.Uint32(atSizeMax))
	}
	if d.Has(featureSegMax) {
		i.MaxSegments = min(maxSegments, max(int(c.Uint32(atSegMax)), 1)) // some devices say 0
	}
	if d.Has(featureBlockSize) {
		i.BlockSize = int(c.Uint32(atBlockSize))
	}
	i.Topology.PhysicalBlock = i.BlockSize
	if d.Has(featureTopology) {
		i.Topology = Topology{
			PhysicalBlock: i.BlockSize << min(c.Byte(atPhysicalExponent), maxPhysicalExponent), AlignmentOffset: int(c.Byte(atAlignmentOffset)),
			MinIO: uint32(c.Uint16(atMinIO)), OptIO: c.Uint32(atOptIO),
		}
	}
	if d.Has(featureDiscard) {
		i.Discard = ranges(c.Uint32(atMaxDiscard), c.Uint32(atMaxDiscardSegments), c.Uint32(atDiscardAlignment))
	}
	if d.Has(featureWriteZeroes) {
		i.WriteZeroes = ranges(c.Uint32(atMaxWriteZeroes), c.Uint32(atMaxZeroesSegments), 1)
		i.ZeroesMayUnmap = c.Byte(atZeroesMayUnmap) != 0
	}
	return i
}

func ranges(most, count, aligned uint32) Ranges {
	return Ranges{Max: most, Count: int(min(max(count, 1), MaxRanges)), Aligned: max(aligned, 1)}
}

// check refuses what can't be.
func (i Info) check() error {
	switch {
	case i.Sectors > maxSectors:
		return protocol(i.Sectors, maxSectors)
	case i.BlockSize < SectorSize || i.BlockSize > maxBlockSize || i.BlockSize&(i.BlockSize-1) != 0:
		return protocol(uint64(i.BlockSize), maxBlockSize)
	case i.MaxSegment < SectorSize:
		return protocol(uint64(i.MaxSegment), SectorSize)
	}
	return nil
}

// protocol is a device that broke the protocol.
func protocol(got, limit uint64) error {
	return &virtio.DeviceError{Fault: virtio.FaultProtocol, Queue: -1, Got: got, Limit: limit}
}
