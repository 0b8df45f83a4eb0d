// SPDX-License-Identifier: Apache-2.0

package signal

import (
	"math/rand/v2"
	"slices"
	"testing"

	"loam/abi"
)

func sent(s abi.Signal) abi.Siginfo { return abi.SentInfo(s, abi.SI_TKILL, 1, 0) }

func handler(flags uint64, mask abi.Sigset) abi.Sigaction {
	return abi.Sigaction{Handler: 0x1000, Flags: flags | abi.SA_RESTORER, Restorer: 0x2000, Mask: mask}
}

func TestDefaults(t *testing.T) {
	want := map[abi.Signal]Verdict{}
	core := map[abi.Signal]bool{}
	for s := abi.Signal(1); s <= abi.NumSignals; s++ {
		want[s] = Terminate
	}
	for _, s := range []abi.Signal{abi.SIGCHLD, abi.SIGCONT, abi.SIGURG, abi.SIGWINCH} {
		want[s] = Nothing
	}
	for _, s := range []abi.Signal{abi.SIGSTOP, abi.SIGTSTP, abi.SIGTTIN, abi.SIGTTOU} {
		want[s] = Stop
	}
	for _, s := range []abi.Signal{abi.SIGQUIT, abi.SIGILL, abi.SIGTRAP, abi.SIGABRT, abi.SIGBUS,
		abi.SIGFPE, abi.SIGSEGV, abi.SIGXCPU, abi.SIGXFSZ, abi.SIGSYS} {
		core[s] = true
	}
	for s := abi.Signal(1); s <= abi.NumSignals; s++ {
		var p Process
		var th Thread
		res := SendThread(&p, &th, sent(s))
		d := Next(&p, &th)
		if d.Verdict != want[s] || d.Core != core[s] || d.Verdict != Nothing && d.Info != sent(s) {
			t.Errorf("%v: %+v", s, d)
		}
		if wantRes := map[bool]Sent{true: Dropped, false: Queued}[want[s] == Nothing]; res != wantRes && s != abi.SIGCONT {
			t.Errorf("%v: sending gave %d", s, res)
		}
		if Deliverable(&p, &th) {
			t.Errorf("%v: still pending", s)
		}
	}
}

func TestActionErrors(t *testing.T) {
	var p Process
	for _, s := range []abi.Signal{0, -1, 65, abi.SIGKILL, abi.SIGSTOP} {
		if _, e := p.SetAction(s, handler(0, 0)); e != abi.EINVAL {
			t.Errorf("SetAction(%d): %v", s, e)
		}
	}
	for s, want := range map[abi.Signal]abi.Errno{0: abi.EINVAL, 65: abi.EINVAL, abi.SIGKILL: 0, 64: 0} {
		if _, e := p.Action(s); e != want {
			t.Errorf("Action(%d): %v", s, e)
		}
	}
	a := handler(abi.SA_ONSTACK|abi.SA_UNSUPPORTED|1<<40, ^abi.Sigset(0))
	if _, e := p.SetAction(abi.SIGUSR1, a); e != 0 {
		t.Fatal(e)
	}
	got, _ := p.Action(abi.SIGUSR1)
	if got.Flags != abi.SA_ONSTACK|abi.SA_RESTORER || got.Mask != ^abi.Sigset(unmaskable) || got.Handler != a.Handler || got.Restorer != a.Restorer {
		t.Errorf("action came back as %+v", got)
	}
}

func TestMask(t *testing.T) {
	var th Thread
	all := ^abi.Sigset(0)
	for _, c := range []struct {
		how  uint64
		set  abi.Sigset
		err  abi.Errno
		want abi.Sigset
	}{
		{abi.SIG_BLOCK, 6, 0, 6}, {abi.SIG_BLOCK, 9, 0, 15}, {abi.SIG_UNBLOCK, 2, 0, 13},
		{3, 0, abi.EINVAL, 13}, {1 << 40, 0, abi.EINVAL, 13},
		{abi.SIG_SETMASK, all, 0, all &^ unmaskable}, {abi.SIG_SETMASK, 0, 0, 0},
	} {
		if e := th.SetMask(c.how, c.set); e != c.err || th.Mask() != c.want {
			t.Errorf("SetMask(%d, %x): %v, mask %x", c.how, c.set, e, th.Mask())
		}
	}
}

