// SPDX-License-Identifier: Apache-2.0

// Package folderd serves a folder of the host's to programs: what package folder has, by
// calls. Each device, and so each folder, has a process of its own, which holds the
// device's registers, its interrupt, its memory, and nothing else. It trusts neither side: not
// the programs, nor the device and the server behind it.
//
//	programs ── Folders, Folder (this package) ── folder ── ninep ── virtio/p9 ── device
//
// The program is `system folder`; its handles are those of these lines, in this order. tag is the
// mount tag that the device must have, grant=BADGE[:ro][:PATH] gives the callers with a badge a
// directory, ro makes all of it read-only, and limit is how long the device may take for an
// answer, 2m without it:
//
//	service folder
//	  system folder
//	  args tag=here limit=1m grant=2 grant=3:ro:public
//	  provides files
//	  interrupt 1 level            # riscv64's virt, the first place for a device
//	  memory 0x10001000 4K         # of microvm: interrupt 5 level, registers 0xfeb00000 0x200
//	  dma 4M                       # less makes messages smaller
//	  dma 2M                       # that the first grant's sessions share; one more for each
//	  restart always after 10ms to 1s
//
//	folders := folderd.NewFoldersClient(ipc.Endpoint(object.Given(0)))
//	session, info, err := folders.Attach(ctx, ipc.Copy(abi.HandleProcess, abi.RightWait))
//	f := folderd.NewFolderClient(ipc.Endpoint(session.Handle))
//	file, _, err := f.Open(ctx, folderd.Root, "src/main.go", abi.O_RDONLY, 0)
//
// # Who may what
//
// The endpoint that a manifest names serves Folders, which has one method. Attach looks at the
// badge of the caller's handle, which only who minted the handle could choose: for each there is a
// Grant, a directory of the folder and whether it may be changed, or there is none and
// EACCES. The grant's directory is opened then, and the session has paths below it and
// no others (package folder: EXDEV).
//
// Read-only is enforced here, twice: a folder that is served read-only has a ninep client that
// sends no request which could change anything; a grant that is read-only has such a client
// on a connection where others may write (ninep.Client.Reading). The host is told too (QEMU's
// readonly=on), if all of the folder is read-only. No caller's courtesy is asked for.
//
// # Sessions
//
// What Attach gives is an endpoint with a badge of its own, of those that this process made, and
// that serves a Folder. It is a right like any other: who has it has the grant, with all that the
// session has open, and may hand it on. So a program can be given a folder without knowing
// where it comes from.
//
// It belongs to the process whose handle came with Attach; nobody else would tell us that it
// has died. With the process's end the session's files are closed, and its handles are revoked,
// wherever they are by then.
//
// When this process ends, the endpoint of its sessions goes with it: calls that it had received
// get ECONNRESET, all later ones ECONNREFUSED, while calls to Folders wait for the next
// instance. So a number of before can't be taken for a file of after. Who is to survive that
// attaches again and opens its files again, by their paths: they may be others by then, and
// what had no name any more is lost.
//
// # Files
//
// An open file is a number within its session, the least that is free, as a file descriptor
// is. One that is a directory is also a place where paths begin, whatever becomes of its name
// here; on the host's side QEMU knows it by its name (package folder). There are no positions and no
// flags of descriptors: who shares an open file keeps them.
//
// Data goes in messages, which copy it three times, or by memory that a session shares with this
// process (Folder.Share): then it goes between the host's file and that memory, by the device, and not through
// this process at all. Each grant has one such memory, if the manifest has a line for it, and one session
// at a time.
//
// Who reads on where it has ended has the device work meanwhile (Folder.ReadOn): with its answer the next read is given to
// the device, which no thread waits for. The next call takes what has come by then. Until it has, that part of the memory is
// the device's: whoever else wants it waits, a session's successor too. What was begun takes half of the device's requests at
// most, so that there is always one to be had.
//
// # Bounds
//
// MaxSessions for each badge, MaxFiles for each session, MaxData for each call. A call has
// a thread or a goroutine while it waits for the host (ipc.Server.Threads): a slow call holds up nobody
// else's, and one that is cancelled is flushed (ninep). How many there are at once the
// callers' threads bound; how many of them reach the device, ninep.Config.Requests.
//
// # Rejected
//
//   - A handle for each file: a badge, a place in the tables of two processes and of the
//     kernel for each, a call to Mint for each open, and nobody tells the server when the last
//     is closed. Numbers that a session's end clears cost nothing.
//   - Sessions by the badge of Folders itself: two processes to whom the same handle was
//     handed would close each other's files, and an instance of this service could take an
//     old number for one of its own.
//   - Leases, which clients renew: a program that is stopped loses its files.
//   - 9P up to the programs: each would need a client, and one that is not to be trusted would have to be
//     read and checked, message by message, with its fids apart from others'. The typed
//     interface has less that can be said wrongly.
//   - A cache here: the host's edits are to be seen. (A mapping of a file needs pages, though;
//     below.)
//
// # Next
//
//   - Mapped files: this process as a pager (ipc.Server.OnPage) for files that are mapped;
//     what a host's edit means to pages that are there has to be said then.
//   - Record locks among the programs of the machine, which QEMU doesn't keep, and extended
//     attributes, which package folder has: methods of Folder.
//   - Reads without a copy: the device writes to shared memory, from which the personality copies; that is 0.7 of the
//     2 ms that a MiB takes under emulation. The pages of who reads could be lent to the device: held by the frame's count, in a list of
//     elements (Linux has 128 pages in one), and until the device is reset where its driver dies in the midst of it.
//   - Writes are begun when all their data is there, and of several messages one after the other.
package folderd
