// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"loam/user/virtio"
	vnet "loam/user/virtio/net"
)

// TestStreams: connections both ways, with segments that the stack cuts and that the device does, with room for all
// frames and without, and with some that are lost.
func TestStreams(t *testing.T) {
	var mu sync.Mutex // frames are sent by several goroutines
	for name, c := range map[string]struct {
		offload bool
		change  func(a, b *port)
		least   int // bytes of the largest frame
	}{
		"plain":   {false, nil, 1000},
		"offload": {true, nil, 5000},
		"full": {false, func(a, b *port) {
			r := rand.New(rand.NewPCG(1, 1))
			a.full = func() bool { return r.IntN(4) == 0 }
		}, 1000},
		"lossy": {false, func(a, b *port) {
			r, out := rand.New(rand.NewPCG(2, 2)), a.out
			a.out = func(b []byte, o vnet.Offload) {
				mu.Lock()
				lost := r.IntN(100) == 0
				mu.Unlock()
				if !lost {
					out(b, o)
				}
			}
		}, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			largest := 0
			a, b := wire(t, c.offload, func(a, b *port) {
				if c.change != nil {
					c.change(a, b)
				}
				out := a.out
				a.out = func(b []byte, o vnet.Offload) {
					mu.Lock()
					largest = max(largest, len(b))
					mu.Unlock()
					out(b, o)
				}
			})
			stream(t, a, b, tcpip.FullAddress{NIC: nicID, Addr: address(addressB.Addr()), Port: 80}, ipv4.ProtocolNumber, 1<<20)
			six(t, a, "fd00::1")
			six(t, b, "fd00::2")
			stream(t, a, b, tcpip.FullAddress{NIC: nicID, Addr: address(netip.MustParseAddr("fd00::2")), Port: 80}, ipv6.ProtocolNumber, 1<<20)
			mu.Lock()
			defer mu.Unlock()
			if largest < c.least || !c.offload && largest > 1514 {
				t.Errorf("the largest frame has %d bytes", largest)
			}
		})
	}
}

// six gives a network an address of IPv6.
func six(t *testing.T, n *network, a string) {
	t.Helper()
	p := prefix(netip.PrefixFrom(netip.MustParseAddr(a), 64))
	if err := n.stack.AddProtocolAddress(nicID, tcpip.ProtocolAddress{Protocol: ipv6.ProtocolNumber, AddressWithPrefix: p}, stack.AddressProperties{}); err != nil {
		t.Fatal(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.routes()
}

// stream sends n bytes from a to b.
func stream(t *testing.T, a, b *network, to tcpip.FullAddress, protocol tcpip.NetworkProtocolNumber, n int) {
	t.Helper()
	l, err := gonet.ListenTCP(b.stack, to, protocol)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i * 7 >> 3)
	}
	result := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			result <- err
			return
		}
		got, err := io.ReadAll(c)
		if err == nil && !bytes.Equal(got, data) {
			err = errors.New("other bytes came")
		}
		result <- errors.Join(err, c.Close())
	}()
	c, err := gonet.DialTCP(a.stack, to, protocol)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-result:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("it hangs")
	}
}

