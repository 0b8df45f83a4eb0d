// SPDX-License-Identifier: Apache-2.0

// Package folder is a folder of the host's as package os has files: by path, with open
// files, and with Linux's errors (an abi.Errno, or what has one in it; or the context's).
// Nothing in it leads out of the folder, and one that is read-only stays as it is.
//
//	d, err := folder.Attach(ctx, client, folder.Options{})
//	f, err := d.OpenFile(ctx, "src/main.go", abi.O_RDWR|abi.O_CREAT, 0o644)
//	n, err := f.ReadAt(ctx, p, 0)
//
// The programs that it works for are not trusted, nor is the server (package ninep); and
// the host, or another guest, changes the folder at any moment.
//
// # Confinement
//
// A path begins at a Dir and stays below it, as with openat2's RESOLVE_BENEATH: EXDEV for
// an absolute path, for ".." above the Dir, and for a link to either. Who has other roots
// (mounts, absolute links within a guest's own tree) resolves paths itself, name by name: a
// path of one name is one step, which Lstat, Readlink, and OpenFile with O_NOFOLLOW make
// without following anything.
//
// Two sides together keep it so.
//
// This one asks the server for one thing only: to walk down from a directory, through plain
// names. ".." is taken from a list of names (path.go). Links are read, 40 of them at most
// (ELOOP), and their targets put into the list. All names before the last must be
// directories, by the answer to the very request that went through them; no earlier answer
// is relied on, so after each link, and after "..", the way is walked again from the
// Dir. A new file is made only where nothing has its name (O_EXCL), and what is opened is
// opened with O_NOFOLLOW.
//
// The other side: between two requests, and within one, somebody can put a link in the
// place of a directory, which no client can see. QEMU's local backend opens each component of
// a fid's path with O_NOFOLLOW, from the folder down, whenever it uses it
// (local_open_nofollow in hw/9pfs/9p-local.c; since version 2.9, for CVE-2016-9602). So
// such a link is an error there. It is to be run with security_model=none: in the mapped
// models links are files with a mark, not links, and the host's edits are not ours.
//
// The tests hold this side alone against a server that follows every link there is
// (all attempts by a path must fail), and both sides against races, and directories that
// are moved away while they are open.
//
// With QEMU a Dir is a name, not an inode: if the host moves another directory there, that
// is what the Dir is from then on.
//
// What is not kept: a hard link that the host makes in the folder, to a file of its elsewhere,
// is a file of the folder. And a program may make symbolic links with any target; programs of the
// host's that follow them should know.
//
// # Read-only
//
// It is the client that is read-only, so no request that could change anything leaves,
// in whatever way this package is used or wrong. EROFS comes before all other
// errors of what changes a file, whether that is there or not; but opening asks first what is
// there, as Linux does.
//
// # What is not opened
//
// Pipes, sockets and devices of the host's (ENXIO). Stat shows what they are; a personality
// can put pipes of its own in their places, as Linux does.
//
// # What it costs
//
// In messages, for paths of up to 16 names without links: Stat and Reach 3 (walk, attributes, and
// a clunk, which nobody waits for),
// OpenFile 3, also for a new file, and 5 for one that is there with O_CREAT; Close 1; what
// changes a name 3, Rename and Link 5; a read or write one for each 512 KiB, or what the
// client's messages hold. A link costs 3 or 4 more, a name that isn't there below a directory
// that is, 3. A path that goes up and down all the
// time has the way down walked again each time; after some 4,096 walks it is ELOOP.
//
// # Locks
//
// A handle counts its users under its own mutex; no request is made under that. Close
// lets them end, and the last gives the fid back. There is nothing else to lock.
//
// # Rejected
//
//   - A walk for each name: a message each, which is an exit from the machine. A Twalk takes
//     16 names, and says of each what it is. It stops at the first that isn't there, without
//     a reason; the next one, for that name alone, gets it.
//   - A fid for each directory on the way, to go up by: the server would keep them, as many as
//     a program likes. Names say the same.
//   - Asking the server for "..": it would have to be believed, about a tree that others
//     change meanwhile.
//   - A cache of names or attributes: the host's edits must be seen. Who knows better
//     builds one above.
//   - A position in File: those who share an open file keep one between them, which
//     this package knows nothing of.
package folder