func TestHandlerMasks(t *testing.T) {
	for _, c := range []struct {
		flags uint64
		want  abi.Sigset
	}{
		{0, abi.SIGUSR1.Set() | abi.SIGINT.Set() | abi.SIGTERM.Set()},
		{abi.SA_NODEFER, abi.SIGINT.Set() | abi.SIGTERM.Set()},
	} {
		var p Process
		th := Thread{mask: abi.SIGTERM.Set()}
		p.SetAction(abi.SIGUSR1, handler(c.flags, abi.SIGINT.Set()))
		SendThread(&p, &th, sent(abi.SIGUSR1))
		d := Next(&p, &th)
		if d.Verdict != Handle || d.OldMask != abi.SIGTERM.Set() || th.Mask() != abi.SIGTERM.Set() {
			t.Fatalf("%+v", d)
		}
		Entered(&th, &d)
		if th.Mask() != c.want {
			t.Errorf("mask in the handler %x, want %x", th.Mask(), c.want)
		}
		Return(&th, d.OldMask|unmaskable, abi.SigStack{Flags: abi.SS_DISABLE}, 0)
		if th.Mask() != abi.SIGTERM.Set() {
			t.Errorf("mask after the handler %x", th.Mask())
		}
	}
}

func TestResetHand(t *testing.T) {
	var p Process
	var th Thread
	p.SetAction(abi.SIGUSR1, handler(abi.SA_RESETHAND, 0))
	SendThread(&p, &th, sent(abi.SIGUSR1))
	if d := Next(&p, &th); d.Verdict != Handle || d.Action.Handler != 0x1000 {
		t.Fatalf("%+v", d)
	}
	SendThread(&p, &th, sent(abi.SIGUSR1))
	if d := Next(&p, &th); d.Verdict != Terminate {
		t.Fatalf("second: %+v", d)
	}
}

func TestForce(t *testing.T) {
	fault := abi.FaultInfo(abi.SIGSEGV, abi.SEGV_MAPERR, 0x10)
	for _, c := range []struct {
		name   string
		action abi.Sigaction
		mask   abi.Sigset
		want   Verdict
	}{
		{"handled", handler(0, 0), 0, Handle},
		{"default", abi.Sigaction{}, 0, Terminate},
		{"ignored", abi.Sigaction{Handler: abi.SIG_IGN}, 0, Terminate},
		{"blocked", handler(0, 0), abi.SIGSEGV.Set(), Terminate},
	} {
		var p Process
		th := Thread{mask: c.mask}
		p.SetAction(abi.SIGSEGV, c.action)
		if c.mask != 0 { // an older one, blocked, must not hide the fault
			SendThread(&p, &th, sent(abi.SIGSEGV))
		}
		Force(&p, &th, fault)
		if d := Next(&p, &th); d.Verdict != c.want || d.Info != fault {
			t.Errorf("%s: %+v", c.name, d)
		}
	}
}

func TestFrameFailed(t *testing.T) {
	var p Process
	var th Thread
	p.SetAction(abi.SIGSEGV, handler(abi.SA_NODEFER, 0))
	p.SetAction(abi.SIGUSR1, handler(0, 0))
	SendThread(&p, &th, sent(abi.SIGUSR1))
	d := Next(&p, &th)
	FrameFailed(&p, &th, &d)
	d = Next(&p, &th)
	if d.Verdict != Handle || d.Info.Signo != abi.SIGSEGV || d.Info.Code != abi.SI_KERNEL {
		t.Fatalf("%+v", d)
	}
	FrameFailed(&p, &th, &d)
	if d = Next(&p, &th); d.Verdict != Terminate || d.Info.Signo != abi.SIGSEGV {
		t.Fatalf("a handler of SIGSEGV whose frame can't be written: %+v", d)
	}
}

// What is put back comes again, as it was, also a handler that was for once.
func TestPutBack(t *testing.T) {
	var p Process
	var th Thread
	p.SetAction(abi.SIGUSR1, handler(abi.SA_RESETHAND, 0))
	SendProcess(&p, 0, sent(abi.SIGUSR1))
	first := Next(&p, &th)
	PutBack(&p, &th, &first)
	if !Deliverable(&p, &th) {
		t.Fatal("it isn't pending")
	}
	if again := Next(&p, &th); again != first || again.Verdict != Handle {
		t.Fatalf("%+v, before %+v", again, first)
	}
	if d := Next(&p, &th); d.Verdict != Nothing {
		t.Fatalf("a third time: %+v", d)
	}
	if a, _ := p.Action(abi.SIGUSR1); a.Handler != abi.SIG_DFL {
		t.Errorf("%+v after a handler that was for once", a)
	}
}

