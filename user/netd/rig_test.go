// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"net/netip"
	"slices"
	"sync"
	"testing"

	vnet "loam/user/virtio/net"
)

// port is a card: an end of a wire, or what a test makes of it.
type port struct {
	info   vnet.Info
	memory int64 // of sockets
	// out takes a frame that is sent.
	out func(b []byte, o vnet.Offload)
	// pairs is how many pairs of queues there are, one if 0; went is told by which a frame goes.
	pairs int
	went  func(pair int, parts [][]byte)
	// full refuses a frame now and then, for want of room.
	full func() bool

	mu   sync.Mutex // guards what follows
	in   []came
	err  error
	tick chan struct{}
}

type came struct {
	b []byte
	o vnet.Offload
}

func newPort(last byte, offload bool) *port {
	return &port{
		memory: 64 << 20,
		info:   vnet.Info{MAC: [6]byte{2, 0, 0, 0, 0, last}, MTU: 1500, Up: true, Checksums: offload, TCPv4: offload, TCPv6: offload},
		tick:   make(chan struct{}, 1),
	}
}

func (p *port) Info() vnet.Info { return p.info }
func (p *port) Refresh() error  { return nil }
func (p *port) Receiving() int  { return 1 }
func (p *port) Sending() int    { return max(1, p.pairs) }
func (p *port) Kick() error     { return p.err }

// comes has a frame come.
func (p *port) comes(b []byte, o vnet.Offload) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.in) < 256 { // as many as a queue has buffers
		p.in = append(p.in, came{b, o})
	}
	p.signal()
}

func (p *port) signal() {
	select {
	case p.tick <- struct{}{}:
	default:
	}
}

func (p *port) Next(int) (vnet.Frame, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil || len(p.in) == 0 {
		return vnet.Frame{}, false, p.err
	}
	return vnet.Frame{Length: len(p.in[0].b), Offload: p.in[0].o}, true, nil
}

func (p *port) Take(_ int, head, rest []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	copy(rest, p.in[0].b[copy(head, p.in[0].b):])
	p.in = p.in[1:]
	return nil
}

func (p *port) Send(pair int, o vnet.Offload, parts ...[]byte) (bool, error) {
	if p.full != nil && p.full() {
		p.signal()
		return false, p.err
	}
	if p.went != nil {
		p.went(pair, parts)
	}
	if p.out != nil {
		p.out(slices.Concat(parts...), o)
	}
	return true, p.err
}

func (p *port) Arm() (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.in) > 0, p.err
}

// run makes a network over the port, which handles its interrupts until the test ends.
func (p *port) run(t testing.TB) *network {
	t.Helper()
	l := newLink(p, func(err error) { t.Log("failed:", err) })
	n, err := newNetwork(l, p.memory)
	if err != nil {
		t.Fatal(err)
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-p.tick:
				if err := l.arrived(false); err != nil {
					l.mu.Lock()
					l.check(err)
					l.mu.Unlock()
				}
			case <-done:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(done)
		<-ended
		n.stack.Destroy()
	})
	return n
}

var addressA, addressB = netip.MustParsePrefix("10.0.0.1/24"), netip.MustParsePrefix("10.0.0.2/24")

// wire gives two networks that are joined, with addresses.
func wire(t testing.TB, offload bool, change func(a, b *port)) (a, b *network) {
	t.Helper()
	x, y := newPort(1, offload), newPort(2, offload)
	x.out, y.out = y.comes, x.comes
	if change != nil {
		change(x, y)
	}
	a, b = x.run(t), y.run(t)
	for n, p := range map[*network]netip.Prefix{a: addressA, b: addressB} {
		if err := n.setLease(&lease{address: p}); err != nil {
			t.Fatal(err)
		}
	}
	return a, b
}
