// SPDX-License-Identifier: Apache-2.0

// Package sys is the system package of Loam's own user programs: Loam calls,
// the few Linux calls that the standard library hides behind something bigger,
// and the one place on the user side where package unsafe may be used.
//
// # Invariants
//
//   - unsafe appears only in files named *_unsafe.go, and nothing exported
//     from here hands out an unsafe.Pointer.
//   - Importing the package runs no initialisation code and pulls in nothing
//     that a small static program would not have anyway: programs start inside
//     an emulated machine, where every instruction before main is paid for.
//   - The package builds for every operating system that Loam's command runs
//     on. Calls that only Loam answers return syscall.ENOSYS elsewhere, so that
//     a program started on Linux by mistake can say so.
//
// # The two hooks into wazero
//
// wazero keeps its compilation cache behind an interface that is not exported
// and detects the CPU once, in a package variable. Compiling on the host for
// the guest needs both: [SetField] plants a cache of ours, [WazeroCPU] and
// [SetWazeroCPU] read and replace the CPU's features. Rejected: a fork of
// wazero (to be rebased for ever), a cache folder (the guest has no files when
// the runner starts), GODEBUG=cpu.bmi1=off for the child (can switch features
// off but not on, and reaches more than wazero). Tests in internal/wasmcode
// fail when a new wazero no longer fits.
package sys
