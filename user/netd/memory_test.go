// SPDX-License-Identifier: Apache-2.0

package netd

import (
	"errors"
	"io"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"

	"loam/abi"
	"loam/user/sockets"
)

// poor gives a client of a network that has so much memory for sockets, and a neighbour.
func poor(t *testing.T, memory int64) (c *customer, b *network) {
	a, b := wire(t, false, func(a, _ *port) { a.memory = memory })
	c = newCustomer(t, a)
	c.events = make([]byte, sockets.EventsSize)
	c.attach()
	return c, b
}

// used is what is reserved.
func (a *account) inUse() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.used
}

// until waits for something that happens by itself.
func until(t *testing.T, what string, true func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !true(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

// deaf listens at a port of a network, and reads nothing of what comes.
func deaf(t *testing.T, b *network) {
	l, err := gonet.ListenTCP(b.stack, tcpip.FullAddress{NIC: nicID, Port: 80}, ipv4.ProtocolNumber)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			if _, err := l.Accept(); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
}

// fill connects a socket and sends until nothing more is taken, and tells how much was.
func (c *customer) fill(i uint32) (n int) {
	c.t.Helper()
	if err := c.Connect(c.t.Context(), c.session, i, at(addressB.Addr(), 80)); err != abi.EINPROGRESS {
		c.t.Fatal(err)
	}
	c.wait(i, sockets.EventOut)
	for {
		k, err := c.Send(c.t.Context(), c.session, i, make([]byte, sockets.MaxData), false, sockets.Address{})
		if err == abi.EAGAIN {
			return n
		}
		if err != nil {
			c.t.Fatal(err)
		}
		n += int(k)
	}
}

// TestBounded: sockets that are filled take what is theirs and no more, the next ones less and less, until there are none (ENOBUFS);
// those that are closed are charged as long as the stack has them, and are given up for others.
func TestBounded(t *testing.T) {
	const memory = 2 << 20
	c, b := poor(t, memory)
	deaf(t, b)
	live := func() (m runtime.MemStats) {
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m
	}
	before := live()
	var all []uint32
	for {
		i, err := c.Socket(t.Context(), c.session, sockets.Stream, false)
		if err == abi.ENOBUFS {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, i)
		if len(all) <= 40 {
			c.fill(i)
		}
	}
	if len(all) < memory/(perSocket+2*firstBuffer)/2 {
		t.Errorf("%d sockets fit", len(all))
	}
	if u := c.network.memory.inUse(); u > memory {
		t.Errorf("%d bytes of %d are reserved", u, memory)
	}
	// The neighbour's buffers are in this process, too: it has as much.
	if after := live(); int64(after.HeapAlloc)-int64(before.HeapAlloc) > 2*timesMemory*memory {
		t.Errorf("%d KiB are in use", (after.HeapAlloc-before.HeapAlloc)>>10)
	}
	used := c.network.memory.inUse()
	for _, i := range all[:40] { // with what wasn't sent
		if err := c.Close(t.Context(), c.session, i, false); err != nil {
			t.Fatal(err)
		}
	}
	if left := c.network.memory.inUse(); left < used/2 || left >= used {
		t.Errorf("%d bytes of %d stay charged for what is to be sent", left, used)
	}
	for range 40 { // the closed ones make room
		c.socket(sockets.Stream)
	}
	c.ended()
	m := &c.network.memory
	m.mu.Lock()
	m.linger = 0 // its time is over
	m.mu.Unlock()
	until(t, "all is given back", func() bool { return c.network.memory.inUse() == 0 })
}

// TestSlowReader: who reads slowly has all that was sent before the close, however long that takes.
func TestSlowReader(t *testing.T) {
	c, b := poor(t, 4<<20)
	const linger = time.Second
	c.network.memory.linger = linger
	l, err := gonet.ListenTCP(b.stack, tcpip.FullAddress{NIC: nicID, Port: 80}, ipv4.ProtocolNumber)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	i := c.socket(sockets.Stream)
	sent := c.fill(i)
	if err := c.Close(t.Context(), c.session, i, false); err != nil {
		t.Fatal(err)
	}
	from, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	got, begun := int64(0), time.Now()
	for err == nil {
		var n int64
		n, err = io.CopyN(io.Discard, from, int64(sent)/40+1)
		got += n
		time.Sleep(linger / 10)
	}
	if err != io.EOF || got != int64(sent) || time.Since(begun) < 2*linger {
		t.Errorf("%d bytes of %d came in %v: %v", got, sent, time.Since(begun), err)
	}
}

// TestGivenBack: of a connection that is closed nothing stays charged when its other end has all, but for the time that late
// segments have.
func TestGivenBack(t *testing.T) {
	c, b := poor(t, 2<<20)
	l, err := gonet.ListenTCP(b.stack, tcpip.FullAddress{NIC: nicID, Port: 80}, ipv4.ProtocolNumber)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go echo(l)
	i := c.socket(sockets.Stream)
	c.fill(i)
	if c.network.memory.inUse() <= perSocket+2*firstBuffer {
		t.Error("its buffer hasn't grown")
	}
	if err := errors.Join(c.Shutdown(t.Context(), c.session, i, false, true), c.Close(t.Context(), c.session, i, false)); err != nil {
		t.Fatal(err)
	}
	until(t, "it is given back", func() bool { return c.network.memory.inUse() <= perSocket })
}

// TestAcceptsLater: a connection for which there is no memory, or no number, waits; the listener hears when there is.
func TestAcceptsLater(t *testing.T) {
	for name, least := range map[string]abi.Errno{"memory": abi.ENOBUFS, "number": abi.EMFILE} {
		t.Run(name, func(t *testing.T) {
			memory := int64(1 << 20)
			if least == abi.EMFILE {
				memory = 1 << 30
			}
			c, b := poor(t, memory)
			ctx := t.Context()
			i := c.socket(sockets.Stream)
			if err := errors.Join(c.Bind(ctx, c.session, i, at(netip.IPv4Unspecified(), 80)), c.Listen(ctx, c.session, i, 10)); err != nil {
				t.Fatal(err)
			}
			var last uint32
			for {
				k, err := c.Socket(ctx, c.session, sockets.Datagram, false)
				if err == least {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				last = k
			}
			far, err := gonet.DialTCP(b.stack, tcpip.FullAddress{NIC: nicID, Addr: address(addressA.Addr()), Port: 80}, ipv4.ProtocolNumber)
			if err != nil {
				t.Fatal(err)
			}
			defer far.Close()
			c.wait(i, sockets.EventIn)
			if _, _, _, err := c.Accept(ctx, c.session, i); err != least {
				t.Fatal(err)
			}
			select {
			case <-c.woken:
			default:
			}
			for range 3 {
				if err := c.Close(ctx, c.session, last, false); err != nil {
					t.Fatal(err)
				}
				last--
			}
			select {
			case <-c.woken:
			case <-time.After(10 * time.Second):
				t.Fatal("the listener isn't told that there is room")
			}
			if _, _, _, err := c.Accept(ctx, c.session, i); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestEmptyDatagrams: datagrams that have no bytes, which are all that the stack counts, are no more than may wait.
func TestEmptyDatagrams(t *testing.T) {
	c, b := poor(t, 256<<10)
	i := c.socket(sockets.Datagram)
	if err := c.Bind(t.Context(), c.session, i, at(netip.IPv4Unspecified(), 9)); err != nil {
		t.Fatal(err)
	}
	u, err := gonet.DialUDP(b.stack, nil, &tcpip.FullAddress{NIC: nicID, Addr: address(addressA.Addr()), Port: 9}, ipv4.ProtocolNumber)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	send := func(n int) {
		for i := range n {
			if _, err := u.Write(nil); err != nil {
				t.Fatal(err)
			}
			if i%100 == 99 || i == n-1 {
				time.Sleep(20 * time.Millisecond) // for them to be handled
			}
		}
	}
	send(1000)
	for round := range 2 {
		n := 0
		for ; ; n++ {
			if _, _, _, err := c.Receive(t.Context(), c.session, i, 10, false); err == abi.EAGAIN {
				break
			}
		}
		if n != mostDatagrams {
			t.Errorf("%d datagrams wait, round %d", n, round)
		}
		send(mostDatagrams)
	}
}

// TestServerMemory: what the manifest's limit leaves for sockets.
func TestServerMemory(t *testing.T) {
	for limit, want := range map[uint64]int64{0: leastMemory, 8 << 20: leastMemory, 32 << 20: 8 << 20, 1 << 63: 1<<39 - 8<<20} {
		if got := memoryFor(limit); got != want {
			t.Errorf("of %d: %d", limit, got)
		}
	}
}
