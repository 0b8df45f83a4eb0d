// SPDX-License-Identifier: Apache-2.0

package terminal

import "testing"

// FuzzMessage: whatever comes, a message that is taken is written as it was read, and is
// one of those that this side may send.
func FuzzMessage(f *testing.F) {
	for _, m := range []Message{
		{Kind: Hello}, {Kind: Get, Number: 7, Stream: 2}, {Kind: Suspended},
		{Kind: Set, Number: 8, Stream: 1, When: Flushed, Written: [2]uint32{1 << 31, 5}, Termios: Termios{1, 2, 3, 4, 5, [19]uint8{0: 3, 18: 9}, 38400, 9600}},
		{Kind: Facts, Terminal: [3]bool{true, false, true}, Size: Size{24, 80, 640, 480}}, {Kind: Interrupt}, {Kind: Suspend}, {Kind: Resume},
		{Kind: Attributes, Number: 9, Errno: 25, Termios: Termios{Local: 11}}, {Kind: StdinEnd, Total: 1<<32 - 1},
	} {
		var b [MessageSize]byte
		m.Put(&b)
		f.Add(b[:])
		if got, err := Parse(&b, m.Kind >= Facts); err != nil || got != m {
			f.Errorf("%+v, %v, not %+v", got, err, m)
		}
		if got, err := Parse(&b, m.Kind < Facts); err != ErrMessage {
			f.Errorf("the other side's %+v is taken", got)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var b, again [MessageSize]byte
		copy(b[:], in)
		for _, ofHost := range []bool{false, true} {
			m, err := Parse(&b, ofHost)
			if err != nil {
				continue
			}
			m.Put(&again)
			if second, err := Parse(&again, ofHost); err != nil || second != m {
				t.Fatalf("%+v, then %+v, %v", m, second, err)
			}
			if m.Stream > 2 || m.When > Flushed {
				t.Fatalf("%+v", m)
			}
		}
	})
}
