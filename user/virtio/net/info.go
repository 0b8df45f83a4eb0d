// SPDX-License-Identifier: Apache-2.0

package net

import (
	"crypto/rand"

	"loam/user/virtio"
)

// Features (5.1.3).
const (
	featureChecksum      = 1 << 0
	featureGuestChecksum = 1 << 1
	featureMTU           = 1 << 3
	featureMAC           = 1 << 5
	featureGuestTCP4     = 1 << 7
	featureGuestTCP6     = 1 << 8
	featureHostTCP4      = 1 << 11
	featureHostTCP6      = 1 << 12
	featureMergeable     = 1 << 15
	featureStatus        = 1 << 16
	featureControl       = 1 << 17
	featureMultiqueue    = 1 << 22
	features             = featureChecksum | featureGuestChecksum | featureMTU | featureMAC | featureGuestTCP4 | featureGuestTCP6 |
		featureHostTCP4 | featureHostTCP6 | featureMergeable | featureStatus | featureControl | featureMultiqueue
)

// needs says which features mean nothing without another (5.1.3.1). That joined segments need
// mergeable buffers is this package's choice.
var needs = []struct{ feature, other uint64 }{
	{featureHostTCP4, featureChecksum},
	{featureHostTCP6, featureChecksum},
	{featureGuestTCP4, featureGuestChecksum},
	{featureGuestTCP6, featureGuestChecksum},
	{featureGuestTCP4, featureMergeable},
	{featureGuestTCP6, featureMergeable},
	{featureMultiqueue, featureControl},
}

// wanted gives what is wanted of what is offered.
func wanted(offered uint64, o Options) uint64 {
	want := offered & features &^ o.Without
	if o.Pairs == 1 {
		want &^= featureMultiqueue
	}
	for _, n := range needs {
		if want&n.other == 0 {
			want &^= n.feature
		}
	}
	if want&featureMultiqueue == 0 { // nothing else is told by the control queue
		want &^= featureControl
	}
	return want
}

// consistent reports whether what was agreed upon makes sense: the device was asked twice.
func consistent(d *virtio.Device) bool {
	for _, n := range needs {
		if d.Has(n.feature) && !d.Has(n.other) {
			return false
		}
	}
	return true
}

// Fields of struct virtio_net_config (5.1.4), and the bounds of what they say.
const (
	atMAC      = 0
	atStatus   = 6
	atMaxPairs = 8
	atMTU      = 10

	statusUp    = 1
	defaultMTU  = 1500
	minMTU      = 68
	maxMaxPairs = 0x8000
)

// Info is what a device says of itself.
type Info struct {
	MAC      [6]byte // its address; one by chance if it doesn't say
	MTU      int     // the most bytes of a packet, behind the Ethernet header
	Up       bool    // the link is
	MaxPairs int     // of queues
	// Checksums: frames with Offload.Partial may be sent. TCPv4, TCPv6: frames that are to be cut.
	Checksums, TCPv4, TCPv6 bool
}

// readInfo reads the configuration.
func readInfo(d *virtio.Device) (Info, error) {
	var i Info
	if err := d.Config(func(c *virtio.Config) { i = parse(d, c) }); err != nil {
		return Info{}, err
	}
	wrong := func(got, limit int) error {
		return &virtio.DeviceError{Fault: virtio.FaultProtocol, Queue: -1, Got: uint64(got), Limit: uint64(limit)}
	}
	switch {
	case i.MAC[0]&1 != 0: // a group's
		return Info{}, wrong(int(i.MAC[0]), 0)
	case i.MTU < minMTU:
		return Info{}, wrong(i.MTU, minMTU)
	case i.MaxPairs < 1 || i.MaxPairs > maxMaxPairs:
		return Info{}, wrong(i.MaxPairs, maxMaxPairs)
	}
	if i.MAC == [6]byte{} {
		_, _ = rand.Read(i.MAC[:])
		i.MAC[0] = i.MAC[0]&^1 | 2 // one machine's, and locally given
	}
	i.Checksums, i.TCPv4, i.TCPv6 = d.Has(featureChecksum), d.Has(featureHostTCP4), d.Has(featureHostTCP6)
	return i, nil
}

func parse(d *virtio.Device, c *virtio.Config) Info {
	i := Info{MTU: defaultMTU, Up: true, MaxPairs: 1}
	if d.Has(featureMAC) {
		c.Bytes(atMAC, i.MAC[:])
	}
	if d.Has(featureStatus) {
		i.Up = c.Uint16(atStatus)&statusUp != 0
	}
	if d.Has(featureMultiqueue) {
		i.MaxPairs = int(c.Uint16(atMaxPairs))
	}
	if d.Has(featureMTU) {
		i.MTU = int(c.Uint16(atMTU))
	}
	return i
}
