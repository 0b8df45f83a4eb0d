// SPDX-License-Identifier: Apache-2.0

// Package paging walks and edits page tables of any radix format that has
// 512 entries of 8 bytes a table: amd64's four-level tables and RISC-V's Sv39.
//
// A [Format] describes the architecture's entries as data, so the package has
// one code path, and both formats are tested on any host. [Tables] is one
// address space's root. Every operation gets an [Env]: the memory through
// which tables are reached, the allocator of table frames, and the format.
//
// # Entries
//
// An entry is 0 (nothing), a table, or a leaf. A leaf without any access
// right ([Prot] 0 but for software bits) is kept as a "held" leaf: not valid
// for the processor, but it remembers its frame, so mprotect(PROT_NONE) loses
// nothing. Accessed and dirty bits are set from the start: the kernel does
// not use them, and a processor that needs not write them is faster.
//
// Two bits that the processor ignores belong to software: [Copy] (the frame
// may be shared; give a copy to whoever writes) and [Borrowed] (the frame does
// not belong to this mapping and is not given back with it).
//
// # Halves
//
// User addresses end at Format.UserEnd; whatever is above is the kernel's,
// shared by all roots. [Tables.Reserve] creates the kernel's top-level tables
// once at boot, [NewRoot] copies those entries, and tables of the kernel's
// part are never freed. [Tables.MapKernel] maps the kernel itself, its devices and
// its memory, from ranges with any ends. No leaf is ever both writable and executable; user leafs carry
// User and only they do.
//
// # Flushing
//
// The caller flushes translations, and the locks are the caller's too. Mapping
// where nothing was mapped needs no flush on amd64; unmapping and taking rights away
// do, which the results say. Frames and empty tables that unmapping sets free
// are collected in a [Batch]; give them back ([Batch.Release]) only after the
// flush, for until then a processor may still reach them.
// On RISC-V a flush of single pages is enough only if the results don't say Tables.
//
// # Large leafs
//
// [Tables.MapRange] makes them, up to a level that the caller gives. Operations on a
// page inside of one, and operations on a range that covers only a part of one, answer
// Large: [Tables.Split] comes first. A leaf without rights is held like a small one.
// Nothing here joins small leafs to a large one: who wants one maps it where there is
// no table.
//
// # Pieces
//
// Large ranges are worked on in bounded pieces: an operation that fills its
// batch, or has used up the batch's budget of steps, returns early and is called
// again. [Tables.Prepare] makes tables beforehand for who can't fail later.
//
// Rejected: one package per architecture generated or copied (two walkers to
// keep right); counting the entries of each table (costs every map a record
// look-up, while scanning a table on unmap stops at the first entry it finds);
// closures that visit entries (they escape, and the machine floor has no heap).
//
// Sources: Intel SDM vol. 3A, chapter 4 (4-level paging, 4.5); RISC-V
// Privileged Specification 20211203, 4.3 and 4.4 (Sv32, Sv39).
package paging
