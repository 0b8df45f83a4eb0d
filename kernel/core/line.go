//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import "loam/abi/channel"

// line builds a line of text for people without the heap; what doesn't fit is
// cut.
type line struct {
	n int
	b [channel.MaxLine]byte
}

func (l *line) text(s string) { l.n += copy(l.b[l.n:], s) }

func (l *line) bytes(s []byte) { l.n += copy(l.b[l.n:], s) }

func (l *line) number(v uint64) { l.digits(v, 10) }

func (l *line) hex(v uint64) {
	l.text("0x")
	l.digits(v, 16)
}

// digits is strconv.AppendUint without a slice that might grow.
func (l *line) digits(v, base uint64) {
	var b [20]byte
	i := len(b)
	for {
		i--
		b[i] = "0123456789abcdef"[v%base]
		if v /= base; v == 0 {
			break
		}
	}
	l.bytes(b[i:])
}

func (l *line) done() []byte { return l.b[:l.n] }
