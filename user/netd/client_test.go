// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
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
	vnet "loam/user/virtio/net"
)

// sandbox is a host of the Linux personality whose network is a server's, without messages between them.
type sandbox struct {
	*inet.Host
	t      *testing.T
	c      *customer
	starts int // of a session, that were asked for
}

func newSandbox(t *testing.T, n *network) *sandbox {
	x := &sandbox{Host: inet.NewHost(), t: t, c: newCustomer(t, n)}
	x.c.events = make([]byte, sockets.EventsSize)
	x.Attach(func() { x.starts++ })
	return x
}

// up begins a session.
func (x *sandbox) up() {
	x.c.attach()
	x.Up(inet.Session{Server: x.c.server, Number: x.c.session, Events: x.c.events}, x.c.network.configuration())
}

// until makes a call again, whenever the server has said something, until it gives something else than lx.Wait.
func (x *sandbox) until(call func() abi.Errno) abi.Errno {
	x.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		x.Heard()
		if e := call(); e != lx.Wait {
			return e
		}
		select {
		case <-x.c.woken:
		case <-timeout:
			x.t.Fatal("nothing happens")
		}
	}
}

// bytesOf is memory of who calls.
type bytesOf struct{ b []byte }

func (m *bytesOf) Len() int { return len(m.b) }

func (m *bytesOf) Put(p []byte) (int, abi.Errno) {
	n := copy(m.b, p)
	m.b = m.b[n:]
	return n, 0
}

func (m *bytesOf) Get(p []byte) (int, abi.Errno) {
	n := copy(p, m.b)
	m.b = m.b[n:]
	return n, 0
}

func addressOfTest(text string) []byte {
	return inet.AppendAddress(nil, false, netip.MustParseAddrPort(text))
}

func (x *sandbox) connect(to string) (*inet.Socket, abi.Errno) {
	s := x.New(kinds.Stream, false)
	e := s.Connect(addressOfTest(to), true)
	if e != abi.EINPROGRESS {
		return s, e
	}
	return s, x.until(func() abi.Errno {
		if e := s.Connect(addressOfTest(to), true); e != abi.EALREADY {
			return e
		}
		return lx.Wait
	})
}

// send sends all of it, and receive receives until the end.
func (x *sandbox) send(s *inet.Socket, b []byte) abi.Errno {
	return x.until(func() abi.Errno {
		n, e := s.Send(&bytesOf{b})
		b = b[n:]
		return e
	})
}

func (x *sandbox) receive(s *inet.Socket) (all []byte, e abi.Errno) {
	for {
		n, b := 0, make([]byte, 100_000)
		e := x.until(func() (e abi.Errno) {
			n, e = s.Receive(&bytesOf{b}, false, false)
			return e
		})
		if e != 0 || n == 0 {
			return all, e
		}
		all = append(all, b[:n]...)
	}
}

// echo sends back what comes to a listener, when its end has come.
func echo(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			if b, err := io.ReadAll(c); err == nil {
				_, _ = c.Write(b)
			}
		}()
	}
}

