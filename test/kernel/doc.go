// SPDX-License-Identifier: Apache-2.0

// Command kernel is a kernel made for tests: the machine floor with a main of
// its own, which tries Go's runtime on the bare machine and breaks things on
// purpose. The command line's test= says what; test/vm boots it.
package main
