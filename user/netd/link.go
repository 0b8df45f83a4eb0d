// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"encoding/binary"
	"slices"
	"sync"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/ethernet"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	vnet "loam/user/virtio/net"
)

const (
	// maxWaiting is how many packets wait for room in the transmit queue, and maxWaitingBytes how many bytes of them. What comes
	// beyond that is dropped, as by a network.
	maxWaiting      = 512
	maxWaitingBytes = 2 << 20
	// batch is how many frames are taken in before the stack sees them, put together.
	batch = 64
	// maxSegments is the most of TCP's data that the device is given to cut, in bytes.
	maxSegments = 1 << 15
)

// card is a network device: a vnet.Card, but in tests.
type card interface {
	Info() vnet.Info
	Refresh() error
	Receiving() int
	Sending() int
	Next(pair int) (vnet.Frame, bool, error)
	Take(pair int, head, rest []byte) error
	Send(pair int, o vnet.Offload, parts ...[]byte) (bool, error)
	Kick() error
	Arm() (bool, error)
}

// link is the stack's link endpoint over a card; what adds Ethernet's headers is around it.
type link struct {
	address tcpip.LinkAddress
	info    vnet.Info
	// fail is told once that the device has failed; mu is held.
	fail func(error)

	mu      sync.Mutex // guards what follows: the card has one user at a time
	card    card
	failed  bool
	waiting []*stack.PacketBuffer
	parts   [][]byte // of the packet that is being sent
	begun   int      // bytes of data of the first that waits which were sent
	sizes   int      // bytes of what waits
	dropped uint64
	coming  together
	cutter  cutter

	datagrams datagrams // that wait to be received

	attached   sync.RWMutex // guards what follows
	dispatcher stack.NetworkDispatcher
	tap        func(frame []byte) // sees each frame that comes; or nil
}

var _ stack.LinkEndpoint = (*link)(nil)
var _ stack.GSOEndpoint = (*link)(nil)

func newLink(c card, fail func(error)) *link {
	info := c.Info()
	return &link{card: c, info: info, address: tcpip.LinkAddress(info.MAC[:]), fail: fail}
}

// endpoint is the link with Ethernet's headers.
func (l *link) endpoint() stack.LinkEndpoint { return gsoEthernet{ethernet.New(l), l} }

// gsoEthernet has segments cut below Ethernet, too.
type gsoEthernet struct {
	*ethernet.Endpoint
	stack.GSOEndpoint
}

// MTU is for stack.LinkEndpoint, and so are the others. It counts Ethernet's header.
func (l *link) MTU() uint32 { return uint32(l.info.MTU) + header.EthernetMinimumSize }

// SetMTU does nothing: the device has said it.
func (*link) SetMTU(uint32) {}

// MaxHeaderLength is what is below Ethernet's.
func (*link) MaxHeaderLength() uint16 { return 0 }

// LinkAddress is the device's.
func (l *link) LinkAddress() tcpip.LinkAddress { return l.address }

// SetLinkAddress does nothing.
func (*link) SetLinkAddress(tcpip.LinkAddress) {}

// Capabilities are none: checksums that are left to the device are those of segments (WritePackets).
func (*link) Capabilities() stack.LinkEndpointCapabilities { return 0 }

// SupportedGSO says that segments are cut below the stack.
func (*link) SupportedGSO() stack.SupportedGSO { return stack.HostGSOSupported }

// cuts reports whether the device does that, else it is done here.
func (l *link) cuts() bool { return l.info.Checksums && l.info.TCPv4 && l.info.TCPv6 }

// GSOMaxSize is the most of a segment that is to be cut.
func (*link) GSOMaxSize() uint32 { return maxSegments }

// ARPHardwareType is Ethernet's.
func (*link) ARPHardwareType() header.ARPHardwareType { return header.ARPHardwareEther }

// AddHeader adds none.
func (*link) AddHeader(*stack.PacketBuffer) {}

// ParseHeader finds none.
func (*link) ParseHeader(*stack.PacketBuffer) bool { return true }

// Wait waits for nothing: the link has no goroutine.
func (*link) Wait() {}

// Close closes nothing.
func (*link) Close() {}

// SetOnCloseAction does nothing.
func (*link) SetOnCloseAction(func()) {}

// Attach says where packets are to go.
func (l *link) Attach(d stack.NetworkDispatcher) {
	l.attached.Lock()
	l.dispatcher = d
	l.attached.Unlock()
}

// IsAttached reports whether they go somewhere.
func (l *link) IsAttached() bool {
	l.attached.RLock()
	defer l.attached.RUnlock()
	return l.dispatcher != nil
}

// listen has f called with each frame that comes, until it is called with nil.
func (l *link) listen(f func(frame []byte)) {
	l.attached.Lock()
	l.tap = f
	l.attached.Unlock()
}

// WritePackets sends packets, or has them wait for room.
func (l *link) WritePackets(list stack.PacketBufferList) (int, tcpip.Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range list.AsSlice() {
		l.write(p)
	}
	l.check(l.kick())
	l.await()
	return list.Len(), nil
}

// await has an interrupt come when there is room for what waits: nothing else need come. What has come meanwhile has
// been told by one.
func (l *link) await() {
	for len(l.waiting) > 0 && !l.failed {
		room, err := l.card.Arm()
		l.check(err)
		if !room {
			return
		}
		before := len(l.waiting)
		l.flush()
		l.check(l.kick())
		if len(l.waiting) == before {
			return // it was something else that has come
		}
	}
}

