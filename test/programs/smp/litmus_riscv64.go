// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

// send writes v to x and then to y, with FENCE W,W in between: nothing else keeps
// stores in order (RISC-V's memory model, RVWMO).
func send(x, y uintptr, v uint64)

// receive reads y and then x, with FENCE R,R in between.
func receive(x, y uintptr) (fromY, fromX uint64)
