// SPDX-License-Identifier: Apache-2.0

// Package bench measures Loam and holds the figures against those that are
// kept in the tree.
//
// Everything is counted under QEMU's instruction counting (loam run
// --deterministic): a nanosecond of the guest is an instruction, and two runs
// of the same bytes give the same figures. So the figures are lines in a file
// of the tree, bench/amd64.txt and bench/riscv64.txt, and a change of the kernel that costs
// something shows as a difference of that file. What an instruction costs does
// not show: a TLB flush or a device access is one instruction like any other.
// Wall time is therefore measured too ([Wall]), as ratios of runs that take
// turns, and is never kept.
//
// How it goes: build the guest programs of test/bench from source, run each in
// machines of its own, read the lines `name value unit` that programs and
// kernel print, compare ([Compare]), show ([Table]). Paths that the guest sees
// are relative to the repository, since the length of argv[0] moves the stack.
//
// Everything that is measured is a cost: less is better. A figure is worse
// when it exceeds the kept one by more than [Tolerance].
//
// Rejected: testing.B in the guest (chooses its iteration count by the clock,
// so that counts differ with what is measured), instruction counts by a QEMU
// plugin (not part of QEMU's packages; kept for profiling by hand).
package bench
