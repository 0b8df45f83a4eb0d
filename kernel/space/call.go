// SPDX-License-Identifier: Apache-2.0

package space

import (
	"loam/abi"
	"loam/kernel/memory"
)

// More is what a call answers that is not done: the thread makes the same call
// again, with the same [Call]. No program sees it. (Linux's ERESTARTNOINTR.)
const More = memory.More

// Call is what a thread keeps of a call that is made in pieces: which one, and
// how far it has come. A thread has one; the zero value is none.
//
// Between More and the repetition the thread does nothing else: a signal waits,
// as on Linux, where these calls can't be interrupted, unless it ends the
// thread. Pending says so. The zero value may replace a Call at any time; its
// pieces stay done, and a repetition starts anew.
type Call struct {
	op   op
	args [4]uint64
	at   uint64 // everything before is done
	end  uint64 // of what is to be done, where args don't say it

	move  uint64 // which move of the space is made for it, 0: none
	to    uint64 // where it went
	errno abi.Errno
}

// op is a call that may need more than one piece.
type op uint8

const (
	opNone op = iota
	opWait    // any other, not begun
	opMap
	opUnmap
	opProtect
	opAdvise
	opRemap
	opBrk
	opInCore
)

// Pending reports whether the thread has to repeat a call before anything else.
func (c *Call) Pending() bool { return c.op != opNone }

// take begins a call or goes on with it, which it reports; c.at says where then.
// Unless pause follows, nothing of it stays.
func (c *Call) take(o op, w, x, y, z uint64) (again bool) {
	again = c.op == o && c.args[0] == w && c.args[1] == x && c.args[2] == y && c.args[3] == z
	if !again {
		c.args[0], c.args[1], c.args[2], c.args[3] = w, x, y, z
		c.move = 0
	}
	c.op = opNone
	return again
}

// pause keeps where to go on.
func (c *Call) pause(o op, at uint64) abi.Errno {
	c.op, c.at = o, at
	return More
}
