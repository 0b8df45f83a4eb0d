// SPDX-License-Identifier: Apache-2.0

package run

import "time"

// A terminal's key by which a person ends a program that has taken all others, pressed so often
// within a time: Ctrl-], as telnet has it. The program gets it too.
const (
	escapeKey  = 0x1d
	escapeKeys = 3
	escapeTime = time.Second
)

// escape looks for it in what is typed.
type escape struct {
	count int
	first time.Time // of those counted
}

// typed takes what was typed at a time, and reports whether it is the end.
func (e *escape) typed(keys []byte, at time.Time) bool {
	for _, k := range keys {
		if k != escapeKey {
			e.count = 0
			continue
		}
		if e.count == 0 || at.Sub(e.first) > escapeTime {
			e.count, e.first = 0, at
		}
		if e.count++; e.count == escapeKeys {
			return true
		}
	}
	return false
}
