// SPDX-License-Identifier: Apache-2.0

package mmode

import (
	"math/bits"
	"sync/atomic"

	"loam/machine/sbi"
)

// Registers of a call, by number (SBI specification, chapter 3).
const (
	regA0 = 10
	regA1 = 11
	regA6 = 16
	regA7 = 17
)

// lastLegacy is the last of the extensions that answer in a0 alone (chapter 5).
const lastLegacy = 0x0f

// serve answers the call of a hart in supervisor mode, whose registers are in regs, or
// does what other harts ask of it. True: the hart has left supervisor mode, and there
// is nobody to answer.
//
//loam:trap stack.riscv64=960
func serve(h *hart, call bool) (left bool) {
	s, r := stageAt(h.stage), &h.regs
	if !call {
		h.absorb(s)
		return false
	}
	answer, action := s.server.Call(int(h.index), r[regA7], r[regA6],
		[6]uint64{r[10], r[11], r[12], r[13], r[14], r[15]})
	switch action.Do {
	case sbi.Nothing:
	case sbi.Timer:
		h.setTimer(action.Value)
	case sbi.Interrupt:
		s.interrupt(h, action.Harts)
	case sbi.Wake:
		s.wake(action.Harts)
	case sbi.FenceCode:
		s.fence(h, action.Harts, fenceCode)
	case sbi.FenceTables:
		s.fence(h, action.Harts, fenceTables)
	case sbi.Stop:
		h.setTimer(^uint64(0))
		return true
	case sbi.Wait:
		h.wait(s)
	case sbi.End:
		s.end(action.Value, action.Reason)
	case sbi.Write:
		s.write(action)
	case sbi.Read:
		answer = s.read(action, answer)
	}
	r[regA0] = uint64(answer.Error)
	if r[regA7] > lastLegacy {
		r[regA1] = answer.Value
	}
	return false
}

// park is where a hart is that doesn't run supervisor mode: until it is started
// there, at entry and with opaque.
//
//loam:trap stack.riscv64=960
func park(h *hart) (entry, opaque uint64) {
	s := stageAt(h.stage)
	s.server.HasStopped(int(h.index))
	for {
		h.absorb(s)
		if entry, opaque, ok := s.server.Begin(int(h.index)); ok {
			atomic.OrUint32(&state, stateRuns)
			return entry, opaque
		}
		waitForInterrupt()
	}
}

// absorb does what others have asked of the hart by its software interrupt. The
// interrupt goes first: what is asked behind that raises it again.
func (h *hart) absorb(s *stage) {
	store32(h.soft, 0)
	if atomic.SwapUint32(&h.ipi, 0) != 0 {
		raise(softInterrupt)
	}
	fenced := false
	for kind := range h.wanted {
		if w := atomic.LoadUint32(&h.wanted[kind]); w != h.done[kind] {
			fenceHere(kind)
			atomic.StoreUint32(&h.done[kind], w)
			fenced = true
		}
	}
	if fenced {
		s.wake(atomic.LoadUint64(&s.waiting))
	}
}

// setTimer has the hart have a timer interrupt at a time, and no earlier one.
func (h *hart) setTimer(at uint64) {
	if h.env&envTimer != 0 {
		setSupervisorTimer(at)
		return
	}
	store64(h.compare, at)
	drop(timerInterrupt)
	enable(machineTimer)
}

// first returns the first hart of a set that has one.
func (s *stage) first(harts uint64) *hart {
	return &s.harts[bits.TrailingZeros64(harts)&(maxHarts-1)]
}

// interrupt gives harts a software interrupt in supervisor mode.
func (s *stage) interrupt(self *hart, harts uint64) {
	for ; harts != 0; harts &= harts - 1 {
		if h := s.first(harts); h != self {
			atomic.StoreUint32(&h.ipi, 1)
			store32(h.soft, 1)
		} else {
			raise(softInterrupt)
		}
	}
}

// wake has harts look what is asked of them.
func (s *stage) wake(harts uint64) {
	for ; harts != 0; harts &= harts - 1 {
		store32(s.first(harts).soft, 1)
	}
}

// fence has harts fence, and waits for them. It goes on to do what others ask of
// this one, so two that wait for each other get on.
func (s *stage) fence(self *hart, harts uint64, kind int) {
	kind &= fences - 1
	if harts>>self.index&1 != 0 {
		fenceHere(kind)
		harts &^= 1 << self.index
	}
	if harts == 0 {
		return
	}
	atomic.OrUint64(&s.waiting, 1<<self.index)
	for set := harts; set != 0; set &= set - 1 {
		h := s.first(set)
		atomic.AddUint32(&h.wanted[kind], 1)
		store32(h.soft, 1)
	}
	for set := harts; set != 0; set &= set - 1 {
		h := s.first(set)
		want := atomic.LoadUint32(&h.wanted[kind])
		for {
			self.absorb(s)
			if int32(atomic.LoadUint32(&h.done[kind])-want) >= 0 {
				break
			}
			waitForInterrupt()
		}
	}
	atomic.AndUint64(&s.waiting, ^(uint64(1) << self.index))
}

var _ [2]struct{} = [fences]struct{}{} // a mask does

// fenceHere is a fence of this hart.
func fenceHere(kind int) {
	if kind == fenceCode {
		fenceInstructions()
	} else {
		fenceTranslations()
	}
}

// wait returns when an interrupt of supervisor mode is pending that is enabled.
func (h *hart) wait(s *stage) {
	for {
		h.absorb(s)
		p := pending()
		if p&machineTimer != 0 {
			disable(machineTimer)
			raise(timerInterrupt)
			continue
		}
		if p&^(machineSoft|machineTimer) != 0 {
			return
		}
		waitForInterrupt()
	}
}

// end ends the machine.
func (s *stage) end(kind uint64, reason uint32) {
	switch {
	case kind != sbi.ResetShutdown:
		finish(finishReset)
	case reason != sbi.ReasonNone:
		finish(finishFail | statusFailed<<16)
	default:
		finish(finishPass)
	}
}

// write writes what an action says to the console.
func (s *stage) write(a sbi.Action) {
	if a.Value == 0 {
		s.uart.write(a.Byte)
		return
	}
	for i := range a.Length {
		s.uart.write(load8(a.Value + i))
	}
}

// read reads from the console what is there, and answers the call.
func (s *stage) read(a sbi.Action, answer sbi.Answer) sbi.Answer {
	n := uint64(0)
	for n < a.Length {
		b, ok := s.uart.read()
		if !ok {
			break
		}
		if a.Value == 0 { // the legacy call: the byte is the answer
			return sbi.Answer{Error: sbi.Error(b)}
		}
		store8(a.Value+n, b)
		n++
	}
	answer.Value = n
	return answer
}
