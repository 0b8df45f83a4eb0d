// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import "loam/test/programs/smp/low"

// send writes v to x and then to y: stores stay in order (Intel's manual, volume
// 3, 9.2.2).
func send(x, y uintptr, v uint64) {
	low.Store(x, v)
	low.Store(y, v)
}

// receive reads y and then x: loads stay in order.
func receive(x, y uintptr) (fromY, fromX uint64) {
	fromY = low.Load(y)
	return fromY, low.Load(x)
}
