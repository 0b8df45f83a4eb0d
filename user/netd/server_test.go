// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/sockets"
	"loam/user/sys"
)

// customer is a client of a server, without messages between them.
type customer struct {
	*server
	t       *testing.T
	events  []byte
	woken   chan struct{}
	ended   func() // has the process end
	closed  bool
	session uint64
}

func newCustomer(t *testing.T, n *network) *customer {
	t.Helper()
	c := &customer{t: t, events: make([]byte, 4*(64+1)), woken: make(chan struct{}, 1)}
	c.server = serverOf(n, func(_, _ ipc.Handle, _ uint64, ended func()) (peer, error) {
		c.ended = ended
		wake := func() {
			select {
			case c.woken <- struct{}{}:
			default:
			}
		}
		return peer{events: c.events, wake: wake, close: func() { c.closed = true }}, nil
	})
	c.attach()
	return c
}

func (c *customer) attach() {
	_, session, err := c.Attach(c.t.Context(), ipc.Handle{}, ipc.Handle{}, 1)
	if err != nil {
		c.t.Fatal(err)
	}
	c.session = session
}

func (c *customer) socket(kind uint8) uint32 {
	c.t.Helper()
	i, err := c.Socket(c.t.Context(), c.session, kind, false)
	if err != nil {
		c.t.Fatal(err)
	}
	return i
}

// wait waits until a socket has an event, as a client does: by its memory and being woken.
func (c *customer) wait(i uint32, event uint32) {
	c.t.Helper()
	timeout := time.After(20 * time.Second)
	for sys.LoadShared(c.events, int(i)*4)&event == 0 {
		select {
		case <-c.woken:
		case <-timeout:
			c.t.Fatalf("socket %d: events %#x, and never %#x", i, sys.LoadShared(c.events, int(i)*4), event)
		}
	}
}

// all does an operation until it isn't EAGAIN any more.
func (c *customer) all(i, event uint32, do func() error) {
	c.t.Helper()
	for {
		err := do()
		if err == nil {
			return
		}
		if !errors.Is(err, abi.EAGAIN) {
			c.t.Fatal(err)
		}
		c.wait(i, event)
	}
}

func at(a netip.Addr, port uint16) sockets.Address { return sockets.Address{IP: ipOf(a), Port: port} }

