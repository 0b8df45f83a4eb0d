//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/machine/metal"
)

// alerts are a driver of a fixed priority and a thread that signals its notification,
// on one CPU, when nothing has happened since but that, and that the driver has received again.
// Then all that the two calls look up and check is known. The tables are true at
// every moment, so whatever else happens only has to end this state (part).
type alerts struct {
	calls     uint64 // runner.calls at the last signal that woke a driver
	signaller seat
	driver    seat
	me        int32 // the signaller
	entity    int32 // that it runs on
	endpoint  int32
	handle    uint64 // of the signaller, to the notification
	mask      uint64 // of bits that it may set
	receive   uint64 // the driver's handle to the endpoint
	options   uint64 // of its message
}

// begin notes a signal that woke a driver at once.
func (q *alerts) begin(calls, handle, mask uint64, me, entity int32) {
	if mask == 0 {
		mask = abi.NotificationBits
	}
	q.calls, q.handle, q.mask, q.me, q.entity = calls, handle, mask, me, entity
}

// setUpAlerts is called when thread driver has given way at endpoint e by its first
// call after such a signal.
func (r *runner) setUpAlerts(c *metal.Context, driver, e int32) {
	q := &r.alerts
	options := c.Arg1()
	if k.several || r.index != q.me || r.entity != q.entity || k.ipc.Parties[driver].Entity != driver ||
		c.Number() != abi.CallEndpointReceive || options != 0 && options&abi.MessageSame == 0 {
		return
	}
	q.signaller, q.driver = k.seats[q.me], k.seats[driver]
	q.receive, q.options, q.endpoint = c.Arg0(), options, e
	r.pair.state = alerting
}

// alertNow is CallNotificationSignal by the signaller of alerts.
//
//loam:noalloc
func (r *runner) alertNow(c *metal.Context) bool {
	q := &r.alerts
	bits := c.Arg1()
	if c != q.signaller.c || c.Arg0() != q.handle || bits == 0 || bits&^q.mask != 0 {
		return false
	}
	s := &q.driver
	if _, ok := r.queue.WakeTo(s.index, metal.Now()); !ok {
		return false
	}
	k.ipc.LeaveReceive(s.index)
	giveBits(s.c, bits)
	s.c.SetResult(abi.ReceivedBits)
	s.t.wait = running
	c.SetResult(0)
	r.pair.state = alerted
	r.hopTo(s, s.index)
	return true
}

// receiveNow is CallEndpointReceive by the driver of alerts.
func (r *runner) receiveNow(c *metal.Context) bool {
	q := &r.alerts
	if r.pair.state != alerted || c != q.driver.c || c.Arg0() != q.receive || c.Arg1() != q.options {
		return false
	}
	if _, _, ok := r.queue.SleepTo(metal.Now()); !ok {
		return false
	}
	k.ipc.Park(r.index, q.endpoint)
	r.t.wait = forReceive
	c.SetResult(abi.ReceivedCall)
	r.pair.state = alerting
	r.hopTo(&q.signaller, q.entity)
	return true
}

// hopTo makes the thread of a seat of alerts the current one, on an entity.
func (r *runner) hopTo(s *seat, entity int32) {
	r.t.switches++
	r.t.on = 0
	r.leaveHome()
	r.entity = entity
	r.sit(s)
	r.party = &k.ipc.Parties[s.index]
	r.t.on = r.id + 1
	r.comeHome()
}
