// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"
)

// fake is a 16550 whose line sends n bytes between two looks at its status.
type fake struct {
	in        []byte // typed, not read
	fifo      int    // bytes to be sent
	speed     int
	out       []byte
	overrun   int
	registers [8]byte
}

func (f *fake) Read(register int) byte {
	switch register {
	case regData:
		if len(f.in) == 0 {
			return 0
		}
		c := f.in[0]
		f.in = f.in[1:]
		return c
	case regStatus:
		f.fifo = max(0, f.fifo-f.speed)
		v := byte(0)
		if f.fifo == 0 {
			v |= statusRoom
		}
		if len(f.in) > 0 {
			v |= statusInput
		}
		return v
	}
	return f.registers[register]
}

func (f *fake) Write(register int, v byte) {
	f.registers[register] = v
	if register != regData {
		return
	}
	if f.fifo++; f.fifo > fifoSize {
		f.overrun++
	}
	f.out = append(f.out, v)
}

func TestUART(t *testing.T) {
	for _, speed := range []int{1, 5, 100} {
		f := &fake{speed: speed}
		u := NewUART(f)
		if f.registers[regInterrupts] != interruptsInput || f.registers[regModem]&8 == 0 || f.registers[regLine] != line8N1 {
			t.Errorf("registers % x", f.registers)
		}
		text := bytes.Repeat([]byte("0123456789"), 50)
		if n := u.Send(text); n != len(text) || !bytes.Equal(f.out, text) || f.overrun != 0 {
			t.Errorf("speed %d: %d bytes, %d too early", speed, n, f.overrun)
		}
		f.in = bytes.Clone(text)
		got, more := u.Receive(nil)
		if len(got) != mostInputAtOnce || !more {
			t.Errorf("%d bytes, %v", len(got), more)
		}
		if got, more = u.Receive(got); !bytes.Equal(got, text) || more {
			t.Errorf("%d bytes, %v", len(got), more)
		}
	}
	stuck := &fake{}
	if n := NewUART(stuck).Send(make([]byte, 100)); n != fifoSize {
		t.Errorf("a device that sends nothing took %d bytes", n)
	}
}

func TestInput(t *testing.T) {
	in := newInput()
	done := make(chan string)
	go func() {
		text, err := in.take(t.Context(), 3)
		done <- string(text)
		if err != nil {
			t.Error(err)
		}
	}()
	in.put(nil)
	in.put([]byte("abcdef"))
	if got := <-done; got != "abc" {
		t.Errorf("%q", got)
	}
	if got, err := in.take(t.Context(), 100); string(got) != "def" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := in.take(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	in.put(make([]byte, maxInput+5))
	if got, _ := in.take(t.Context(), 2*maxInput); len(got) != maxInput || in.lost != 5 {
		t.Errorf("%d bytes, %d lost", len(got), in.lost)
	}
}
