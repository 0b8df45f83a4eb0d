// SPDX-License-Identifier: Apache-2.0

// Package ninetest has 9P2000.L servers for tests of packages ninep and folder, on a host.
//
// Server is an honest server of a folder, with its own code for messages, so that the two
// sides check each other. As QEMU's, it knows a file by its name, not by its inode, and
// answers many requests at once. It watches what a client must not do: names with a
// slash, "." or ".." in them, numbers that are not its to give, a tag used twice. A careless one
// (Careless) keeps nobody in: it follows every link, on the whole of the host. Against
// that one it shows what the client's side alone is worth.
//
// Local is a transport to a Server in the same process, Stream one to any server at the
// other end of a connection.
package ninetest