// TestConnect: a connection to a program elsewhere, which echoes, with half of it closed in the end.
func TestConnect(t *testing.T) {
	a, b := wire(t, false, nil)
	l, err := gonet.ListenTCP(b.stack, tcpip.FullAddress{NIC: nicID, Addr: address(addressB.Addr()), Port: 7}, ipv4.ProtocolNumber)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(c, c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	c := newCustomer(t, a)
	ctx := t.Context()
	i := c.socket(sockets.Stream)
	if err := c.Connect(ctx, c.session, i, at(addressB.Addr(), 7)); err != abi.EINPROGRESS {
		t.Fatal(err)
	}
	c.wait(i, sockets.EventOut)
	if e, err := c.Error(ctx, c.session, i); e != 0 || err != nil {
		t.Fatal(e, err)
	}
	_, connected, far, err := c.Names(ctx, c.session, i)
	if err != nil || !connected || far != at(addressB.Addr(), 7) {
		t.Error(connected, far, err)
	}
	if _, _, _, err := c.Receive(ctx, c.session, i, 10, false); err != abi.EAGAIN {
		t.Error(err)
	}
	want := bytes.Repeat([]byte("loam "), 200_000)
	go func() {
		for rest := want; len(rest) > 0; {
			n := uint32(0)
			c.all(i, sockets.EventOut, func() (err error) {
				n, err = c.Send(ctx, c.session, i, rest[:min(len(rest), sockets.MaxData)], false, sockets.Address{})
				return err
			})
			rest = rest[n:]
		}
		if err := c.Shutdown(ctx, c.session, i, false, true); err != nil {
			t.Error(err)
		}
	}()
	var got []byte
	for {
		var b []byte
		c.all(i, sockets.EventIn, func() (err error) {
			b, _, _, err = c.Receive(ctx, c.session, i, sockets.MaxData, false)
			return err
		})
		if len(b) == 0 {
			break
		}
		got = append(got, b...)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d", len(got), len(want))
	}
	if _, err := c.Send(ctx, c.session, i, []byte("x"), false, sockets.Address{}); err != abi.EPIPE {
		t.Error(err)
	}
	if err := c.Close(ctx, c.session, i, false); err != nil {
		t.Error(err)
	}
	if err := c.Close(ctx, c.session, i, false); err != abi.EBADF {
		t.Error(err)
	}
}

// TestRefused: a port that nobody listens at.
func TestRefused(t *testing.T) {
	a, _ := wire(t, false, nil)
	c := newCustomer(t, a)
	i := c.socket(sockets.Stream)
	if err := c.Connect(t.Context(), c.session, i, at(addressB.Addr(), 9)); err != abi.EINPROGRESS {
		t.Fatal(err)
	}
	c.wait(i, sockets.EventError)
	for _, want := range []abi.Errno{abi.ECONNREFUSED, 0} {
		if e, err := c.Error(t.Context(), c.session, i); e != uint32(want) || err != nil {
			t.Error(e, err)
		}
	}
	i = c.socket(sockets.Stream)
	if err := c.Connect(t.Context(), c.session, i, at(netip.MustParseAddr("192.0.2.1"), 9)); err != abi.ENETUNREACH && err != abi.EHOSTUNREACH {
		t.Error(err)
	}
}

// TestListen: connections from elsewhere; what is closed and what dies.
func TestListen(t *testing.T) {
	a, b := wire(t, false, nil)
	c := newCustomer(t, a)
	ctx := t.Context()
	i := c.socket(sockets.Stream)
	if err := errors.Join(c.SetOption(ctx, c.session, i, sockets.ReuseAddress, 1),
		c.Bind(ctx, c.session, i, at(netip.IPv4Unspecified(), 80)), c.Listen(ctx, c.session, i, 10)); err != nil {
		t.Fatal(err)
	}
	if err := c.Bind(ctx, c.session, c.socket(sockets.Stream), at(netip.IPv4Unspecified(), 80)); err != abi.EADDRINUSE {
		t.Error(err)
	}
	if _, _, _, err := c.Accept(ctx, c.session, i); err != abi.EAGAIN {
		t.Error(err)
	}
	dial := func() (*gonet.TCPConn, uint32) {
		d, err := gonet.DialTCP(b.stack, tcpip.FullAddress{NIC: nicID, Addr: address(addressA.Addr()), Port: 80}, ipv4.ProtocolNumber)
		if err != nil {
			t.Fatal(err)
		}
		var k uint32
		c.all(i, sockets.EventIn, func() (err error) {
			var from sockets.Address
			if k, _, from, err = c.Accept(ctx, c.session, i); err == nil && from.IP.Addr() != addressB.Addr() {
				t.Error(from)
			}
			return err
		})
		return d, k
	}
	d, k := dial()
	if _, err := d.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	for _, peek := range []bool{true, false} {
		c.all(k, sockets.EventIn, func() error {
			b, _, _, err := c.Receive(ctx, c.session, k, 100, peek)
			if err == nil && string(b) != "hello" {
				t.Errorf("%q", b)
			}
			return err
		})
	}
	if err := c.Close(ctx, c.session, k, false); err != nil {
		t.Fatal(err)
	}
	if n, err := d.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Error(n, err)
	}
	d, _ = dial()
	c.ended()
	if _, err := d.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Error("no reset:", err)
	}
	if _, err := c.Socket(ctx, c.session, sockets.Stream, false); err != abi.EBADF || !c.closed {
		t.Error("a session lives on without its client:", err)
	}
}