func TestSuspend(t *testing.T) {
	var p Process
	th := Thread{mask: abi.SIGUSR1.Set()}
	p.SetAction(abi.SIGUSR1, handler(0, 0))
	SendProcess(&p, th.Mask(), sent(abi.SIGUSR1))
	if Deliverable(&p, &th) || Pending(&p, &th) != abi.SIGUSR1.Set() {
		t.Fatal("blocked signal deliverable")
	}
	th.Suspend(unmaskable)
	if !Deliverable(&p, &th) || th.Mask() != 0 {
		t.Fatal("not deliverable in Suspend")
	}
	d := Next(&p, &th)
	if d.OldMask != abi.SIGUSR1.Set() {
		t.Fatalf("the frame gets mask %x", d.OldMask)
	}
	Entered(&th, &d)
	th.RestoreMask() // does nothing after a handler
	if th.Mask() != abi.SIGUSR1.Set() {
		t.Fatalf("mask %x in the handler", th.Mask())
	}
	Return(&th, d.OldMask, abi.SigStack{}, 0)
	th.Suspend(0)
	th.Suspend(2)
	th.RestoreMask()
	if th.Mask() != abi.SIGUSR1.Set() {
		t.Fatalf("mask %x after RestoreMask", th.Mask())
	}
}

func TestAwait(t *testing.T) {
	var p Process
	th := Thread{mask: abi.SIGUSR1.Set() | abi.SIGUSR2.Set()}
	if _, ok := Await(&p, &th, abi.SIGUSR1.Set()|unmaskable); ok {
		t.Fatal("got a signal from nowhere")
	}
	if !th.Wants(abi.SIGUSR1) || th.Wants(abi.SIGUSR2) || !th.Wants(abi.SIGINT) {
		t.Fatal("Wants")
	}
	if r := SendProcess(&p, th.Mask(), sent(abi.SIGUSR1)); r != Queued || Deliverable(&p, &th) {
		t.Fatal("awaited signal not kept")
	}
	if info, ok := EndAwait(&p, &th); !ok || info != sent(abi.SIGUSR1) || th.Wants(abi.SIGUSR1) {
		t.Fatalf("EndAwait gave %+v %v", info, ok)
	}
	if _, ok := EndAwait(&p, &th); ok {
		t.Fatal("taken twice")
	}
	SendThread(&p, &th, sent(abi.SIGUSR2))
	if info, ok := Await(&p, &th, abi.SIGUSR2.Set()); !ok || info != sent(abi.SIGUSR2) {
		t.Fatal("pending signal not taken at once")
	}
}

func TestStopAndContinue(t *testing.T) {
	var p Process
	th := Thread{mask: abi.SIGTSTP.Set() | abi.SIGCONT.Set()}
	SendProcess(&p, th.mask, sent(abi.SIGTSTP))
	if r := SendProcess(&p, th.mask, sent(abi.SIGCONT)); r != Resumed || Pending(&p, &th) != abi.SIGCONT.Set() {
		t.Errorf("SIGCONT: %d, pending %x", r, Pending(&p, &th))
	}
	if r := SendProcess(&p, th.mask, sent(abi.SIGTSTP)); r != Queued || Pending(&p, &th) != abi.SIGTSTP.Set() {
		t.Errorf("SIGTSTP: %d, pending %x", r, Pending(&p, &th))
	}
}

func TestOrder(t *testing.T) {
	var p Process
	var th Thread
	for s := abi.Signal(1); s <= abi.NumSignals; s++ {
		p.SetAction(s, handler(0, 0))
	}
	for _, s := range []abi.Signal{abi.SIGTERM, abi.SIGHUP, abi.SIGSEGV, abi.SIGILL, 40, abi.SIGKILL, abi.SIGSTOP} {
		SendThread(&p, &th, sent(s))
	}
	SendProcess(&p, 0, sent(abi.SIGINT))
	var got []abi.Signal
	for d := Next(&p, &th); d.Verdict != Nothing; d = Next(&p, &th) {
		got = append(got, d.Info.Signo)
	}
	want := []abi.Signal{abi.SIGKILL, abi.SIGILL, abi.SIGSEGV, abi.SIGHUP, abi.SIGTERM, abi.SIGSTOP, 40, abi.SIGINT}
	if !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
}

