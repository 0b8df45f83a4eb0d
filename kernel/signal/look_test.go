// SPDX-License-Identifier: Apache-2.0

package signal

import (
	"testing"

	"loam/abi"
)

func TestLookAndTake(t *testing.T) {
	var p Process
	var th Thread
	usr1, usr2, term := abi.SIGUSR1, abi.SIGUSR2, abi.SIGTERM
	p.SetAction(term, abi.Sigaction{Handler: abi.SIG_IGN})
	p.SetAction(usr2, abi.Sigaction{Handler: 0x1000})
	th.SetMask(abi.SIG_BLOCK, usr1.Set()|usr2.Set())
	SendThread(&p, &th, abi.SentInfo(usr1, abi.SI_TKILL, 1, 0))
	SendProcess(&p, th.Mask(), abi.SentInfo(usr1, abi.SI_USER, 2, 0))
	SendProcess(&p, th.Mask(), abi.SentInfo(usr2, abi.SI_USER, 3, 0))
	SendProcess(&p, th.Mask(), abi.SentInfo(abi.SIGKILL, abi.SI_USER, 4, 0))
	var got abi.ProcessSignals
	Look(&p, &th, &got)
	kill := abi.SIGKILL.Set()
	want := abi.ProcessSignals{Own: usr1.Set(), Shared: usr1.Set() | usr2.Set() | kill, Blocked: usr1.Set() | usr2.Set(), Ignored: term.Set(), Caught: usr2.Set()}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, pid := range []uint32{1, 2} { // the thread's own first
		if info, ok := Take(&p, &th, usr1.Set()|kill); !ok || info.Signo != usr1 || info.PID() != pid {
			t.Errorf("took %+v %v, want one of %d", info, ok, pid)
		}
	}
	if info, ok := Take(&p, &th, usr1.Set()|kill); ok {
		t.Errorf("took %+v", info)
	}
}

func TestWatch(t *testing.T) {
	var p, child Process
	p.Watch(abi.SIGUSR1.Set())
	p.Watch(abi.SIGCHLD.Set())
	child.Watch(abi.SIGTERM.Set())
	child.Fork(&p)
	for _, s := range []abi.Signal{abi.SIGUSR1, abi.SIGCHLD, abi.SIGTERM} {
		if want := s != abi.SIGTERM; p.Watches(s) != want || child.Watches(s) {
			t.Errorf("%v: %v, of a child %v", s, p.Watches(s), child.Watches(s))
		}
	}
}
