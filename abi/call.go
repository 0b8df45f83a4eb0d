// SPDX-License-Identifier: Apache-2.0

package abi

import "encoding/binary"

// CallBase is the number of the first Loam call. Numbers below it are Linux's.
const CallBase = 0x1000

// Loam calls. Arguments are in the registers that Linux uses for system
// calls, the result too: zero or a value, or an Errno made negative.
const (
	// CallBootFile maps a file of the boot archive read-only into the caller's
	// address space. Arguments: address of the name, its length in bytes,
	// address of a BootFile to fill. Right: none.
	// Errors: ENOENT no such file, EFAULT, ENAMETOOLONG, ENOMEM.
	CallBootFile = CallBase + iota // 0x1000

	// CallSpawn starts a file of the boot archive as a child of the caller, with
	// the machine's environment and streams of its own on the same console.
	// Arguments: address of the file's name, its length in bytes, address of the
	// argument strings, each NUL-terminated, their length in bytes, address and
	// length of memory of the caller that the child shares at the same address
	// (at most 1 MiB), or zeros. The result is the child's process id. It is wait4
	// that tells of its end. CallProcessCreate is for programs that know handles.
	// Right: none.
	// Errors: ENOENT no such file, ENOEXEC no program, E2BIG, EFAULT, EINVAL,
	// EAGAIN too many processes, ENOMEM.
	CallSpawn // 0x1001

	// The calls below are about objects and the handles that name them; see
	// Handle, Rights and Kind. Errors that many of them have in common: EBADF,
	// the caller has no such handle (any more); ENOTSUP, its object is of
	// another kind; EACCES, the handle lacks a right; ESRCH, the process or
	// thread has ended; EMFILE, the caller has MaxHandles handles; EDQUOT, the
	// account that would be charged has as many objects of the kind as it may
	// have; ENOSPC, an account above it has; EFAULT, memory that isn't the
	// caller's; EINVAL, an argument that no handle would make right.

	// CallHandleDuplicate makes another handle of a handle's object. Arguments:
	// the handle, the new one's rights. The result is the new handle. Right:
	// RightDuplicate, and all that the new one gets.
	// Errors: EBADF, EACCES, EMFILE.
	CallHandleDuplicate // 0x1002

	// CallHandleReplace gives a handle fewer rights: the old one is no more.
	// Arguments: the handle, the new one's rights. The result is the new handle.
	// Right: all that the new one gets.
	// Errors: EBADF, EACCES.
	CallHandleReplace // 0x1003

	// CallHandleClose gives a handle back. An object that nobody has a handle to
	// and that the kernel doesn't need is no more. Argument: the handle. Right: none.
	// Errors: EBADF.
	CallHandleClose // 0x1004

	// CallHandleInfo tells what a handle is. Arguments: the handle, address of a
	// HandleInfo to fill. Right: none.
	// Errors: EBADF, EFAULT.
	CallHandleInfo // 0x1005

	// CallNotificationCreate makes a notification: a word of bits, all 0, that
	// threads set and wait for. The result is a handle to it. Right: none.
	// Errors: EMFILE, EDQUOT, ENOSPC, ENOMEM.
	CallNotificationCreate // 0x1006

	// CallNotificationSignal sets bits. Threads that wait for one of them go on,
	// first come first served, and take their bits away. Arguments: the handle,
	// the bits, not none, in NotificationBits. Right: RightWrite.
	// Errors: EBADF, ENOTSUP, EACCES also bits that the handle's badge hasn't
	// (CallHandleMint), EINVAL.
	CallNotificationSignal // 0x1007

	// CallNotificationWait waits until a bit of a mask is set, and clears those
	// that are. Arguments: the handle, the mask, not none, in NotificationBits,
	// the deadline in ns on CLOCK_MONOTONIC, 0 to ask without waiting,
	// WaitForever. The result is the bits. A signal's handler with SA_RESTART
	// doesn't end the wait. Right: RightWait.
	// Errors: EBADF, ENOTSUP, EACCES, EINVAL; ETIMEDOUT the deadline has
	// passed, EINTR, EBUSY MaxWaiters threads wait already, ECANCELED the last
	// handle was closed meanwhile.
	CallNotificationWait // 0x1008

	// CallThreadCreate makes a thread in a process; it has no registers yet.
	// Argument: handle of the process. The result is a handle to the thread,
	// which the process's account is charged for. Right: RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH, EMFILE, EDQUOT, ENOSPC, ENOMEM.
	CallThreadCreate // 0x1009

	// CallThreadStart lets a thread that CallThreadCreate made begin. It blocks
	// the signals that the caller blocks. Arguments: the handle, address of the
	// first instruction, stack pointer, two words that it finds where a function
	// has its first arguments, base of its thread-local storage. Right:
	// RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH; EINVAL an address that no
	// program has, EALREADY it has begun.
	CallThreadStart // 0x100a

	// CallThreadStop takes a thread off its CPU until CallThreadResume; a wait of
	// its goes on. What was stopped stays stopped. Argument: the handle. Right:
	// RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH.
	CallThreadStop // 0x100b

	// CallThreadResume lets a stopped thread go on; another isn't changed.
	// Argument: the handle. Right: RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH.
	CallThreadResume // 0x100c

	// CallThreadEnd ends a thread where it is, and with its last thread the
	// process, as killed by SIGKILL. Nobody is told through the thread's futexes.
	// Argument: the handle. Right: RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH.
	CallThreadEnd // 0x100d

	// CallThreadWait waits for a thread's end. Arguments: the handle, the
	// deadline as in CallNotificationWait. Right: RightWait.
	// Errors: EBADF, ENOTSUP, EACCES, EINVAL; ETIMEDOUT the deadline has passed,
	// EINTR, EBUSY MaxWaiters threads wait already.
	CallThreadWait // 0x100e

	// CallProcessCreate starts a file of the boot archive as a process with an
	// account below the caller's, streams on the same console and the machine's
	// environment; or it makes a process with an empty space (ProcessEmpty). It
	// finds HandleProcess, HandleSpace, HandleThread and the
	// handles that are handed on (GivenHandle), and nobody is its parent: no
	// SIGCHLD, no wait4. The caller's account is charged for the process, its own
	// for its space and its threads. Arguments: address of the request
	// (ProcessCreate), its length in bytes, address of a Created to fill. Right:
	// RightTransfer of what is handed on, and RightDuplicate if the caller keeps it.
	// Errors: EFAULT, EBADF, EACCES also who isn't essential wants an essential
	// process; EMFILE, EDQUOT also limits above the caller's own; EPERM a priority
	// above the caller's own; ENOSPC, EAGAIN too many processes; EINVAL a length, a flag or a count that can't be, or a handle
	// both moved and named again; ENAMETOOLONG, E2BIG, ENOENT no such file, ENOEXEC
	// no program, ENOMEM.
	CallProcessCreate // 0x100f

	// CallProcessKill ends a process, as killed by SIGKILL. Argument: the handle.
	// Right: RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH.
	CallProcessKill // 0x1010

	// CallProcessWait waits for a process's end, and until all that it had is
	// given back, but for memory objects, which go soon after. Arguments: the handle,
	// the deadline as in CallNotificationWait. The result is the status
	// (ExitStatusOf), which can be asked for again and again. Right: RightWait.
	// Errors: EBADF, ENOTSUP, EACCES, EINVAL; ETIMEDOUT the deadline has passed,
	// EINTR, EBUSY MaxWaiters threads wait already.
	CallProcessWait // 0x1011

	// CallProcessInfo tells how a process is. Arguments: the handle, address of a
	// ProcessInfo to fill. Right: RightRead.
	// Errors: EBADF, ENOTSUP, EACCES, EFAULT.
	CallProcessInfo // 0x1012

	// CallMemoryCreate makes a memory object: pages that read as zero until they
	// are written. A page gets a frame when somebody first touches it through a
	// mapping; the caller's account is charged for that then. Arguments: the size
	// in bytes, whole pages, address of a name, which is for people, its length in
	// bytes, at most MemoryNameSize, 0 for none, and 0 or MemoryOpen. The result is a handle to it.
	// Right: none.
	// Errors: EINVAL no pages, a part of one, or more than 64 GiB, or another flag; ENAMETOOLONG,
	// EFAULT; EMFILE, EDQUOT, ENOSPC, ENOMEM.
	CallMemoryCreate // 0x1013

	// CallMemoryResize gives a memory object another size. What it loses is zero
	// when it grows again. Arguments: the handle, the size as in CallMemoryCreate.
	// Right: RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, EINVAL; EBUSY it would shrink, and some of
	// it is mapped somewhere; ENOMEM it would shrink, and there is no memory to
	// tell what it keeps from its clones.
	CallMemoryResize // 0x1014

	// CallMemoryDecommit gives back the frames behind a part of a memory object,
	// which is zero then, or absent if it has a pager. Its clones keep theirs. Arguments: the handle, offset and
	// length in bytes, whole pages inside of it. Right: RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, EINVAL; EBUSY some of the object is mapped
	// somewhere; ENOMEM there is no memory to tell what is around the part from
	// the object's clones.
	CallMemoryDecommit // 0x1015

	// CallMemoryInfo tells how a memory object is. Arguments: the handle, address
	// of a MemoryInfo to fill. Right: RightRead.
	// Errors: EBADF, ENOTSUP, EACCES, EFAULT.
	CallMemoryInfo // 0x1016

	// CallMemoryMap maps a part of a memory object into an address space. It stays
	// there without any handle. Arguments: handle of the space, handle of the
	// memory, the address, whole pages, or 0 for one that the kernel chooses,
	// offset and length in bytes, whole pages inside of the object, protection:
	// PROT_READ, with PROT_WRITE or PROT_EXEC but not both, and MapPrivate for
	// memory in which a page that is written is the space's own from then on. With MapOwn and 0
	// for memory and offset it is memory of the space's own, as by mmap(2), and any protection may be asked for. The
	// result is the address. Rights: RightMap of the space; RightRead of the memory,
	// for PROT_WRITE without MapPrivate RightWrite, for PROT_EXEC RightExecute.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH the space's process has ended,
	// EINVAL, EEXIST something is there, ENOMEM; EBUSY the handle has RightWrite,
	// MapPrivate isn't asked for, the object has clones or is one, and it is mapped
	// by who may not write it.
	CallMemoryMap // 0x1017

	// CallMemoryUnmap takes away whatever is mapped in a range of an address
	// space. Arguments: handle of the space, address and length, whole pages.
	// Right: RightMap.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH the space's process has ended,
	// EINVAL, ENOMEM.
	CallMemoryUnmap // 0x1018

	// CallMemoryClone makes a memory object with the content that a part of another
	// one has at this moment. Each page is the same memory for both until one of
	// them is written. The caller's account is charged for all of them at once, as
	// if they had been copied: so writing never fails for the account's sake.
	// Arguments: the handle, offset and length in bytes, whole pages inside of the
	// object, name and its length as in CallMemoryCreate. The result is a handle to
	// the clone, with all rights. Right: RightRead.
	// Errors: EBADF, ENOTSUP, EACCES; EINVAL also for an object that has a pager;
	// ENAMETOOLONG, EFAULT, EMFILE; EBUSY the object is mapped somewhere by who may
	// write it; EDQUOT, ENOSPC the account, or one above it, has no room for the
	// object or for its pages, ENOMEM.
	CallMemoryClone // 0x1019
)

