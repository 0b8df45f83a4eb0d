// SPDX-License-Identifier: Apache-2.0

package run

import (
	"testing"
	"time"
)

// TestEscape: three of the keys, one behind the other and soon, are the end.
func TestEscape(t *testing.T) {
	type typed struct {
		keys string
		at   time.Duration
	}
	for want, cases := range map[bool][][]typed{
		true: {{{"\x1d\x1d\x1d", 0}}, {{"a\x1d", 0}, {"\x1d", 300}, {"\x1db", 999}}, {{"\x1d\x1da\x1d\x1d\x1d", 0}},
			{{"\x1d", 0}, {"\x1d", 1100}, {"\x1d", 1200}, {"\x1d", 1300}}},
		false: {{{"\x1d\x1d", 0}}, {{"\x1d\x1d", 0}, {"\x1d", 1001}}, {{"\x1d\x1da\x1d", 0}}, {{"\x1d", 0}, {"a", 1}, {"\x1d\x1d", 2}}},
	} {
		for _, c := range cases {
			var e escape
			got, begin := false, time.Unix(1, 0)
			for _, x := range c {
				got = got || e.typed([]byte(x.keys), begin.Add(x.at*time.Millisecond))
			}
			if got != want {
				t.Errorf("%+v: %v", c, got)
			}
		}
	}
}
