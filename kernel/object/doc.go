// SPDX-License-Identifier: Apache-2.0

// Package object is how programs get at the kernel's objects: headers with a
// count of references, the tables of handles, and the accounts that pay.
//
// # Headers
//
// Whatever a handle can name has a header in [Objects]: its kind, where its
// record is, who pays for it, how many references there are. The record itself
// (a process, a thread) is the owner's business and lives in its own pool. It
// goes when the thing ends, the header when nobody refers to it any more; so a
// handle to a process that has ended still answers with its status, and holds a
// few words, not threads and page tables. Rejected: keeping the record as long
// as there are handles, as Linux keeps zombies; each place that walks over
// threads or processes would have to know of the dead among them.
//
// A reference is a handle in some table, or the kernel's own while a process,
// thread or space has a record. Release answers when the last one is gone and
// something is left that its owner has to give back; it does so, maybe in pieces,
// and calls Free. So memory that is still mapped has a header without references,
// and somebody who pays. No object refers to
// another through handles but a process through its table, which is closed when
// the process ends: there are no cycles to be collected.
//
// # Handles
//
// A [Table] belongs to one process. A handle is a place in it and the number of
// times that the place was used (abi.Handle), so a handle kept too long is
// refused whoever has the place now, and one that is guessed names at most what
// the guesser has anyway. Handles have 64 bits, not 32: with 48 for the count no
// server lives long enough to use a place up, where with 22 it would either run
// out of places in hours or see an old handle come true. A place whose count is
// used up all the same isn't given out again.
//
// Each handle has its own set of rights. All ways to make one of another
// (Duplicate, Mint, Replace, HandOn) refuse what the first doesn't have, so along any
// chain rights never grow.
//
// # Derived handles
//
// A handle that was made of another one is derived from it: by Duplicate, by Mint,
// by HandOn that copies. One that takes another's place takes its place here too:
// by Replace, by HandOn that moves. So there is a forest over the handles of all
// tables, with a root for each handle that the kernel gave for an object it made
// (Insert). Derived and RemoveDerived take away all that is below a handle, one by
// one, so that a caller can do it in pieces; whatever is derived meanwhile is
// below too, and goes. When a handle is closed, what was derived from it is derived
// from its parent: who handed something on can have it back, however many
// processes it went through and whichever of them have ended. Nothing below a root
// that was closed can be taken back as a whole any more, but by who is above it.
//
// A handle knows its first and last child and its neighbours; only the ends of a
// list of children know the parent. So a handle's children come into its place by
// four links, however many they are, and a process with a full table ends in as
// many steps as it has handles. Rejected: a parent in each handle, since closing one
// would walk over its children; a list in order of depth as seL4 keeps it, where
// whether the next one is a child follows from its content, since here two handles
// with the same object, rights and badge may be parent and child or not; handles
// that end with their parent, since then nobody could hand on what he
// was given and go.
//
// # Badges
//
// A handle of an endpoint or a notification can have a badge: one word that Mint
// gives it and that stays with all that is made of it. Who receives from an endpoint
// is told the badge of the handle that was called by, and so knows its clients
// without asking them; by a notification's handle with a badge only those bits
// may be set. A handle with a badge can't be minted again: a client can't become
// another one.
//
// An endpoint counts its handles with abi.RightWait. When none is left nobody will
// ever receive what is sent there (Orphaned), and the owner tells those who wait.
//
// # Accounts
//
// Headers are charged, one unit of their kind each, to an [Account]: each
// process has one. The frames of its space and of the memory objects that it made
// are charged to the same one, by packages space and memory. An account has a limit for each kind, and stands below the
// one of the process's creator: what is charged to it is charged to all above
// it, too. So a process meets its own limit first (EDQUOT), with all its
// descendants it can't use more than it was given itself, and the answer ENOSPC
// says that it was an account above. The limits of the first account are not
// more than the pools hold: no pool is ever the first to be full. A creator
// that gives a child less than what it has left itself keeps the rest for sure.
//
// An account outlives its process while something is charged to it (a
// notification that others have handles to), and while it does its process's
// header is kept, which the creator pays for. When a process ends, accounts
// below its own move up to its creator's.
//
// Rejected: carving a child's part out of its creator's for good (Genode's
// quota, traded up and down). It needs no walk up the tree, but every spawn then
// has to say how much, and what a child doesn't use lies idle; here the walk is
// as long as there are creators above, on calls that make or free something,
// and limits can be left at half.
//
// # Bounds
//
// Everything is made by [Objects.Init]; nothing allocates later. Closing
// a table goes handle by handle (Pop), so that a caller can do it in pieces. The
// one walk over all processes is CloseAccount's.
//
// # Locks
//
// None here: the kernel lock of package core guards all of it. Look alone may be
// called without it: its answer belongs to one handle, and it says nothing about
// what happens to that handle afterwards.
//
// Sources: seL4 reference manual 2.1 (capabilities, rights, badges, derivation and
// revocation); KeyKOS and EROS (space banks); Linux cgroups v2 (charges that go up a
// tree).
package object
