// SPDX-License-Identifier: Apache-2.0

// Package preview1 is WASI preview 1 (wasi_snapshot_preview1) as a host module for wazero, over Linux's
// system calls: in Loam those of the personality.
//
//	module ── import ──► table.go ──► a function of calls_*.go ──► descriptors (table of descriptors, rights)
//	                                                            └► resolve.go (paths) ──► openat2 and its like
//
// # Capabilities
//
// A module has three streams, the folders of Config.Folders as open directories, and listeners: nothing else can be
// named, and no connection be made. Every path is relative to a directory that is open, and is resolved by the kernel, by openat2(2) with
// RESOLVE_BENEATH: no "..", no symbolic link and no change that somebody makes meanwhile leads out of it. What is
// outside is NOTCAPABLE, whether it exists or not.
//
// A call on a name goes to its parent directory, resolved so, and to one last name of which the kernel follows
// nothing: neither a slash behind it nor ".." ever reaches a call that would follow it (resolve.go).
//
// # Rights
//
// Each descriptor has the rights of the specification, its own and those that are handed on to what is opened
// through it. They only ever get less: path_open gives at most the directory's inheriting rights, fewer where the
// file's type has no use for them, and fd_fdstat_set_rights gives up. A directory that is opened can have files in it
// truncated even if that wasn't asked for, as Go's os.Root expects of runtimes that know no rights. Rights that the specification doesn't know
// are ignored where they are asked for.
//
// # Listeners
//
// They come after the folders: a library that looks for folders from descriptor 3 on takes the first that is none for
// the end (EBADF) or, as wasi-libc does with other errors, gives up. wazero has the same order; in wasmtime, where they
// come first, they hide the folders. They don't wait (NONBLOCK), as wasmtime's: Go's runtime would stand still otherwise.
//
// # Waiting
//
// poll_oneoff is one ppoll(2), or a sleep if only clocks are asked for: a module that waits takes no CPU. Files
// and what is no descriptor (a reader of a test's) are always ready.
//
// # Rejected
//
//   - wazero's own functions over its file systems: paths are joined as text there, so that a symbolic link of
//     the folder leads out of it; no rights, no truth in poll_oneoff, no way to add either from outside.
//   - Loam calls and 9P directly: what a folder, a stream or a socket is would be decided a second time. By
//     Linux's calls everything here runs on a Linux host, too, and is tried there.
//   - Resolving paths here, name by name: three calls or more for each name, and a race with every rename.
//
// Source: WebAssembly/WASI, legacy/preview1/docs.md (snapshot_preview1).
package preview1
