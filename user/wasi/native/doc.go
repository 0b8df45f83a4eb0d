// SPDX-License-Identifier: Apache-2.0

// Package native runs WebAssembly modules that package wasmrv64 has compiled,
// on riscv64, with the WASI functions of wazero.
//
// # How it works
//
// wazero's WASI functions work on an instance of wazero's own. So a module is
// accompanied by another one, made here, that wazero interprets ([companion]):
// it has the module's linear memory, imports what the module imports, and
// exports a function for each import that calls it. Compiled code works on that
// memory directly and leaves for Go to call such a function, which costs about
// a microsecond: what a WASI function itself costs.
//
// Code runs on a stack of its own, a mapping, and below Go's notice: a signal
// that arrives finds g where Go's runtime wants it and a program counter that
// it does not know, and returns. So Go's runtime can't stop a goroutine that
// runs code, as with wazero's own compiler; it waits until the code leaves.
//
// # Trust
//
// Code comes from the host that started the guest, or was compiled here. It
// is as trusted as the runner; the module is not, and package wasmrv64 says
// what it can't do.
package native