// TestPairs: a stream's packets go by one pair of queues, those of several streams by several.
func TestPairs(t *testing.T) {
	const pairs, streams = 4, 16
	var mu sync.Mutex
	by := map[uint16]map[int]bool{} // by a's port, the pairs
	a, b := wire(t, false, func(a, _ *port) {
		a.pairs = pairs
		a.went = func(pair int, parts [][]byte) {
			f := bytes.Join(parts, nil)
			if len(f) < tcpAtV4+2 || f[ipAt]>>4 != 4 || f[ipAt+9] != uint8(header.TCPProtocolNumber) {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			from := uint16(be16(f, tcpAtV4))
			if by[from] == nil {
				by[from] = map[int]bool{}
			}
			by[from][pair] = true
		}
	})
	for i := range streams {
		to := tcpip.FullAddress{NIC: nicID, Addr: address(addressB.Addr()), Port: uint16(80 + i)}
		stream(t, a, b, to, ipv4.ProtocolNumber, 1<<16)
	}
	mu.Lock()
	defer mu.Unlock()
	used := map[int]bool{}
	for from, of := range by {
		if len(of) != 1 {
			t.Errorf("port %d's packets went by %d pairs", from, len(of))
		}
		maps.Copy(used, of)
	}
	if len(by) != streams || len(used) < 2 {
		t.Errorf("%d streams by %d pairs", len(by), len(used))
	}
}

// TestWaiting: packets that find no room wait in order, as many as may, and the rest is dropped.
func TestWaiting(t *testing.T) {
	full, sent := true, 0
	p := newPort(1, false)
	p.out = func([]byte, vnet.Offload) { sent++ }
	n := p.run(t)
	if err := n.setLease(&lease{address: addressA}); err != nil {
		t.Fatal(err)
	}
	n.link.mu.Lock() // nobody else uses the port
	p.full = func() bool { return full }
	before := sent
	n.link.mu.Unlock()
	c, err := gonet.DialUDP(n.stack, nil, &tcpip.FullAddress{NIC: nicID, Addr: address(addressA.Masked().Addr().Next().Next()), Port: 9}, ipv4.ProtocolNumber)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := n.stack.AddStaticNeighbor(nicID, ipv4.ProtocolNumber, address(addressB.Addr()), "\x02\x00\x00\x00\x00\x02"); err != nil {
		t.Fatal(err)
	}
	for range maxWaiting + 10 {
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	n.link.mu.Lock()
	waiting, dropped := len(n.link.waiting), n.link.dropped
	full = false
	n.link.mu.Unlock()
	if waiting != maxWaiting || dropped < 10 {
		t.Errorf("%d wait, %d were dropped", waiting, dropped)
	}
	if err := n.link.arrived(false); err != nil {
		t.Fatal(err)
	}
	n.link.mu.Lock()
	defer n.link.mu.Unlock()
	if len(n.link.waiting) != 0 || sent-before < maxWaiting {
		t.Errorf("%d wait, %d were sent", len(n.link.waiting), sent-before)
	}
}

// TestFailure: a device that fails is told of once, and the stack lives on.
func TestFailure(t *testing.T) {
	p := newPort(1, false)
	told := 0
	l := newLink(p, func(err error) {
		if !errors.Is(err, virtio.ErrDevice) {
			t.Error(err)
		}
		told++
	})
	p.err = &virtio.DeviceError{Fault: virtio.FaultID}
	for range 3 {
		l.sendFrame(make([]byte, 60))
	}
	if told != 1 {
		t.Error("told", told, "times")
	}
	if err := l.arrived(false); !errors.Is(err, virtio.ErrDevice) {
		t.Error(err)
	}
}

// FuzzFrames: whatever frames come, the stack lives, and answers a neighbour afterwards.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x02\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01"), byte(0))
	f.Add(append([]byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00"), 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1, 0, 67, 0, 68, 0, 8, 0, 0), byte(1))
	f.Add(append([]byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x86\xdd"), 0x60, 0, 0, 0, 0, 8, 58, 255), byte(2))
	a, b := wire(f, false, nil)
	newClient(a.link)
	f.Fuzz(func(t *testing.T, frame []byte, kind byte) {
		if len(frame) < vnet.EthernetHeader || len(frame) > vnet.MaxFrame {
			return
		}
		o := vnet.Offload{Partial: kind&1 != 0, ChecksumStart: uint16(len(frame) / 2)}
		o.Partial = o.Partial && int(o.ChecksumStart)+2 <= len(frame)
		a.link.card.(*port).comes(frame, o)
		if kind&2 != 0 {
			b.link.card.(*port).comes(frame, o)
		}
	})
}