// MapPrivate, in the protection that CallMemoryMap is given, asks for a private
// mapping: it shows the object's content, and a page of it that is written becomes
// the space's own, which nobody else sees. mprotect can make it writable whatever
// rights the handle had.
const MapPrivate = 0x100

// MapOwn, in the protection that CallMemoryMap is given, asks for memory of no object.
const MapOwn = 0x200

// BootFileSize is the size of BootFile in bytes.
const BootFileSize = 16

// BootFile is what CallBootFile answers: where the file is in the caller's
// address space. Addr is page-aligned; the bytes from Size to the end of the
// last page are zero.
type BootFile struct {
	Addr uint64 // of the first byte
	Size uint64 // in bytes
}

// Put writes f's layout to the first BootFileSize bytes of b.
func (f BootFile) Put(b []byte) {
	_ = b[BootFileSize-1]
	binary.LittleEndian.PutUint64(b[0:], f.Addr)
	binary.LittleEndian.PutUint64(b[8:], f.Size)
}

// GetBootFile reads a BootFile from the first BootFileSize bytes of b.
func GetBootFile(b []byte) BootFile {
	_ = b[BootFileSize-1]
	return BootFile{
		Addr: binary.LittleEndian.Uint64(b[0:]),
		Size: binary.LittleEndian.Uint64(b[8:]),
	}
}
