// SPDX-License-Identifier: Apache-2.0

// Package wasmrv64 compiles WebAssembly modules to machine code for RV64GC.
//
// wazero, the engine, compiles for amd64 and arm64 and interprets elsewhere.
// This package is the compiler that it lacks; package user/wasi/native runs
// what it makes, with wazero's WASI functions.
//
// # How it works
//
// One pass over each function's body, after a short one that counts how often
// each local variable is used: the most used ones live in registers that a
// callee saves, the others in the frame. The operand stack exists only in the
// compiler, as a list of places: a constant, a local variable not copied yet, a
// temporary register, or the operand's own slot of the frame. Where paths meet
// (block, loop, if, end) all operands are in their slots, but for the only
// result of a block, which is in a0 or fa0.
//
// Memory accesses are checked by comparing addresses: the host's address of the
// access's end against the memory's end, which has a register of its own, as
// its beginning has. Several accesses through one local variable are checked
// once if the first check covers them. 32-bit integers are kept
// sign-extended. A function that calls passes arguments in a0-a7 and fa0-fa7 by
// their type, further ones and all results of several in the context.
//
// The context is an array of words that code and Go share ([Layout]). Code
// leaves to Go for imported functions and the instructions in [Builtin]:
// growing memory, and what changes tables and segments. It stores all
// registers that must survive in the context, so that Go may do what it likes,
// and is continued later.
//
// # Safety
//
// The input must be a valid module of WebAssembly 2.0 without vector
// instructions; whoever calls [Compile] has had wazero check it. Code made from
// a valid module accesses its linear memory, its stack between the limit in the
// context and the top, its context and its tables, and nothing else, and
// leaves only by the three ways out. It keeps no address of Go's that can
// move: contexts, tables and function records are never moved by Go's runtime.
//
// # Rejected alternatives
//
// Translation to Go source, compiled on the host: the best code, but a Go
// toolchain on every user's machine, minutes for what a compiler of its own
// does in a fraction of a second, and the WASI functions and the runner as
// source, too. Translation to C: a cross compiler besides. A backend inside
// wazero: its interfaces for that are internal. An optimizing compiler: the
// distance from here to there is smaller than from the interpreter to here.
package wasmrv64
