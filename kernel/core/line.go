//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"strconv"

	"loam/abi/channel"
)

// line builds a line of text for people without the heap; what doesn't fit is
// cut.
type line struct {
	n int
	b [channel.MaxLine]byte
}

func (l *line) text(s string) { l.n += copy(l.b[l.n:], s) }

func (l *line) bytes(s []byte) { l.n += copy(l.b[l.n:], s) }

func (l *line) number(v uint64) {
	var b [20]byte
	l.bytes(strconv.AppendUint(b[:0], v, 10))
}

func (l *line) hex(v uint64) {
	var b [16]byte
	l.text("0x")
	l.bytes(strconv.AppendUint(b[:0], v, 16))
}

func (l *line) done() []byte { return l.b[:l.n] }