func TestAltStack(t *testing.T) {
	var th Thread
	if s := th.AltStack(0x5000); s != (abi.SigStack{Flags: abi.SS_DISABLE}) {
		t.Fatalf("new thread: %+v", s)
	}
	set := func(flags uint32, size uint64, sp uint64, want abi.Errno) {
		t.Helper()
		if e := th.SetAltStack(abi.SigStack{Base: 0x10000, Flags: flags, Size: size}, sp); e != want {
			t.Errorf("SetAltStack(%x, %d) = %v, want %v", flags, size, e, want)
		}
	}
	set(0, 2047, 0, abi.ENOMEM)
	set(4, 4096, 0, abi.EINVAL)
	set(abi.SS_ONSTACK|abi.SS_DISABLE, 4096, 0, abi.EINVAL)
	set(abi.SS_ONSTACK, 4096, 0, 0)
	if s := th.AltStack(0x10800); s != (abi.SigStack{Base: 0x10000, Flags: abi.SS_ONSTACK, Size: 4096}) {
		t.Errorf("on it: %+v", s)
	}
	if s := th.AltStack(0x10000); s.Flags != 0 {
		t.Errorf("at its lower end: %+v", s)
	}
	set(0, 4096, 0x11000, abi.EPERM)
	set(abi.SS_DISABLE, 0, 0x11001, 0)
	if s := th.AltStack(0x10800); s.Flags != abi.SS_DISABLE || s.Size != 0 {
		t.Errorf("disabled: %+v", s)
	}
	set(abi.SS_AUTODISARM, 4096, 0, 0)
	set(0, 8192, 0x10800, 0) // never "on" a stack that disarms itself
}

func TestHandlerStack(t *testing.T) {
	th := Thread{altBase: 0x10000, altSize: 0x1000}
	on, off := handler(abi.SA_ONSTACK, 0), handler(0, 0)
	for _, c := range []struct {
		a             abi.Sigaction
		sp, top, low  uint64
		withoutAltTop uint64
	}{
		{on, 0x5000, 0x11000, 0x10000, 0x5000 - 128},
		{off, 0x5000, 0x5000 - 128, 0, 0x5000 - 128},
		{on, 0x10800, 0x10800 - 128, 0x10000, 0x10800 - 128},
		{off, 0x10800, 0x10800 - 128, 0x10000, 0x10800 - 128},
	} {
		if top, low := th.HandlerStack(&c.a, c.sp, 128); top != c.top || low != c.low {
			t.Errorf("sp %#x: %#x, %#x", c.sp, top, low)
		}
		var none Thread
		if top, low := none.HandlerStack(&c.a, c.sp, 128); top != c.withoutAltTop || low != 0 {
			t.Errorf("sp %#x, no alternate stack: %#x, %#x", c.sp, top, low)
		}
	}
}

func TestAutoDisarm(t *testing.T) {
	var p Process
	var th Thread
	th.SetAltStack(abi.SigStack{Base: 0x10000, Flags: abi.SS_AUTODISARM, Size: 4096}, 0)
	p.SetAction(abi.SIGUSR1, handler(abi.SA_ONSTACK, 0))
	SendThread(&p, &th, sent(abi.SIGUSR1))
	d := Next(&p, &th)
	was := th.AltStack(0x5000)
	Entered(&th, &d)
	if s := th.AltStack(0x10800); s.Flags != abi.SS_DISABLE {
		t.Errorf("in the handler: %+v", s)
	}
	Return(&th, 0, was, 0x5000)
	if s := th.AltStack(0x10800); s != was {
		t.Errorf("after it: %+v, was %+v", s, was)
	}
}

func TestCloneAndReset(t *testing.T) {
	th := Thread{mask: 5}
	var p Process
	th.SetAltStack(abi.SigStack{Base: 0x10000, Size: 4096}, 0)
	SendThread(&p, &th, sent(abi.SIGTERM))
	var child Thread
	child.Clone(&th)
	if child.Mask() != 5 || Deliverable(&p, &child) || child.AltStack(0).Flags != abi.SS_DISABLE {
		t.Errorf("%+v", child.mask)
	}
	p.SetAction(abi.SIGTERM, handler(0, 0))
	SendProcess(&p, 0, sent(abi.SIGUSR1))
	p.Touch()
	if a, _ := p.Action(abi.SIGTERM); a == (abi.Sigaction{}) {
		t.Error("Touch took an action")
	}
	p = Process{}
	p.Touch()
	th.Reset()
	if a, _ := p.Action(abi.SIGTERM); a != (abi.Sigaction{}) || Deliverable(&p, &th) || th.Mask() != 0 {
		t.Error("Reset left something")
	}
}