// TestSandboxConnects: a stream from a sandbox to beyond it, with more than any buffer has, that ends in one
// direction first; and nobody who listens, and no way.
func TestSandboxConnects(t *testing.T) {
	a, b := wire(t, true, nil)
	l, err := gonet.ListenTCP(b.stack, tcpip.FullAddress{NIC: nicID, Port: 80}, ipv4.ProtocolNumber)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go echo(l)
	x := newSandbox(t, a)
	if _, e := x.connect("10.0.0.2:80"); e != inet.Unknown || x.starts != 1 {
		t.Errorf("%v before the network is known, %d starts", e, x.starts)
	}
	x.up()
	s, e := x.connect("10.0.0.2:80")
	if to, ok := s.Remote(false); e != 0 || s.State() != inet.Established || !ok || to.String() != "10.0.0.2:80" || s.Bound().Addr() != addressA.Addr() || s.Bound().Port() == 0 {
		t.Fatalf("%v %v %v", e, s.State(), s.Bound())
	}
	if e := s.Set(6, 1, []byte{1, 0, 0, 0}); e != 0 {
		t.Error(e)
	}
	sent := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	if e := x.send(s, sent); e != 0 {
		t.Fatal(e)
	}
	if e := s.Shutdown(kinds.NoSend); e != 0 || s.State() != inet.FinWait2 {
		t.Error(e, s.State())
	}
	if got, e := x.receive(s); e != 0 || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came back: %v", len(got), e)
	}
	if v := s.Events(); v&(abi.EPOLLIN|abi.EPOLLRDHUP|abi.EPOLLHUP) != abi.EPOLLIN|abi.EPOLLRDHUP|abi.EPOLLHUP {
		t.Errorf("%#x", v)
	}
	s.Close()
	if _, e := x.connect("10.0.0.2:81"); e != abi.ECONNREFUSED {
		t.Error(e)
	}
	if _, e := x.connect("10.9.9.9:80"); e != abi.ENETUNREACH {
		t.Error(e)
	}
	k := x.New(kinds.Stream, false)
	if e := k.Bind(addressOfTest("10.0.0.9:0")); e != abi.EADDRNOTAVAIL {
		t.Error(e)
	}
	if e := k.Bind(addressOfTest("127.0.0.1:0")); e != 0 || k.Connect(addressOfTest("10.0.0.2:80"), true) != abi.EINVAL {
		t.Error(e)
	}
}

