// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// fake is a 16550 whose line sends a number of bytes between two looks at its status.
type fake struct {
	in        []byte // typed, not read
	fifo      int    // bytes to be sent
	speed     int
	out       []byte
	overrun   int
	registers [8]byte
	looks     int
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
		f.looks++
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
		u := newUART(f)
		if f.registers[regInterrupts] != interruptsInput || f.registers[regModem]&8 == 0 || f.registers[regLine] != line8N1 {
			t.Errorf("registers % x", f.registers)
		}
		text := bytes.Repeat([]byte("0123456789\r\nab\n"), 50)
		u.show(text[:12]) // between CR and LF
		u.show(text[12:])
		if want := strings.ReplaceAll(string(text), "b\n", "b\r\n"); string(f.out) != want || f.overrun != 0 {
			t.Errorf("speed %d: %d bytes, %d too early", speed, len(f.out), f.overrun)
		}
		f.in = bytes.Clone(text)
		got, _, more := u.receive()
		if len(got) != mostInputAtOnce || !more {
			t.Errorf("%d bytes, %v", len(got), more)
		}
		for more {
			var some []byte
			some, _, more = u.receive()
			got = append(got, some...)
		}
		if !bytes.Equal(got, text) {
			t.Errorf("%d bytes", len(got))
		}
	}
}

// TestUARTStuck: a line that takes nothing is waited for once, and used again when it does.
func TestUARTStuck(t *testing.T) {
	f := &fake{}
	u := newUART(f)
	slept := time.Duration(0)
	u.sleep = func(d time.Duration) { slept += d }
	u.show(make([]byte, 100))
	if len(f.out) != fifoSize || slept != slowLooks*time.Millisecond {
		t.Errorf("%d bytes, slept %v", len(f.out), slept)
	}
	f.looks, slept = 0, 0
	u.show([]byte("more"))
	if f.looks != 1 || slept != 0 || len(f.out) != fifoSize {
		t.Errorf("%d looks, slept %v", f.looks, slept)
	}
	f.speed = 16
	u.show([]byte("again"))
	if !strings.HasSuffix(string(f.out), "again") {
		t.Errorf("%q", f.out)
	}
	f.speed = 0
	u.sleep = func(time.Duration) { f.speed = 16 } // a slow one is waited for
	u.show(bytes.Repeat([]byte("x"), 40))
	if !strings.HasSuffix(string(f.out), "again"+strings.Repeat("x", 40)) {
		t.Errorf("%q", f.out)
	}
}
