//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// The keys of the consoles, for boot mode.
var (
	keys    [64]byte
	keyHead uint32
	keyTail uint32
)

func putKey(b byte) bool {
	if keyTail-keyHead == uint32(len(keys)) {
		return false // full: the key is lost, as on any console
	}
	keys[keyTail%uint32(len(keys))] = b
	keyTail++
	return true
}

// ConsoleRead returns the next byte typed at a console, if there is one.
func ConsoleRead() (b byte, ok bool) {
	if keyHead == keyTail {
		return 0, false
	}
	b = keys[keyHead%uint32(len(keys))]
	keyHead++
	return b, true
}
