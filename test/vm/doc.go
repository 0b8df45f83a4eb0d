// SPDX-License-Identifier: Apache-2.0

// Package vm holds the tests of the whole system: each starts machines through
// the loam command, as a person does, and looks at what comes out.
//
//	kernel_test.go    the test kernel: Go's runtime on the bare machine, and
//	                  faults of the kernel itself
//	program_test.go   what Go programs do: streams, arguments, exit codes, and
//	                  the assistant that behaves (test/programs/behave)
//	misbehave_test.go the assistant that misbehaves (test/programs/misbehave)
//	hostile_test.go   programs of a few bytes of machine code, and how they die
//	escape_test.go    those that once stopped the kernel, or got into it
//	fuzz_test.go      random calls (test/programs/fuzz)
//	file_test.go      files that are no programs
//	channel_test.go   many bytes in and out, slow readers
//	served_test.go, served_linux_test.go
//	                  programs as a person runs them, with what serves them
//	command_linux_test.go
//	                  time limits, Ctrl-C, two at once: nothing is left behind
//	wasm_test.go      modules, and the cache of compiled code
//	memorymap_test.go loam run --memory-map
//	machine_test.go, machines_test.go, memory_test.go
//	                  machine types, memory sizes, determinism
//	boot_test.go      loam boot, loam doctor
//	console_linux_test.go, monitor_linux_test.go
//	                  its console: keyboard, screen, drivers that die, panics
//	devicetree_test.go, treelies_test.go
//	                  devicetrees that are broken, or lie (riscv64)
//	virtmachines_test.go
//	                  riscv64 machines that loam doesn't start
//	smp_test.go       several CPUs (test/programs/smp, smpstress)
//	vector_test.go    RISC-V's vectors, of several lengths
//
// What depends on the architecture that is tested (LOAM_ARCH) is in arch_test.go, and
// the machine code of the programs of a few bytes in codeamd64_test.go and
// coderiscv64_test.go.
//
// They test the kernel, and so machines of it alone (--bare), where they don't say otherwise. With the variable
// LOAM_SERVED=1 all are as a person's are.
//
// Without the variable LOAM they skip. LOAM_CPUS=N runs them all on machines of
// N CPUs, but where a test says how many. With the variable LOAM_CONTROL set
// instead, the assistants run on this host's Linux: what they expect of Loam is
// what Linux does, and they say where it is not.
package vm
