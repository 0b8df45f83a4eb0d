// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"

	"loam/abi"
	"loam/user/linux/inet"
	"loam/user/linux/lx"
	kinds "loam/user/linux/socket"
	"loam/user/sockets"
	"loam/user/sys"
	vnet "loam/user/virtio/net"
)

// TestSandboxLost: before it is heard that a session has ended, what can be made again with the next one waits for
// that, and what can't is left to the session's end.
func TestSandboxLost(t *testing.T) {
	a, b := wire(t, false, nil)
	l, err := gonet.ListenTCP(b.stack, tcpip.FullAddress{NIC: nicID, Port: 80}, ipv4.ProtocolNumber)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go echo(l)
	x := newSandbox(t, a)
	x.up()
	s, e := x.connect("10.0.0.2:80")
	if e != 0 {
		t.Fatal(e)
	}
	u := x.New(kinds.Datagram, false)
	if _, e := u.SendDatagram(&bytesOf{[]byte("x")}, addressOfTest("10.0.0.2:9"), netip.Addr{}); e != 0 {
		t.Fatal(e)
	}
	number, starts := uint32(0), x.starts
	for i := range uint32(10) { // the connection's number there
		if local, _, _, err := x.c.Names(t.Context(), x.c.session, i); err == nil && local.Port == s.Bound().Port() {
			number = i
		}
	}
	x.c.ended() // the server has died, and nobody knows it
	if k, e := x.connect("10.0.0.2:80"); e != inet.Unknown {
		t.Errorf("connect: %v", e)
	} else {
		k.Close()
	}
	if _, e := u.SendDatagram(&bytesOf{[]byte("x")}, addressOfTest("10.0.0.2:9"), netip.Addr{}); e != inet.Unknown {
		t.Errorf("sendto: %v", e)
	}
	if _, e := x.New(kinds.Datagram, false).SendDatagram(&bytesOf{[]byte("x")}, addressOfTest("10.0.0.2:9"), netip.Addr{}); e != inet.Unknown {
		t.Errorf("sendto of a new socket: %v", e)
	}
	word := sys.LoadShared(x.c.events, int(number)*sockets.EventSize)
	sys.StoreShared(x.c.events, int(number)*sockets.EventSize, word+1<<sockets.EventCount|sockets.EventError)
	x.Heard()
	if s.Failing() || s.State() != inet.Established {
		t.Error("an event of a session that is lost is believed")
	}
	u.Close()
	x.Down()
	if !s.Failing() || x.starts != starts+1 {
		t.Errorf("%v, %d starts: its other end isn't to hear of it", s.State(), x.starts-starts)
	}
	x.up()
	if _, e := x.connect("10.0.0.2:80"); e != 0 {
		t.Error(e)
	}
}

// TestSandboxWithout: all that wait for a network hear that there is none, or not yet; a listener has it tried again.
func TestSandboxWithout(t *testing.T) {
	a, _ := wire(t, false, nil)
	x := newSandbox(t, a)
	dial := func(want abi.Errno) {
		t.Helper()
		if e := x.New(kinds.Stream, false).Connect(addressOfTest("10.0.0.2:80"), true); e != want {
			t.Errorf("%v, want %v", e, want)
		}
	}
	dial(inet.Unknown)
	dial(inet.Unknown)
	if x.NoNetwork() {
		t.Error("nobody wants it again")
	}
	for range 3 { // each of those that waited
		dial(abi.ENETUNREACH)
	}
	if x.starts != 2 {
		t.Errorf("%d starts", x.starts)
	}
	l := x.New(kinds.Stream, false)
	if e := errors.Join(errnoError(l.Bind(addressOfTest("0.0.0.0:80"))), errnoError(l.Listen(5))); e != nil {
		t.Fatal(e)
	}
	if !x.NoNetwork() {
		t.Error("a listener wants it again")
	}
	if x.Retry(); x.starts != 3 {
		t.Errorf("%d starts", x.starts)
	}
	x.up()
	if used(x.c) != 1 {
		t.Error("the listener isn't there")
	}
	x.Late()
	dial(abi.EINPROGRESS)

	y := newSandbox(t, a) // whose server takes long to begin
	y.New(kinds.Stream, false).Connect(addressOfTest("10.0.0.2:80"), true)
	y.Late()
	if e := y.New(kinds.Stream, false).Connect(addressOfTest("10.0.0.2:80"), true); e != abi.ENETUNREACH || y.starts != 1 {
		t.Error(e, y.starts)
	}
	y.up()
	if e := y.New(kinds.Stream, false).Connect(addressOfTest("10.0.0.2:80"), true); e != abi.EINPROGRESS {
		t.Error(e)
	}
}