// model is the slow statement of what is pending: for each place a list in the
// order sent, searched from end to end.
type model struct {
	pending [2][]abi.Siginfo // of the process, of the thread
	actions map[abi.Signal]abi.Sigaction
	mask    abi.Sigset
}

func (m *model) ignored(s abi.Signal) bool {
	a := m.actions[s]
	return a.Handler == abi.SIG_IGN || a.Handler == abi.SIG_DFL && slices.Contains([]abi.Signal{17, 18, 23, 28}, s)
}

func (m *model) drop(place int, drop func(abi.Signal) bool) {
	m.pending[place] = slices.DeleteFunc(m.pending[place], func(i abi.Siginfo) bool { return drop(i.Signo) })
}

func isStop(s abi.Signal) bool { return s >= 19 && s <= 22 }

func (m *model) send(place int, i abi.Siginfo) {
	for _, from := range []int{0, place} {
		if i.Signo == abi.SIGCONT {
			m.drop(from, isStop)
		} else if isStop(i.Signo) {
			m.drop(from, func(s abi.Signal) bool { return s == abi.SIGCONT })
		}
	}
	if m.ignored(i.Signo) && !m.mask.Has(i.Signo) {
		return
	}
	for _, j := range m.pending[place] {
		if j.Signo == i.Signo {
			return
		}
	}
	m.pending[place] = append(m.pending[place], i)
}

// rank orders signals: smaller goes first.
func rank(s abi.Signal) int {
	switch s {
	case abi.SIGKILL:
		return 0
	case abi.SIGSEGV, abi.SIGBUS, abi.SIGILL, abi.SIGTRAP, abi.SIGFPE, abi.SIGSYS:
		return 100 + int(s)
	}
	return 1000 + int(s)
}

// next gives the next signal that does something, or ok false.
func (m *model) next() (info abi.Siginfo, ok bool) {
	for {
		place, best := -1, -1
		for _, pl := range []int{1, 0} {
			for i, x := range m.pending[pl] {
				if !m.mask.Has(x.Signo) && (best < 0 || rank(x.Signo) < rank(m.pending[pl][best].Signo)) {
					place, best = pl, i
				}
			}
			if best >= 0 {
				break
			}
		}
		if best < 0 {
			return abi.Siginfo{}, false
		}
		info = m.pending[place][best]
		m.pending[place] = slices.Delete(m.pending[place], best, best+1)
		if !m.ignored(info.Signo) {
			return info, true
		}
	}
}

func TestAgainstModel(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 9))
		var p Process
		var th Thread
		m := &model{actions: map[abi.Signal]abi.Sigaction{}}
		for i := range 1500 {
			s := abi.Signal(1 + r.IntN(abi.NumSignals))
			if r.IntN(3) == 0 {
				s = []abi.Signal{9, 11, 17, 18, 19, 20, 23}[r.IntN(7)]
			}
			info := abi.SentInfo(s, abi.SI_USER, uint32(i), 0)
			switch r.IntN(6) {
			case 0:
				SendThread(&p, &th, info)
				m.send(1, info)
			case 1:
				SendProcess(&p, th.Mask(), info)
				m.send(0, info)
			case 2:
				set := abi.Sigset(r.Uint64() & r.Uint64())
				th.SetMask(abi.SIG_SETMASK, set)
				m.mask = set &^ unmaskable
			case 3:
				a := abi.Sigaction{Handler: abi.UserAddr(r.IntN(3))}
				if discard, e := p.SetAction(s, a); e == 0 {
					m.actions[s] = a
					if discard != m.ignored(s) {
						t.Fatalf("SetAction(%v, %+v): discard %v", s, a, discard)
					}
					if discard {
						th.Discard(s)
						m.drop(0, func(x abi.Signal) bool { return x == s })
						m.drop(1, func(x abi.Signal) bool { return x == s })
					}
				}
			default:
				d := Next(&p, &th)
				want, ok := m.next()
				if (d.Verdict != Nothing) != ok || ok && d.Info != want {
					t.Fatalf("Next: %+v, want %+v %v", d, want, ok)
				}
			}
			var pend abi.Sigset
			for _, x := range slices.Concat(m.pending[0], m.pending[1]) {
				pend |= x.Signo.Set()
			}
			if Pending(&p, &th) != pend&m.mask || Deliverable(&p, &th) != (pend&^m.mask != 0) {
				t.Fatalf("pending %x, want %x of %x", Pending(&p, &th), pend&m.mask, pend)
			}
		}
	}
}
