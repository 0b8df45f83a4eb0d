// SPDX-License-Identifier: Apache-2.0

// Package vmtest is what tests of the whole system share: it runs the loam
// command as a person would and collects what comes out, builds the guest
// programs, and writes ELF files that no linker would.
//
// The command under test is the one that the variable LOAM names; without it
// the tests that need it skip, so that go test ./... works on a fresh clone.
// LOAM_CPUS, LOAM_ARCH and LOAM_FIRMWARE choose the machines of the whole suite.
package vmtest
