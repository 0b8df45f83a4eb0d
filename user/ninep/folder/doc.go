// SPDX-License-Identifier: Apache-2.0

// Package folder is a folder of the host's as package os has files: by path, with
// descriptors, and with Linux's errors (abi.Errno). Nothing in it leads out of the
// folder, and one that is read-only stays as it is.
//
//	d, err := folder.Attach(ctx, client, folder.Options{})
//	f, err := d.OpenFile(ctx, "src/main.go", abi.O_RDWR|abi.O_CREAT, 0o644)
//	n, err := f.ReadAt(ctx, p, 0)
//
// Programs that use it are not trusted, nor is the one at the other end (package ninep);
// and the host, other programs of its and other guests change the folder at any time.
//
// # Confinement
//
// A path begins at a Dir and stays below it, as with openat2's RESOLVE_BENEATH: EXDEV for an
// absolute path, for ".." above the Dir, and for a link to either. Who has other roots
// (mounts, an absolute link within a guest's own tree) resolves paths itself, name by name:
// a path of one name is one step, which Lstat, Readlink, and OpenFile with O_NOFOLLOW
// make without following anything.
//
// Two things together keep it so:
//
//   - Here: the server is asked for one thing only, to walk down from a directory
//     through plain names. ".." is taken from the list of names (path.go); links are
//     read and their targets put into the list, at most 40 of them (ELOOP). What a walk came
//     through must be directories, by the answer to the same request that came through them.
//     No earlier answer is relied on: after each link, and at each "..", the way is walked
//     again from the Dir. Of the names that change something, the last never is a link's to
//     follow: a new file is made only where nothing has its name (O_EXCL), and every open
//     has O_NOFOLLOW.
//   - There: between two requests, and inside of one, somebody can put a link in the place of a directory.
//     No client can see that. QEMU's local backend opens every component of a
//     fid's path with O_NOFOLLOW, from the folder down (hw/9pfs/9p-local.c,
//     local_open_nofollow, since CVE-2016-9602), so such a link is an error.
//     security_model=none is right for that: with mapped-file and mapped-xattr links are not links for the host.
//
// The tests hold this side alone against a server that follows every link (all
// attempts but races fail), and both against races.
//
// A Dir that was opened in a folder confines to itself. With QEMU it is a name, not an
// inode: if the host moves another directory there, the Dir is that one. With a server
// that keeps inodes, it stays the directory that it was, wherever the host moves it.
//
// What is not kept: a hard link that the host makes in the folder to a file of its own elsewhere is a
// file of the folder. And a program may make links with any target; who follows them on
// the host should know.
//
// # Read-only
//
// It is the Client that is read-only, so that no request which could change anything leaves, in
// whatever way this package is used or wrong. Here EROFS comes first, so that it doesn't depend on
// what is there.
//
// # What is not opened
//
// Pipes, sockets and devices of the host's (ENXIO). Their kind can be seen; a Linux
// personality can have pipes of its own at their names, as Linux does.
//
// # Locks
//
// A handle counts who uses it, under its own mutex, and no request is made under that one.
// Close lets the others end; the last of them gives the fid back. Nothing else is shared.
//
// # Rejected
//
//   - Walking one name after the other: a request, and an exit from the machine, for each. A
//     Twalk takes 16 names and says of each what it is. It stops at the first that isn't
//     there without saying why; the next request, for that name alone, says it.
//   - Keeping a fid for each directory on the way, to go up by: fids are the server's
//     memory and a program says how many; and names say the same with less to go wrong.
//   - Asking the server to resolve "..": it would have to be believed, about a tree that
//     somebody changes at the same time.
//   - Remembering what was there (a cache of names or attributes): the host's edits
//     must be seen. Who knows better can build it above.
package folder
