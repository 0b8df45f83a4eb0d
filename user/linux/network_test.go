// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"context"
	"testing"
	"time"

	"loam/abi"
	"loam/user/linux/inet"
	"loam/user/linux/lx"
	"loam/user/sockets"
)

// slowNetwork is a network's server whose connections never come to be.
type slowNetwork struct{ sockets.Sockets }

func (slowNetwork) Socket(context.Context, uint64, uint8, bool) (uint32, error) { return 0, nil }
func (slowNetwork) Close(context.Context, uint64, uint32, bool) error           { return nil }
func (slowNetwork) SetOption(context.Context, uint64, uint32, uint8, int64) error {
	return nil
}
func (slowNetwork) Connect(context.Context, uint64, uint32, sockets.Address) error {
	return abi.EINPROGRESS
}

func (slowNetwork) Names(context.Context, uint64, uint32) (l sockets.Address, connected bool, f sockets.Address, err error) {
	return l, false, f, nil
}

// TestNetworkTimeout: a connect with a limit of time that has first waited for the network to be known has its limit still.
func TestNetworkTimeout(t *testing.T) {
	w := newWorld(t)
	starts := 0
	w.Server.inet.Attach(func() { starts++ })
	fd := w.call(lx.SysSocket, 2, 1, 0)
	w.want(0, lx.SysSetsockopt, fd, 1, 21, w.put(0, "\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 16)
	token := w.waits(lx.SysConnect, fd, w.put(100, "\x02\x00\x00\x50\x0a\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00"), 16)
	if starts != 1 {
		t.Fatal(starts)
	}
	w.k.now += 5 * int64(time.Second) // which aren't the program's
	ip := sockets.IP{Bytes: [16]byte{10: 0xff, 11: 0xff, 12: 10, 15: 1}, Four: true}
	w.Server.inet.Up(inet.Session{Server: slowNetwork{}, Events: make([]byte, sockets.EventsSize)},
		sockets.Configuration{Addresses: []sockets.Prefix{{IP: ip, Bits: 24}}})
	w.Tick()
	w.answered(token, nil)
	if want := w.k.now + 2*int64(time.Second); w.k.alarm != want {
		t.Fatalf("the alarm is at %d, want %d", w.k.alarm, want)
	}
	w.k.now += 2 * int64(time.Second)
	w.Tick()
	w.answered(token, abi.EINPROGRESS)
}