// write sends a packet, in order.
func (l *link) write(p *stack.PacketBuffer) {
	if len(l.waiting) == 0 {
		var done bool
		if l.begun, done = l.sendPacket(p, 0); done || l.failed {
			return
		}
	}
	if len(l.waiting) == maxWaiting || l.sizes > maxWaitingBytes {
		l.dropped++
		return
	}
	l.sizes += p.Size()
	l.waiting = append(l.waiting, p.Clone())
}

// sendPacket sends a packet, of which begun bytes of data were sent before, and reports whether there was room for all of it,
// or else for how much.
func (l *link) sendPacket(p *stack.PacketBuffer, begun int) (int, bool) {
	views, skip := p.AsViewList()
	l.parts = l.parts[:0]
	for v := views.Front(); v != nil; v = v.Next() {
		b := v.AsSlice()
		n := min(skip, len(b))
		skip -= n
		if n < len(b) {
			l.parts = append(l.parts, b[n:])
		}
	}
	defer func() { clear(l.parts) }()
	o := offload(p)
	if o.Partial && !l.cuts() {
		return l.cut(p, begun)
	}
	ok, err := l.card.Send(l.pair(p), o, l.parts...)
	if err == vnet.ErrFrame {
		l.dropped++
		return 0, true
	}
	l.check(err)
	return 0, ok
}

// pair gives the pair of queues that a packet goes by: one for all of a stream, or they would overtake each other.
func (l *link) pair(p *stack.PacketBuffer) int { return int(p.Hash % uint32(l.card.Sending())) }

// offload says what is left to the device.
func offload(p *stack.PacketBuffer) (o vnet.Offload) {
	g := &p.GSOOptions
	if g.Type != stack.GSOTCPv4 && g.Type != stack.GSOTCPv6 || !g.NeedsCsum {
		return o
	}
	o.Partial = true
	o.ChecksumStart, o.ChecksumOffset = header.EthernetMinimumSize+g.L3HdrLen, g.CsumOffset
	if p.Data().Size() <= int(g.MSS) {
		return o
	}
	o.Segments = vnet.TCPv4
	if g.Type == stack.GSOTCPv6 {
		o.Segments = vnet.TCPv6
	}
	o.SegmentSize, o.HeaderLength = g.MSS, uint16(p.HeaderSize())
	return o
}

// sendFrame sends a frame beside the stack; it is lost if there is no room.
func (l *link) sendFrame(frame []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.card.Send(0, vnet.Offload{}, frame)
	l.check(err)
	l.check(l.kick())
}

func (l *link) kick() error {
	if l.failed {
		return nil
	}
	return l.card.Kick()
}

// check tells of the device's failure.
func (l *link) check(err error) {
	if err != nil && !l.failed {
		l.failed = true
		l.fail(err)
	}
}

// arrived handles the device's interrupt: what has come goes to the stack, what waits is sent. It is called by
// one goroutine.
func (l *link) arrived(configuration bool) error {
	for more := true; more; {
		frames, again, err := l.take(configuration)
		if err != nil {
			return err
		}
		for i := range frames {
			l.deliver(&frames[i])
		}
		more, configuration = again, false
	}
	return nil
}

// take takes frames from the device, up to a batch, and sends what waits. again: there is more to do, or may be.
func (l *link) take(configuration bool) (frames []frame, again bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if configuration {
		if err := l.card.Refresh(); err != nil {
			return nil, false, err
		}
	}
	taken := 0
	for pair := range l.card.Receiving() {
		for ; taken < batch; taken++ {
			f, ok, err := l.card.Next(pair)
			if err != nil {
				return nil, false, err
			}
			if !ok {
				break
			}
			if !l.coming.fits(f.Length) {
				frames = l.coming.flush(frames)
			}
			head, rest := l.coming.room(f.Length, f.Offload.Partial)
			if err := l.card.Take(pair, head, rest); err != nil {
				return nil, false, err
			}
			complete(rest, &f.Offload)
			frames = l.coming.add(f.Length, frames)
		}
	}
	frames = l.coming.flush(frames)
	l.flush()
	if err := l.card.Kick(); err != nil {
		return nil, false, err
	}
	if taken == batch {
		return frames, true, nil
	}
	again, err = l.card.Arm()
	return frames, again, err
}

// flush sends what waits, as long as there is room.
func (l *link) flush() {
	n := 0
	for done := true; n < len(l.waiting); n++ {
		if l.begun, done = l.sendPacket(l.waiting[n], l.begun); !done {
			break
		}
		l.sizes -= l.waiting[n].Size()
		l.waiting[n].DecRef()
	}
	l.waiting = slices.Delete(l.waiting, 0, n)
}

// complete computes a checksum that the sender has left to be computed, so that the stack can check all alike.
func complete(b []byte, o *vnet.Offload) {
	if !o.Partial {
		return
	}
	sum := ^checksum.Checksum(b[o.ChecksumStart:], 0)
	if sum == 0 { // of UDP it would say that there is none; of TCP it is the same
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(b[int(o.ChecksumStart)+int(o.ChecksumOffset):], sum)
}

// deliver gives a frame to the stack.
func (l *link) deliver(f *frame) {
	b := f.head.AsSlice()
	l.attached.RLock()
	d, tap := l.dispatcher, l.tap
	l.attached.RUnlock()
	if tap != nil {
		tap(b)
	}
	if port, ok := datagramPort(b); d == nil || ok && !l.datagrams.comes(port) {
		f.release()
		return
	}
	whole := buffer.MakeWithView(f.head)
	if f.data != nil {
		whole.Append(f.data)
	}
	p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: whole})
	d.DeliverNetworkPacket(0, p) // Ethernet's header says which protocol
	p.DecRef()
}
