// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"

	"loam/abi"
	"loam/test/programs/cases"
)

// essentialCases run in a machine whose first process is essential.
func essentialCases() []cases.Case {
	return []cases.Case{
		{Name: "an essential process isn't chosen", Run: spared},
		{Name: "without others it is who needs memory", Run: lastOne},
		{Name: "nothing is left", Run: nothingLeft},
	}
}

// spared has an essential process take all there is; of the others the larger one
// pays for what an essential process needs, and another that isn't needs nothing.
func spared() error {
	small, larger := start(false, 0, "work", "1", "0"), start(false, 0, "work", "8", "0")
	needy := start(true, 0, "work", "1", "2")
	for _, c := range []*child{&small, &larger, &needy} {
		c.isReady()
	}
	big := start(true, 0, "fill", "waiting")
	big.isReady()
	needy.goOn()
	if err := larger.end(killed); err != nil {
		return fmt.Errorf("the larger one: %w", err)
	}
	if err := needy.end(abi.ExitStatus{}); err != nil {
		return fmt.Errorf("who needed memory: %w", err)
	}
	small.goOn()
	if err := small.end(abi.ExitStatus{}); err != nil {
		return fmt.Errorf("the small one: %w", err)
	}
	if info := must(big.Process.Info()); info.State != abi.ProcessRunning {
		return fmt.Errorf("the essential one ended with %v", info.Status)
	}
	ok(big.Process.Kill())
	return big.end(killed)
}

// lastOne: who is essential and needs what nobody else can give ends itself.
func lastOne() error {
	eater := start(true, 0, "eat")
	return eater.end(killed)
}
