// SPDX-License-Identifier: Apache-2.0

// Package ninep is a client of 9P2000.L, by which a server of ours reads and writes the
// folders that the host gives us over virtio-9p. It knows messages; what paths are, and
// that they stay in a folder, is package folder's.
//
//	client, err := ninep.Dial(ctx, transport, ninep.Config{ReadOnly: true})
//	root, qid, err := client.Attach(ctx, "", "")
//	fid, n, err := client.Walk(ctx, root, []string{"src", "main.go"}, &qids)
//	qid, unit, err := client.Open(ctx, fid, abi.O_RDONLY)
//	n, err := client.Read(ctx, fid, 0, p)
//	err = client.Clunk(fid)
//
// # Sources
//
// There is no standard. The messages are as diod's protocol.md has them ("Plan 9 Remote
// Resource Protocol", 9P2000.L, github.com/chaos/diod), and as the two ends agree that
// everybody uses: Linux (include/net/9p/9p.h, net/9p/client.c) and QEMU (hw/9pfs/9p.c). Tags,
// fids and flushes are Plan 9's (intro(5), flush(5), walk(5), clunk(5)).
//
// Left out, because nobody who serves us needs it: authentication; devices, pipes and
// sockets on the host (Tmknod); Trename and Tremove, which Trenameat and Tunlinkat
// replace; 9P2000 and 9P2000.u.
//
// # Invariants
//
//   - The server is not believed. Each reply must have the length that it says and that the
//     transport says, the type that was asked for or Rlerror, and the request's tag; all of its fields
//     must be there and nothing else; counts are at most what was asked for. What can't be is a
//     ProtocolError, and from then on the client asks nothing more: of what such a server
//     says of its fids, nothing is known any more. What it says in the right form can
//     still be a lie, about files; that harms who believes the files.
//   - A reply may lie in memory that the server can still write to. Each of its bytes is read
//     once, and names are looked at after they have been copied.
//   - Memory is bounded, by Config: a request and a reply of 4,608 bytes for each that can be under
//     way, and 4 bytes for each fid that was ever used at once. Data lies with the caller.
//   - No name leaves that is not one: not "..", not ".", nothing with a slash in it
//     (CheckName, in every request that has a name). So a server is never asked to go up.
//   - A read-only client sends nothing that could change a file. One place decides that for all
//     requests (begin), and Open for its flags. The server may say the same of itself; we
//     don't rely on that, and not on a caller's courtesy. Some can have the same connection
//     read-only while others have all of it (Client.Reading).
//   - A fid's number goes back when the server can't have it any more: with its Rclunk, whatever
//     that says, or when the request that would have made it failed. When nobody knows, since the
//     request was cancelled, it is clunked first.
//
// # Requests and memory
//
// An Exchange is a request and room for its reply, in two pieces each: fields, in the
// transport's memory, and data, in the caller's. So a Tread's data comes from the host's
// file to the caller's memory without a copy, if a device reaches that. The first piece of an
// Rread is the 11 bytes before its data, which is also just the size of an Rlerror.
//
// A Client has a fixed number of slots; a slot is a tag, an exchange and its
// memory, and a second exchange for a Tflush, which so never waits for a free one. Who finds
// no slot waits. Reads and writes allocate nothing.
//
// # Cancelling
//
// When a context ends, the request is flushed, and the call waits for the answer to the
// flush and for the request's memory. It doesn't return before, since the server may write there
// until then. If the reply came all the same, it counts: what was done was done. Otherwise
// the error is the context's; the server may have done it or not.
//
// A server that answers neither holds the call for ever. That is the transport's to see: it
// resets the device, which ends its access to memory, and ends all exchanges with an error.
//
// # Locks
//
// Client.mu and fids.mu are leaves: nothing is called under them. Replies are not taken by
// a goroutine of the client's: a transport calls Exchange.Done, which wakes the one that
// waits.
//
// # Rejected
//
//   - The modules that there are. github.com/docker/go-p9p, github.com/knusbaum/go9p and
//     github.com/droyo/styx speak 9P2000, not 9P2000.L. gvisor.dev/gvisor/pkg/p9 has been
//     reduced to a few types since gVisor has a protocol of its own.
//     github.com/hugelgupf/p9, which was made of it, is kept up and speaks it, but by reading and
//     writing one connection: there is no place where a device could be given a request and the
//     room for its reply. It knows no contexts and sends no Tflush, and takes memory for replies by
//     the sizes that they say.
//   - Returning from a cancelled call at once, while a goroutine waits for the
//     server: the caller's memory would have to be the client's, which is a copy for every
//     read, or the server could write to it after the caller has gone on.
//   - To go on after a ProtocolError, since on virtio each reply stands for itself: what the
//     client knows of fids would be wrong, and the next error far from its cause.
//   - An interface for each file, with its fid inside: package folder has that. What one
//     message does is easier to see, and to test, in a function for each message.
package ninep
