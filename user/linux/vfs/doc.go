// SPDX-License-Identifier: Apache-2.0

// Package vfs is the file names of a sandbox: what a path leads to, and what calls do with
// it, over file systems that are mounted into one tree. What is open is the server's.
//
// # Nodes
//
// A file system is a root Node. A Node is a file, as an inode is: an interface, with Base for
// what a kind of file can't do. Two are the same file if they are equal, so a file system
// whose nodes are names (a host's folder) has them as values. A directory tells its parent and
// its name itself; there is no cache of names above the file systems, since what the host
// changes is to be seen, and tmpfs's own tables are as fast.
//
// # Walking
//
// A walk goes a name at a time, as path_resolution(7) says: ".." out of a mount, links of 40
// at most, a trailing slash that asks for a directory. Its last name is the operation's
// own, for each of them treats a link, a missing file or "." there in its own way. The
// errors, and which comes first, are Linux's; the test compares them with a Linux kernel's
// over the same tree, by random operations (differ_linux_test.go).
//
// Everybody is user 0, whom Linux lets do everything; permission bits are kept and told,
// and matter for execution alone.
//
// # Waiting
//
// Most nodes answer at once, under the server's lock. One that must ask another server
// answers lx.Wait when it was given no Waiter, before it changes anything; the server then does the
// whole call again on a goroutine that may wait, and gives a Waiter, which frees the lock while
// it waits. So after each step that was given a Waiter others may have changed the tree; a walk
// holds nothing but nodes, which stay what they are.
//
// Rejected: a state machine for each operation, which would be all of this package twice; a
// goroutine for each call, which would cost each fstat what only a folder's needs.
package vfs
