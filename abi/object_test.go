// SPDX-License-Identifier: Apache-2.0

package abi

import (
	"encoding/binary"
	"testing"
)

func TestObjectRoundTrips(t *testing.T) {
	signalsLost := []int{68, 69, 70, 71} // of the siginfo_t
	for i := 56 + 32; i < ProcessSignalsSize; i++ {
		signalsLost = append(signalsLost, i)
	}
	again(t, "HandleInfo", HandleInfoSize, func(d, s []byte) { GetHandleInfo(s).Put(d) })
	again(t, "ProcessInfo", ProcessInfoSize, func(d, s []byte) { i := GetProcessInfo(s); i.Put(d) })
	again(t, "ProcessCreate", ProcessCreateSize, func(d, s []byte) { p := GetProcessCreate(s); p.Put(d) })
	again(t, "MemoryInfo", MemoryInfoSize, func(d, s []byte) { GetMemoryInfo(s).Put(d) })
	again(t, "ThreadInfo", ThreadInfoSize, func(d, s []byte) { GetThreadInfo(s).Put(d) }, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47)
	again(t, "ProcessUse", ProcessUseSize, func(d, s []byte) { GetProcessUse(s).Put(d) })
	again(t, "ProcessArea", ProcessAreaSize, func(d, s []byte) { GetProcessArea(s).Put(d) })
	again(t, "ProcessClone", ProcessCloneSize, func(d, s []byte) { GetProcessClone(s).Put(d) })
	again(t, "ProcessReplace", ProcessReplaceSize, func(d, s []byte) { GetProcessReplace(s).Put(d) })
	again(t, "ProcessReplaced", ProcessReplacedSize, func(d, s []byte) { GetProcessReplaced(s).Put(d) })
	again(t, "ProcessSignals", ProcessSignalsSize, func(d, s []byte) { p := GetProcessSignals(s); p.Put(d) }, signalsLost...)
	again(t, "ProcessNews", ProcessNewsSize, func(d, s []byte) { GetProcessNews(s).Put(d) })
	again(t, "MessageOptions", MessageOptionsSize, messageAgain, 44, 45, 46, 47)
	again(t, "HandOn", HandOnSize, func(d, s []byte) { GetHandOn(s).Put(d) })
	again(t, "Created", CreatedSize, func(d, s []byte) { GetCreated(s).Put(d) })
	for _, s := range []ExitStatus{{}, {Exited, 255}, {Signalled, 9}, {NotStarted, 1<<32 - 1}} {
		if got := ExitStatusOf(s.Result()); got != s {
			t.Errorf("%v came back as %v", s, got)
		}
		if _, failed := Failed(s.Result()); failed {
			t.Errorf("%v looks like an error", s)
		}
	}
}

// messageAgain reads the options of a message as the kernel does, and what it leaves out.
func messageAgain(d, s []byte) {
	words := func(at int, to []uint64) {
		for i := range to {
			to[i] = binary.LittleEndian.Uint64(s[at+8*i:])
		}
	}
	var head [MessageHeadWords]uint64
	var send [2 * MaxMessageHandles]uint64
	var given [MaxMessageHandles]uint64
	words(0, head[:])
	words(SendOffset, send[:])
	words(GivenOffset, given[:])
	h := GetMessageHead(&head)
	o := MessageOptions{Deadline: h.Deadline, SendAddr: h.SendAddr, ReceiveAddr: h.ReceiveAddr, SendBytes: h.SendBytes,
		ReceiveBytes: h.ReceiveBytes, Flags: h.Flags, SendHandles: h.SendHandles, Accept: h.Accept}
	o.Send = GetMessageSend(&send, MaxMessageHandles)
	for i, g := range given {
		o.Given[i] = Handle(g)
	}
	o.Put(d)
}

func TestHandles(t *testing.T) {
	for i, h := range []Handle{HandleProcess, HandleSpace, HandleThread, GivenHandle(0), GivenHandle(1)} {
		if h != 1<<HandleIndexBits+Handle(i) {
			t.Errorf("handle %d is %#x", i, uint64(h))
		}
	}
	if int(handleGiven)&(1<<HandleIndexBits-1)+MaxHandOn > MaxHandles || MaxHandles > 1<<HandleIndexBits {
		t.Error("a table has too few places, or a handle too few bits")
	}
	if _, failed := Failed(NotificationBits); failed {
		t.Error("all bits of a notification look like an error")
	}
}

func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for k := KindProcess; k <= NumKinds; k++ {
		if k.String() == "none" || seen[k.String()] || RightsOf(k)&(RightDuplicate|RightTransfer) == 0 {
			t.Errorf("kind %d: %v, rights %#x", k, k, RightsOf(k))
		}
		seen[k.String()] = true
	}
	for _, k := range []Kind{0, NumKinds + 1, 1<<32 - 1} {
		if k.String() != "none" || RightsOf(k) != 0 {
			t.Errorf("kind %d: %v, rights %#x", k, k, RightsOf(k))
		}
	}
}

// TestRequestSize: a stranger's header never makes a size that is too small.
func TestRequestSize(t *testing.T) {
	const most = 1<<32 - 1
	p := ProcessCreate{Handles: most, Name: most, Args: most}
	if got, want := p.Size(), uint64(ProcessCreateSize+most*(HandOnSize+2)); got != want {
		t.Errorf("%d, want %d", got, want)
	}
	p = ProcessCreate{Handles: MaxHandOn, Name: MaxProcessName, Args: MaxProcessArgs}
	if p.Size() != MaxProcessRequest {
		t.Errorf("%d, want %d", p.Size(), MaxProcessRequest)
	}
}
