// SPDX-License-Identifier: Apache-2.0

package main

// only calls what only RISC-V has.
func only(i int) {
	trapFloat(i)
	trapSwaps(i)
	trapLarge(i)
	trapWays()
}

// trapFloat computes with registers that are off.
//
//loam:trap stack=4096
//go:noinline
func trapFloat(i int) { scale(i) }

// trapSwaps has assembly save and load them.
//
//loam:trap stack=4096
//go:noinline
func trapSwaps(i int) { swapFloat() }

// trapLarge has a frame whose size takes several instructions.
//
//loam:trap stack=4096
//go:noinline
func trapLarge(i int) int {
	var room [1000]int
	room[i&511] = i
	return deepest((*[40]int)(room[:]), i)
}

func swapFloat()

//loam:trap stack=16
func trapWays()
