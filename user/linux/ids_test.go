// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"testing"

	"loam/abi"
	"loam/user/linux/socket"
)

// user is a process of a user without capabilities.
func user(real, effective, saved uint32, session int32) *process {
	p := &process{who: identity{user: ids{real, effective, saved, effective}}}
	p.sid = session
	return p
}

func TestMaySignal(t *testing.T) {
	everything := user(0, 0, 0, 1)
	everything.become(root)
	for _, c := range []struct {
		from, to *process
		signal   abi.Signal
		may      bool
	}{
		{user(5, 5, 5, 1), user(5, 5, 5, 2), abi.SIGTERM, true},
		{user(5, 5, 5, 1), user(6, 6, 6, 1), abi.SIGTERM, false},
		{user(5, 5, 5, 1), user(6, 6, 6, 1), 0, false},
		{user(5, 5, 5, 1), user(6, 6, 6, 1), abi.SIGCONT, true},
		{user(5, 5, 5, 1), user(6, 6, 6, 2), abi.SIGCONT, false},
		{user(5, 6, 5, 1), user(6, 0, 0, 1), abi.SIGTERM, true},  // its effective, the other's real
		{user(5, 6, 5, 1), user(0, 0, 5, 1), abi.SIGTERM, true},  // its real, the other's saved
		{user(7, 7, 5, 1), user(0, 5, 0, 1), abi.SIGTERM, false}, // saved and effective don't count
		{everything, user(5, 5, 5, 2), abi.SIGKILL, true},
		{user(0, 0, 0, 1), user(5, 5, 5, 2), abi.SIGKILL, false}, // user 0 without capabilities
	} {
		if c.from.maySignal(c.to, c.signal) != c.may {
			t.Errorf("%+v to %+v, signal %d: want %v", c.from.who.user, c.to.who.user, c.signal, c.may)
		}
	}
	p := user(5, 5, 5, 1)
	if !p.maySignal(p, abi.SIGKILL) {
		t.Error("itself")
	}
}

func TestMaySay(t *testing.T) {
	p := user(5, 6, 7, 1)
	p.pid = 42
	for c, may := range map[socket.Credentials]bool{
		{PID: 42, UID: 5}: true, {PID: 42, UID: 6}: true, {PID: 42, UID: 7}: true, {PID: 42, UID: 8}: false,
		{PID: 43, UID: 5}: false, {PID: 42, UID: 5, GID: 1}: false,
	} {
		if p.maySay(c) != may {
			t.Errorf("%+v: want %v", c, may)
		}
	}
	if p.become(root); !p.maySay(socket.Credentials{PID: 1, UID: 2, GID: 3}) {
		t.Error("user 0")
	}
}

// TestExecuteIDs: a program that another user's process begins to run has no capabilities, user 0's has all.
func TestExecuteIDs(t *testing.T) {
	who := root
	who.user = ids{5, 6, 0, 0}
	got := who.executes()
	if got.user != (ids{5, 6, 6, 6}) || got.caps != (capabilities{}) {
		t.Errorf("%+v", got)
	}
	who = identity{user: ids{0, 6, 6, 6}}
	if got = who.executes(); got.caps != (capabilities{permitted: allCaps}) {
		t.Errorf("%+v", got)
	}
	who = identity{user: ids{5, 0, 5, 0}, caps: capabilities{inheritable: 2}}
	if got = who.executes(); got.caps != (capabilities{allCaps, allCaps, 2}) || got.user.saved != 0 {
		t.Errorf("%+v", got)
	}
}