func errnoError(e abi.Errno) error {
	if e == 0 {
		return nil
	}
	return e
}

// dialFrom connects to a port of the first network from the other.
func dialFrom(t *testing.T, b *network, port uint16) *gonet.TCPConn {
	t.Helper()
	c, err := gonet.DialTCP(b.stack, tcpip.FullAddress{NIC: nicID, Addr: address(addressA.Addr()), Port: port}, ipv4.ProtocolNumber)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestSandboxBacklog: connections for which a backlog has no room are taken when listen(2) gives it more, and those for which the
// server had none when there is some again.
func TestSandboxBacklog(t *testing.T) {
	a, b := wire(t, false, nil)
	x := newSandbox(t, a)
	x.up()
	l := x.New(kinds.Stream, false)
	if e := errors.Join(errnoError(l.Bind(addressOfTest("0.0.0.0:80"))), errnoError(l.Listen(0))); e != nil {
		t.Fatal(e)
	}
	for range 2 { // one here, one there
		dialFrom(t, b, 80)
		until(t, "it is there", func() bool { x.Heard(); return used(x.c) == 2 })
	}
	time.Sleep(50 * time.Millisecond)
	if x.Heard(); used(x.c) != 2 {
		t.Fatal(used(x.c))
	}
	if e := l.Listen(5); e != 0 || used(x.c) != 3 {
		t.Errorf("%v, %d sockets there", e, used(x.c))
	}
	for range 2 {
		if _, e := l.Accept(); e != 0 {
			t.Error(e)
		}
	}
	a.memory.mu.Lock()
	most := a.memory.most
	a.memory.most = 0
	a.memory.mu.Unlock()
	dialFrom(t, b, 80)
	until(t, "it is there", func() bool { x.Heard(); return sys.LoadShared(x.c.events, 0)&sockets.EventIn != 0 })
	if _, e := l.Accept(); e != lx.Wait {
		t.Error(e)
	}
	a.memory.mu.Lock()
	a.memory.most = most
	a.memory.mu.Unlock()
	a.memory.give(0)
	if e := x.until(func() (e abi.Errno) { _, e = l.Accept(); return e }); e != 0 {
		t.Error(e)
	}
}

// TestSandboxShutdown: who receives no more by his own will hasn't heard the other end's end.
func TestSandboxShutdown(t *testing.T) {
	a, b := wire(t, false, nil)
	deaf(t, b)
	x := newSandbox(t, a)
	x.up()
	s, e := x.connect("10.0.0.2:80")
	if e != 0 {
		t.Fatal(e)
	}
	if e := s.Shutdown(kinds.NoReceive); e != 0 {
		t.Fatal(e)
	}
	time.Sleep(20 * time.Millisecond)
	if x.Heard(); s.State() != inet.Established {
		t.Errorf("state %d", s.State())
	}
	if e := x.send(s, []byte("x")); e != 0 {
		t.Error(e)
	}
}

// TestSandboxDatagramErrors: an error that nobody was told of isn't lost by an event, and what can't be sent now can't be written.
func TestSandboxDatagramErrors(t *testing.T) {
	a, _ := wire(t, false, nil)
	x := newSandbox(t, a)
	x.up()
	u := x.New(kinds.Datagram, false)
	if e := u.Connect(addressOfTest("10.0.0.2:9"), true); e != 0 {
		t.Fatal(e)
	}
	if _, e := u.SendDatagram(&bytesOf{[]byte("x")}, nil, netip.Addr{}); e != 0 {
		t.Fatal(e)
	}
	x.until(func() abi.Errno { // nobody is there
		if !u.Failing() {
			return lx.Wait
		}
		return 0
	})
	word := sys.LoadShared(x.c.events, 0)
	sys.StoreShared(x.c.events, 0, (word + 1<<sockets.EventCount | sockets.EventError))
	if x.Heard(); !u.Failing() {
		t.Error("the error is lost")
	}
	sys.StoreShared(x.c.events, 0, sys.LoadShared(x.c.events, 0)&^sockets.EventOut)
	if u.Events()&abi.EPOLLOUT != 0 {
		t.Error("it can be written")
	}
	if e := u.TakeError(); e != abi.ECONNREFUSED {
		t.Error(e)
	}
}

// TestNoPort: errors are those of Linux when all ports are taken.
func TestNoPort(t *testing.T) {
	a, _ := wire(t, false, nil)
	if err := a.stack.SetPortRange(20000, 20000); err != nil {
		t.Fatal(err)
	}
	c := newCustomer(t, a)
	ctx := t.Context()
	if err := c.Bind(ctx, c.session, c.socket(sockets.Stream), at(netip.IPv4Unspecified(), 20000)); err != nil {
		t.Fatal(err)
	}
	if err := c.Bind(ctx, c.session, c.socket(sockets.Stream), at(netip.IPv4Unspecified(), 0)); err != abi.EADDRINUSE {
		t.Error(err)
	}
	if err := c.Connect(ctx, c.session, c.socket(sockets.Stream), at(addressB.Addr(), 80)); err != abi.EADDRNOTAVAIL {
		t.Error(err)
	}
}

// TestDetach: a session that its client doesn't want is no more.
func TestDetach(t *testing.T) {
	a, _ := wire(t, false, nil)
	c := newCustomer(t, a)
	if err := c.Detach(t.Context(), c.session); err != nil || !c.closed {
		t.Error(err)
	}
	if err := c.Detach(t.Context(), c.session); err != abi.EBADF {
		t.Error(err)
	}
	for range sockets.MaxSessions {
		c.attach()
	}
}

// TestSameAdvertisement: what a router says again is no change.
func TestSameAdvertisement(t *testing.T) {
	p := newPort(1, false)
	n := p.run(t)
	n.settle(false)
	n.settle(true)
	hear := func() { p.comes(advertisement(), vnet.Offload{}) }
	hear()
	until(t, "it has an address", func() bool { return len(n.configuration().DNS) == 1 && len(n.configuration().Addresses) == 2 })
	time.Sleep(50 * time.Millisecond)
	before := n.configuration().Changes
	for range 5 {
		hear()
		time.Sleep(10 * time.Millisecond)
	}
	if now := n.configuration().Changes; now != before {
		t.Errorf("%d changes", now-before)
	}
}

// liar is a server that answers what can't be.
type liar struct {
	sockets.Sockets
	number uint32
	far    sockets.Address
	n      uint32
	errno  uint32
	option int64
}

func (l *liar) Socket(context.Context, uint64, uint8, bool) (uint32, error) { return l.number, nil }

func (l *liar) Bind(context.Context, uint64, uint32, sockets.Address) error   { return nil }
func (l *liar) Listen(context.Context, uint64, uint32, uint32) error          { return nil }
func (l *liar) SetOption(context.Context, uint64, uint32, uint8, int64) error { return nil }
func (l *liar) Close(context.Context, uint64, uint32, bool) error             { return nil }

func (l *liar) Accept(context.Context, uint64, uint32) (uint32, sockets.Address, sockets.Address, error) {
	l.number++
	return l.number, l.far, l.far, nil
}

func (l *liar) Send(_ context.Context, _ uint64, _ uint32, data []byte, _ bool, _ sockets.Address) (uint32, error) {
	return uint32(len(data)) + l.n, nil
}

func (l *liar) Receive(_ context.Context, _ uint64, _ uint32, most uint32, _ bool) ([]byte, uint32, sockets.Address, error) {
	return make([]byte, most+l.n), 1 << 31, l.far, nil
}

func (l *liar) Error(context.Context, uint64, uint32) (uint32, error) { return l.errno, nil }

func (l *liar) Option(context.Context, uint64, uint32, uint8) (int64, error) { return l.option, nil }

func (l *liar) Connect(context.Context, uint64, uint32, sockets.Address) error {
	return abi.Errno(l.errno)
}

// TestSandboxBelievesLittle: whatever the server says, the personality lives, and its programs are told nothing that can't be.
func TestSandboxBelievesLittle(t *testing.T) {
	a, _ := wire(t, false, nil)
	six := netip.MustParseAddr("2001:db8::1")
	begin := func(l *liar) *sandbox {
		x := newSandbox(t, a)
		x.c.attach()
		l.Sockets, l.far = x.c.server, sockets.Address{IP: ipOf(six), Port: 9}
		c := x.c.network.configuration()
		for i := range 100 {
			c.Addresses = append(c.Addresses, sockets.Prefix{IP: ipOf(six), Bits: byte(i * 3)})
		}
		c.Domain = fmt.Sprintf("%01000d", 1)
		x.Up(inet.Session{Server: l, Number: x.c.session, Events: x.c.events}, c)
		return x
	}
	tell := func(x *sandbox, i, events uint32) {
		sys.StoreShared(x.c.events, int(i)*sockets.EventSize, events|sys.LoadShared(x.c.events, int(i)*sockets.EventSize)+1<<sockets.EventCount)
		x.Heard()
	}
	for _, number := range []uint32{sockets.MaxSockets, 1<<32 - 1} {
		x := begin(&liar{number: number})
		if _, e := x.connect("10.0.0.2:80"); e != abi.EIO {
			t.Errorf("number %d: %v", number, e)
		}
	}
	for _, errno := range []abi.Errno{lx.Wait, inet.Unknown, 5000} {
		x := begin(&liar{errno: uint32(errno)})
		if _, e := x.connect("10.0.0.2:80"); e != abi.EIO {
			t.Errorf("error %d: %v", errno, e)
		}
	}
	x := begin(&liar{n: 100, option: -1})
	s := x.New(kinds.Stream, false)
	if e := s.Connect(addressOfTest("10.0.0.2:80"), true); e != abi.EINPROGRESS {
		t.Fatal(e)
	}
	tell(x, 0, sockets.EventOut|sockets.EventIn)
	if n, e := s.Send(&bytesOf{make([]byte, 10)}); n != 10 || e != 0 {
		t.Error(n, e)
	}
	if n, e := s.Receive(&bytesOf{make([]byte, 10)}, false, false); n != 10 || e != 0 {
		t.Error(n, e)
	}
	if n, e := s.Receive(&bytesOf{make([]byte, 10)}, false, true); n != 10 || e != 0 {
		t.Error(n, e)
	}
	if n := s.Buffered(); n != 0 {
		t.Error(n)
	}
	x = begin(&liar{n: 100, number: 7})
	u := x.New(kinds.Datagram, false)
	if e := u.Bind(addressOfTest("0.0.0.0:53")); e != 0 {
		t.Fatal(e)
	}
	tell(x, 7, sockets.EventIn|sockets.EventOut)
	if n, from, e := u.ReceiveDatagram(&bytesOf{make([]byte, 10)}, false); n != 10 || e != 0 || from.Size > 1<<16 || !from.From.Addr().Is4() {
		t.Error(n, from, e)
	}
	if k := x.New(kinds.Datagram, false); k.Connect(addressOfTest("10.0.0.2:80"), true) != 0 {
		t.Error("a second socket of the same number harms who asks for it")
	}
	x = begin(&liar{})
	l := x.New(kinds.Stream, false)
	if e := errors.Join(errnoError(l.Bind(addressOfTest("0.0.0.0:80"))), errnoError(l.Listen(3))); e != nil {
		t.Fatal(e)
	}
	tell(x, 0, sockets.EventIn)
	s, e := l.Accept()
	if to, _ := s.Remote(true); e != 0 || !to.Addr().Is4() || !s.Bound().Addr().Is4() {
		t.Error(s, e)
	}
	inet.AppendAddress(nil, false, s.Bound())
}