// TestDatagrams: datagrams with their addresses and their ends.
func TestDatagrams(t *testing.T) {
	a, b := wire(t, false, nil)
	x, y := newCustomer(t, a), newCustomer(t, b)
	ctx := t.Context()
	i, k := x.socket(sockets.Datagram), y.socket(sockets.Datagram)
	if err := errors.Join(x.Bind(ctx, x.session, i, at(addressA.Addr(), 53)), y.Bind(ctx, y.session, k, at(netip.IPv4Unspecified(), 54))); err != nil {
		t.Fatal(err)
	}
	if err := x.Bind(ctx, x.session, x.socket(sockets.Datagram), at(addressB.Addr(), 1)); err != abi.EADDRNOTAVAIL {
		t.Error(err)
	}
	for _, n := range []int{0, 1, 1000, 5000} {
		if got, err := x.Send(ctx, x.session, i, make([]byte, n), true, at(addressB.Addr(), 54)); int(got) != n || err != nil {
			t.Fatal(got, err)
		}
		y.all(k, sockets.EventIn, func() error {
			b, size, from, err := y.Receive(ctx, y.session, k, 2000, false)
			if err == nil && (len(b) != min(n, 2000) || int(size) != n || from != at(addressA.Addr(), 53)) {
				t.Errorf("%d bytes of %d, of %d, from %v", len(b), size, n, from)
			}
			return err
		})
	}
	if _, err := x.Send(ctx, x.session, i, nil, false, sockets.Address{}); err != abi.EDESTADDRREQ {
		t.Error(err)
	}
}

// TestOptions: each option that is set is told.
func TestOptions(t *testing.T) {
	a, _ := wire(t, false, nil)
	c := newCustomer(t, a)
	ctx := t.Context()
	i := c.socket(sockets.Stream)
	for option := uint8(sockets.ReuseAddress); option <= sockets.Linger; option++ {
		value := int64(1)
		switch option {
		case sockets.OnlyIPv6, sockets.HopLimit, sockets.TrafficClass, sockets.ReceiveQueueSize, sockets.ReusePort:
			continue // of others' kinds
		case sockets.SendBuffer, sockets.ReceiveBuffer, sockets.MaxSegment:
			continue // rounded
		case sockets.TypeOfService:
			value = 16 // the two lowest bits are TCP's
		case sockets.KeepAliveIdle, sockets.KeepAliveInterval, sockets.UserTimeout, sockets.Linger:
			value = int64(3 * time.Second)
		}
		if err := c.SetOption(ctx, c.session, i, option, value); err != nil {
			t.Errorf("option %d: %v", option, err)
		}
		if got, err := c.Option(ctx, c.session, i, option); got != value || err != nil {
			t.Errorf("option %d: %d, %v", option, got, err)
		}
	}
	if err := c.SetOption(ctx, c.session, i, sockets.SendBuffer, 1<<40); err != nil {
		t.Error(err)
	}
	if got, err := c.Option(ctx, c.session, i, sockets.SendBuffer); got > mostBuffer || err != nil {
		t.Error(got, err)
	}
	for _, option := range []uint8{0, sockets.Linger + 1, 255} {
		if err := c.SetOption(ctx, c.session, i, option, 1); err != abi.ENOPROTOOPT {
			t.Error(err)
		}
		if _, err := c.Option(ctx, c.session, i, option); err != abi.ENOPROTOOPT {
			t.Error(err)
		}
	}
}

// TestLimits: as many sockets as there are words for them, as many sessions as may, and numbers that are nobody's.
func TestLimits(t *testing.T) {
	a, _ := wire(t, false, nil)
	c := newCustomer(t, a)
	ctx := t.Context()
	for i := range uint32(len(c.events)/sockets.EventSize - 1) {
		if got := c.socket(sockets.Datagram); got != i {
			t.Fatal(got)
		}
	}
	if _, err := c.Socket(ctx, c.session, sockets.Stream, false); err != abi.EMFILE {
		t.Error(err)
	}
	if _, err := c.Socket(ctx, c.session, 9, false); err != abi.EINVAL {
		t.Error(err)
	}
	if err := c.Close(ctx, c.session, 5, false); err != nil || c.socket(sockets.Stream) != 5 {
		t.Error(err)
	}
	if _, err := c.Option(ctx, c.session, 1<<31, sockets.TTL); err != abi.EBADF {
		t.Error(err)
	}
	if _, err := c.Option(ctx, c.session+1, 0, sockets.TTL); err != abi.EBADF {
		t.Error(err)
	}
	for range sockets.MaxSessions - 1 {
		c.attach()
	}
	if _, _, err := c.Attach(ctx, ipc.Handle{}, ipc.Handle{}, 1); err != abi.EMFILE {
		t.Error(err)
	}
}

// TestMemory: what the manifest gives is enough for the device.
func TestMemory(t *testing.T) {
	if n := cardOptions().Bytes(); n > 1280<<10 {
		t.Errorf("the device takes %d bytes", n)
	}
}