// TestSandboxListens: who listens at all addresses is reached from the sandbox and from beyond it, and again when the
// server has died; connections are reset then.
func TestSandboxListens(t *testing.T) {
	var dead atomic.Bool
	a, b := wire(t, false, func(a, _ *port) {
		out := a.out
		a.out = func(b []byte, o vnet.Offload) {
			if !dead.Load() {
				out(b, o)
			}
		}
	})
	x := newSandbox(t, a)
	l := x.New(kinds.Stream, false)
	if e := l.Bind(addressOfTest("0.0.0.0:80")); e != 0 {
		t.Fatal(e)
	}
	if e := l.Listen(5); e != 0 || x.starts != 1 {
		t.Fatal(e, x.starts)
	}
	to := tcpip.FullAddress{NIC: nicID, Addr: address(addressA.Addr()), Port: 80}
	var before *gonet.TCPConn // of the last session
	for session := range 3 {
		x.up()
		if before != nil {
			_ = before.SetReadDeadline(time.Now().Add(10 * time.Second))
			n, err := before.Read(make([]byte, 10))
			if late, ok := err.(net.Error); err == nil || ok && late.Timeout() {
				t.Errorf("the other end of a connection that is over hears %d, %v", n, err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		far, err := gonet.DialContextTCP(ctx, b.stack, to, ipv4.ProtocolNumber)
		if err != nil {
			t.Fatal(err)
		}
		var s *inet.Socket
		if e := x.until(func() (e abi.Errno) { s, e = l.Accept(); return e }); e != 0 {
			t.Fatal(e)
		}
		if s.Bound().Addr() != addressA.Addr() || s.Bound().Port() != 80 || s.State() != inet.Established {
			t.Error(s.Bound(), s.State())
		}
		if e := x.send(s, []byte("hello")); e != 0 {
			t.Error(e)
		}
		got := make([]byte, 5)
		if _, err := io.ReadFull(far, got); err != nil || string(got) != "hello" {
			t.Error(string(got), err)
		}
		near, e := x.connect("127.0.0.1:80")
		if e != 0 {
			t.Error(e)
		}
		if _, e := l.Accept(); e != 0 {
			t.Error(e)
		}
		if own, e := x.connect("10.0.0.1:80"); e != 0 || own.Bound().Addr() != addressA.Addr() {
			t.Error(e, own.Bound())
		}
		if _, e := l.Accept(); e != 0 {
			t.Error(e)
		}
		dead.Store(true) // as when the server dies: its sockets are no more, and nobody says so
		x.c.ended()
		time.Sleep(100 * time.Millisecond) // what it sends is lost
		dead.Store(false)
		x.Down()
		if _, e := x.receive(s); e != abi.ECONNRESET || x.starts != session+2 {
			t.Error(e, x.starts)
		}
		if near.State() != inet.Established {
			t.Error("a connection of the sandbox's own has ended")
		}
		before = far
	}
	if _, e := l.Accept(); e != lx.Wait {
		t.Error(e)
	}
}

// TestSandboxReset: what came before a reset can be read.
func TestSandboxReset(t *testing.T) {
	a, b := wire(t, false, nil)
	l, err := gonet.ListenTCP(b.stack, tcpip.FullAddress{NIC: nicID, Port: 80}, ipv4.ProtocolNumber)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = c.Read(make([]byte, 1))
			_, _ = c.Write([]byte("answer"))
			_ = c.Close() // with something that wasn't read: a reset
		}
	}()
	x := newSandbox(t, a)
	x.up()
	s, e := x.connect("10.0.0.2:80")
	if e != 0 {
		t.Fatal(e)
	}
	if e := x.send(s, []byte("request")); e != 0 {
		t.Fatal(e)
	}
	x.until(func() abi.Errno {
		if !s.Failing() {
			return lx.Wait
		}
		return 0
	})
	if got, e := x.receive(s); string(got) != "answer" || e != abi.ECONNRESET {
		t.Errorf("%q, %v", got, e)
	}
}

// TestSandboxAcceptsEnded: a connection whose other end has ended before it is accepted tells so.
func TestSandboxAcceptsEnded(t *testing.T) {
	a, b := wire(t, false, nil)
	x := newSandbox(t, a)
	x.up()
	l := x.New(kinds.Stream, false)
	if e := l.Bind(addressOfTest("0.0.0.0:80")); e != 0 {
		t.Fatal(e)
	}
	if e := l.Listen(5); e != 0 {
		t.Fatal(e)
	}
	far, err := gonet.DialTCP(b.stack, tcpip.FullAddress{NIC: nicID, Addr: address(addressA.Addr()), Port: 80}, ipv4.ProtocolNumber)
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	if err := far.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // it comes, and nobody looks
	var s *inet.Socket
	if e := x.until(func() (e abi.Errno) { s, e = l.Accept(); return e }); e != 0 {
		t.Fatal(e)
	}
	x.until(func() abi.Errno {
		if s.State() != inet.CloseWait || s.Events()&abi.EPOLLRDHUP == 0 {
			return lx.Wait
		}
		return 0
	})
}

// TestSandboxDatagrams: datagrams to beyond the sandbox and back, of a socket that is connected and one that isn't.
func TestSandboxDatagrams(t *testing.T) {
	a, b := wire(t, false, nil)
	p, err := gonet.DialUDP(b.stack, &tcpip.FullAddress{NIC: nicID, Addr: address(addressB.Addr()), Port: 7}, nil, ipv4.ProtocolNumber)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	go func() {
		b := make([]byte, 5000)
		for {
			n, from, err := p.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = p.WriteTo(b[:n], from)
		}
	}()
	x := newSandbox(t, a)
	x.up()
	for _, connected := range []bool{false, true} {
		s := x.New(kinds.Datagram, false)
		to := addressOfTest("10.0.0.2:7")
		if connected {
			if e := s.Connect(to, true); e != 0 || s.Bound().Addr() != addressA.Addr() {
				t.Fatal(e, s.Bound())
			}
			to = nil
		}
		want := bytes.Repeat([]byte("x"), 3000)
		if n, e := s.SendDatagram(&bytesOf{want}, to, netip.Addr{}); e != 0 || n != len(want) {
			t.Fatal(n, e)
		}
		got := make([]byte, 2000)
		var from inet.Arrived
		n := 0
		if e := x.until(func() (e abi.Errno) { n, from, e = s.ReceiveDatagram(&bytesOf{got}, false); return e }); e != 0 || n != len(got) ||
			from.Size != len(want) || from.From.String() != "10.0.0.2:7" || from.To.Addr() != addressA.Addr() {
			t.Error(n, from, e)
		}
		if e := s.Connect(addressOfTest("127.0.0.1:9"), true); e != 0 {
			t.Error(e)
		}
		s.Close()
	}
	if used := used(x.c); used != 0 {
		t.Errorf("%d sockets are left", used)
	}
}

// used is how many sockets a client's session has.
func used(c *customer) (n int) {
	s, err := c.server.session(c.session)
	if err != nil {
		return -1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.sockets {
		if k != nil {
			n++
		}
	}
	return n
}
