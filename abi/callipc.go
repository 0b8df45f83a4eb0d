// SPDX-License-Identifier: Apache-2.0

package abi

// Loam calls about capabilities, messages, devices and time. The errors that
// callers of many of them meet are described in call.go.
const (
	// CallHandleRevoke closes every handle that was derived from a handle, in all
	// processes: those that CallHandleDuplicate, CallHandleMint, a message or
	// CallProcessCreate made of it by copying, and of those again. The handle itself
	// stays. What is mapped stays mapped. Argument: the handle. Right: none.
	// Errors: EBADF.
	CallHandleRevoke = CallMemoryClone + 1 + iota // 0x101a

	// CallHandleMint makes another handle of an endpoint or a notification, with a
	// badge, which all that is derived from it has too. The badge of an endpoint's
	// handle is told to who receives a call that is made by it; that of a
	// notification's is the set of bits that may be signalled by it. Arguments: the
	// handle, the new one's rights, the badge, not 0. The result is the new handle.
	// Right: RightDuplicate, and all that the new one gets.
	// Errors: EBADF, ENOTSUP, EACCES a right is missing or the handle has a badge
	// already, EMFILE, EINVAL.
	CallHandleMint // 0x101b

	// CallEndpointCreate makes an endpoint, where threads receive the calls that
	// others make. The result is a handle to it. Right: none.
	// Errors: EMFILE, EDQUOT, ENOSPC, ENOMEM.
	CallEndpointCreate // 0x101c

	// CallEndpointCall sends a message and waits for the reply. Arguments: the
	// endpoint, address of a MessageOptions or 0, and the words, in a message's
	// registers. The result is 0, and the words are the reply's. Right: RightWrite;
	// RightTransfer of handles that are sent, and RightDuplicate if the caller keeps
	// them.
	// Errors: EBADF, ENOTSUP, EACCES, EFAULT, EINVAL; EMSGSIZE more bytes than
	// MaxMessageBytes; ECONNREFUSED nobody has a handle to receive from the endpoint
	// (any more): the call was not received; ECONNRESET the process that had received
	// it has ended without an answer: what it did is not known; ETIMEDOUT the deadline
	// has passed; EINTR the call was not received; ENOBUFS the receiver doesn't take
	// as many handles.
	CallEndpointCall // 0x101d

	// CallEndpointReceive waits for the next call to an endpoint, or for bits of the
	// notification that is bound to the thread (CallThreadBind). Arguments: the
	// endpoint, address of a MessageOptions or 0. The result is what came
	// (ReceivedCall and the like), and badge, token and words are in a message's
	// registers. Right: RightWait.
	// Errors: EBADF, ENOTSUP, EACCES; EFAULT an address isn't the receiver's: a call
	// that was to be received stays; EINVAL, ETIMEDOUT the deadline has passed, EINTR;
	// ECANCELED the last handle to receive from the endpoint was closed meanwhile.
	CallEndpointReceive // 0x101e

	// CallEndpointReply answers a call that a thread of the process has received.
	// Arguments: 0, address of a MessageOptions or 0, the call's token, the words, in
	// a message's registers. Right: none, for only who has received a call has its
	// token; of handles that are sent as in CallEndpointCall.
	// Errors: ESRCH no such call waits (any more); EFAULT, EINVAL, EMSGSIZE more bytes
	// than MaxMessageBytes, ENOBUFS the caller doesn't take as many handles, EBADF and
	// EACCES of handles that are sent: the caller still waits.
	CallEndpointReply // 0x101f

	// CallEndpointReplyReceive is CallEndpointReply and then CallEndpointReceive.
	// Arguments: the endpoint, address of a MessageOptions or 0, the token, the words,
	// in a message's registers. The result is what came, with badge, token and words,
	// as in CallEndpointReceive. A token of 0 answers nobody. ESRCH is not told: a
	// caller who is no more needs no answer. Right: RightWait; of handles that are sent
	// as in CallEndpointCall.
	// Errors: of the answer EMSGSIZE, ENOBUFS, and nothing was received; of both
	// EBADF, EACCES, EFAULT, EINVAL; of the receiving ENOTSUP, ETIMEDOUT, EINTR,
	// ECANCELED.
	CallEndpointReplyReceive // 0x1020

	// CallMessageRead copies bytes of a received call: of those that its caller
	// sends. Arguments: the token, offset in the caller's bytes, address, length, at
	// most MaxMessageBytes. The result is how many were copied, less than the length
	// at their end. Right: none, the token is.
	// Of a forwarded call (ReceivedForwarded) the offset is an address of the caller's.
	// Errors: ESRCH no such call waits (any more); EINVAL; EFAULT an address of the process's own; ENXIO the
	// caller's memory can't be read.
	CallMessageRead // 0x1021

	// CallMessageWrite copies bytes to the memory that the caller of a received call has
	// for the answer's. Arguments: the token, offset in the caller's memory,
	// address, length, at most MaxMessageBytes. The result is how many were copied,
	// less than the length at the memory's end. Right: none, the token is.
	// Of a forwarded call (ReceivedForwarded) the offset is an address of the caller's.
	// Errors: ESRCH no such call waits (any more); EINVAL; EFAULT an address of the
	// process's own; ENXIO the caller's memory can't be written.
	CallMessageWrite // 0x1022

	// CallThreadBind binds a notification to the calling thread, in place of the one
	// bound before: its bits end a CallEndpointReceive. It is taken from another thread of
	// the process, and from who receives there at the moment, too. Argument: the notification,
	// or 0 for none. Right: RightWait.
	// Errors: EBADF, ENOTSUP, EACCES; EBUSY it is bound to a thread of another process.
	CallThreadBind // 0x1023

	// CallThreadSchedule sets a thread's scheduling. Arguments: the thread, its
	// fixed priority from 1 to MaxPriority, or 0 for the class of programs, its nice
	// value there, from -20 to 19, its timer slack in ns, up to MaxTimerSlack, or 0 for
	// TimerSlack. Sleeps shorter than ShortSleep have no more than TimerSlack. Right: RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH, EINVAL; EPERM a priority above what the
	// thread's process may have (ProcessCreate).
	CallThreadSchedule // 0x1024

	// CallThreadInfo tells how a thread is. Arguments: the handle, address of a
	// ThreadInfo to fill. Right: RightRead.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH, EFAULT.
	CallThreadInfo // 0x1025

	// CallProcessQuota bounds the CPU time of a process. Arguments: the process, the
	// time that its threads together may have in each period, the period, both in
	// ns; a time of 0 bounds nothing. Who has received a call of a thread that has no
	// time left goes on with its own. Right: RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH; EINVAL a period under 1 ms or over 10 s,
	// or a time under 100 us; EPERM the process is the caller's own and has a quota.
	CallProcessQuota // 0x1026

	// CallInterruptCreate makes an object of a line of the interrupt controller,
	// which nobody else has: an input of the I/O APIC on amd64 (a global system
	// interrupt; ISA lines have the same numbers but where ACPI's MADT says
	// otherwise, which is for the driver to know), a source of the PLIC on riscv64.
	// It is masked. Arguments: the machine, the line, InterruptLevel and InterruptLow
	// or 0. The result is a handle. Right: RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, EMFILE, EDQUOT, ENOSPC, ENOMEM, EINVAL no such
	// line, or a flag that isn't known; EBUSY somebody has it, the kernel perhaps.
	CallInterruptCreate // 0x1027

	// CallInterruptBind has an interrupt signal bits of a notification from now on, in
	// place of what was bound before, and unmasks it. Bits may be signalled when the
	// device wants nothing, and once for several interrupts. Arguments: the interrupt, the notification, the bits. Right:
	// RightManage; RightWrite of the notification.
	// Errors: EBADF, ENOTSUP, EACCES, EINVAL.
	CallInterruptBind // 0x1028

	// CallInterruptAck says that the interrupt that was signalled has been served:
	// the line is unmasked. On amd64 a line that fires by edges stays unmasked in
	// between. A message that has come meanwhile is signalled. Argument: the interrupt. Right: RightManage.
	// Errors: EBADF, ENOTSUP, EACCES.
	CallInterruptAck // 0x1029

	// CallPortsCreate makes an object of a range of I/O ports. In boot mode the kernel
	// leaves those of its consoles (COM1, VGA) to who asks for them, and shows nothing
	// on that console meanwhile but a panic (CallMachineLog). Arguments: the machine, the first port, how many. The result is a handle. Right: RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, EMFILE, EDQUOT, ENOSPC, ENOMEM, EINVAL no such
	// ports; EBUSY the kernel uses some of them, or others have them; ENODEV the machine has none.
	CallPortsCreate // 0x102a

	// CallPortRead reads a port. Arguments: the ports, the port, its width in bytes:
	// 1, 2 or 4. The result is the value. Right: RightRead.
	// Errors: EBADF, ENOTSUP, EACCES, EINVAL not all of it is in the range.
	CallPortRead // 0x102b

	// CallPortWrite writes a port. Arguments: the ports, the port, its width as in
	// CallPortRead, the value. Right: RightWrite.
	// Errors: EBADF, ENOTSUP, EACCES, EINVAL.
	CallPortWrite // 0x102c

	// CallDeviceMemory makes a memory object of a device's registers: physical
	// addresses where the machine has no memory. It is mapped uncached. Arguments: the
	// machine, the address, the size, whole pages. The result is a handle.
	// Right: RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, EMFILE, EDQUOT, ENOSPC, ENOMEM, EINVAL; EBUSY
	// memory is there, or what the kernel uses itself, or registers of an object of
	// CallRegistersCreate.
	CallDeviceMemory // 0x102d

	// CallMemoryCreateDMA makes a memory object for a device: zeroed, without gaps in
	// physical memory, and there from the start. Arguments: the machine, the size,
	// whole pages, at most MaxDMA, DMA32 to have it below 4 GiB, or 0. The result is
	// a handle. Right: RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, EMFILE, EDQUOT, ENOSPC, ENOMEM, EINVAL.
	CallMemoryCreateDMA // 0x102e

	// CallMemoryAddress gives the physical address of a byte of a memory object made
	// by CallMemoryCreateDMA or CallDeviceMemory. Arguments: the handle, the offset.
	// Right: RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, EINVAL.
	CallMemoryAddress // 0x102f

	// CallTimerCreate makes a timer, which isn't set. The result is a handle to it.
	// Right: none.
	// Errors: EMFILE, EDQUOT, ENOSPC, ENOMEM.
	CallTimerCreate // 0x1030

	// CallTimerSet has a timer signal bits of a notification at a time, and then
	// again each period. Arguments: the timer, the notification, the bits, the time
	// in ns on CLOCK_MONOTONIC (at once, if it has passed), the period in ns, 0 for
	// once, else at least MinTimerPeriod. What was set before is no more. Periods
	// that have passed unserved are left out. With the time WaitForever the timer is
	// stopped, and the other arguments mean nothing. Right: RightManage; RightWrite of
	// the notification, whose badge, if it has one, must have the bits (EACCES).
	// Errors: EBADF, ENOTSUP, EACCES, EINVAL.
	CallTimerSet // 0x1031

	// CallMemoryCreatePaged makes a memory object whose absent pages come from
	// a pager: who touches one makes, so to speak, a call to an endpoint (ReceivedPage,
	// with the badge of the handle that is given here), and goes on when that has been
	// answered. What is in the answer counts for nothing. If the page isn't there then,
	// or nobody can receive from the endpoint any more, an instruction gets SIGBUS with
	// BUS_ADRERR, a call EFAULT. If the process that was asked ends, whoever receives
	// next is asked. Signals wait meanwhile. Each thread asks for itself: a page may
	// be wanted that has come meanwhile. The object can't be cloned. Arguments: the
	// size as in CallMemoryCreate, the endpoint, a key that the pager is told, address
	// of a name and its length. The result is a handle.
	// Right: RightWrite of the endpoint.
	// Errors: EBADF, ENOTSUP, EACCES; EINVAL no pages, a part of one, or more than
	// 64 GiB; ENAMETOOLONG, EFAULT; EMFILE, EDQUOT, ENOSPC, ENOMEM.
	CallMemoryCreatePaged // 0x1032

	// CallMemorySupply fills absent pages of a memory object with a copy of the
	// caller's memory; pages that are there stay as they are. Who pays for the object
	// is charged. After EFAULT, EDQUOT, ENOSPC and ENOMEM the first pages may have been
	// filled. Arguments: the handle, the offset, address, length; offset and
	// length are whole pages, at most MaxMessageBytes. Right: RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, EINVAL, EFAULT, EDQUOT, ENOSPC, ENOMEM.
	CallMemorySupply // 0x1033

	// CallHostReceive takes the request of the host's that waits (frame Request of the
	// host channel), and says what is to be signalled when another one comes.
	// Arguments: the machine, address, length in bytes, a notification, or 0, and its
	// bits. The result is the request's length, which may be more than was copied; 0,
	// there is none. The kernel holds one request, and drops what comes before that
	// has been taken. Right: RightManage; RightWrite of the notification.
	// Errors: EBADF, ENOTSUP, EACCES, EFAULT, EINVAL.
	CallHostReceive // 0x1034

	// CallHostSend answers the request that was taken last (frame Answer). Arguments: the
	// machine, address, length in bytes, at most MaxHostAnswer. Right: RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, EFAULT, EMSGSIZE.
	CallHostSend // 0x1035

	// CallMachineInfo copies a description of the machine. Arguments: the machine,
	// which one (MachineCommandLine and the like), offset in bytes, address, length. The
	// result is how long the description is. Right: RightRead.
	// Errors: EBADF, ENOTSUP, EACCES, EFAULT, EINVAL; ENODEV the machine has none.
	CallMachineInfo // 0x1036

	// CallMachineEnd ends the first process, and with it the machine, with a status
	// that the host gets as the first process's. Arguments: the machine, the status's
	// kind, its value, address of a reason, which is for people, its length in bytes,
	// at most MaxEndReason, 0 for none. It does not return to a thread of the first process.
	// Right: RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, EINVAL, EFAULT; ESRCH the first process has
	// ended already.
	CallMachineEnd // 0x1037

	// CallProcessUse tells what a process does and has used. Arguments: the handle,
	// address of a ProcessUse to fill. Right: RightRead.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH, EFAULT.
	CallProcessUse // 0x1038

	// CallEndpointWatch has bits of a notification signalled, once, when a call waits
	// to be received and nobody receives: at once if one does already. It takes the place
	// of what was asked for before. Arguments: the endpoint, the notification, or 0 for
	// none any more, the bits. Right: RightWait; RightWrite of the notification.
	// Errors: EBADF, ENOTSUP, EACCES, EINVAL.
	CallEndpointWatch // 0x1039

	// CallMachineLog takes what the kernel's log has that no console has shown and
	// nobody has taken: the oldest, as much as there is room for. It says what is to be
	// signalled when there is something to be taken again. What the log has no room for
	// (MachineLogSize) is lost, the oldest first. Arguments: the machine, address, length in
	// bytes, a notification, or 0, and its bits. The result is how many bytes were
	// copied; 0, there is nothing. Right: RightRead; RightWrite of the notification.
	// Errors: EBADF, ENOTSUP, EACCES, EFAULT, EINVAL.
	CallMachineLog // 0x103a

	// CallRegistersCreate makes an object of a range of a device's registers, which are
	// reached by CallRegistersRead and CallRegistersWrite: for devices that share a page
	// with others. CallDeviceMemory is for whole pages; as long as an object of either kind
	// has a register (memory as long as it is mapped, too), none of the other kind is made with
	// it. Arguments: the machine, the physical address, the size
	// in bytes; both are multiples of 4, and the range lies within a page. The result is a
	// handle. Right: RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, EMFILE, EDQUOT, ENOSPC, ENOMEM, EINVAL no such
	// range; EBUSY memory is in that page, the kernel uses some of the range (its console
	// always, in boot mode too), or others have some of it, by a call of either kind.
	CallRegistersCreate // 0x103b

	// CallRegistersRead reads a register by one access. What the device did before is seen by
	// what the caller does next. Arguments: the registers, offset in the range, a multiple of
	// the width, width in bytes: 1, 2 or 4. The result is the value. Right: RightRead.
	// Errors: EBADF, ENOTSUP, EACCES, EINVAL not all of it is in the range; EIO the machine says
	// that nothing answers there, or not to that width (riscv64; on amd64 such a read
	// gives what the bus does).
	CallRegistersRead // 0x103c

	// CallRegistersWrite writes a register by one access, after everything that the caller has
	// written to memory. Arguments: the registers, offset and width as in
	// CallRegistersRead, the value, of which as many bytes count. Right: RightWrite.
	// Errors: EBADF, ENOTSUP, EACCES, EINVAL, EIO.
	CallRegistersWrite // 0x103d

	// CallProcessForward has a process's Linux calls that are about anything but its own
	// memory, threads, signals and time go to who receives from an endpoint, from the
	// process's next one on (ReceivedForwarded), with the endpoint's badge. What was said
	// before is no more. When nobody can answer them any more, the process is ended, as
	// killed by SIGKILL. Arguments: the process, not the caller's own, and the endpoint.
	// Right: RightManage; RightWrite of the endpoint.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH; EPERM it is the caller's own process.
	CallProcessForward // 0x103e

	// CallInterruptCreateMessage makes an object of an interrupt without a line: a device
	// writes a word to an address (CallInterruptMessage), as PCI's MSI and MSI-X have it. A
	// message that comes before the one before it was acknowledged is signalled when it is;
	// so is one that came before CallInterruptBind. A device whose messages can be masked by
	// bit 0 of a register of its own (vector control of MSI-X) is told to keep further
	// ones meanwhile; else each that it sends costs an interrupt. The kernel changes that bit at
	// no other time. Arguments: the machine, the register's physical address, a multiple of 4,
	// or 0 for none. The result is a handle. Right: RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, EMFILE, EDQUOT, ENOMEM, EINVAL no such address; ENOSPC all messages
	// are in use; EBUSY memory is there, or registers of the kernel's own; ENODEV the machine has no messages (riscv64).
	CallInterruptCreateMessage // 0x103f

	// CallInterruptMessage tells what the device of an interrupt made by
	// CallInterruptCreateMessage is to write. Arguments: the interrupt, MessageAddress or
	// MessageData. The result is the physical address, or the word of 4 bytes.
	// Right: RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, EINVAL it isn't one of those, or there is no such part.
	CallInterruptMessage // 0x1040

	// CallProcessSignal sends a Linux signal to a process, as kill(2) does from the kernel
	// (SI_KERNEL): for who answers its calls, and has a terminal for it. Arguments: the process, the
	// signal, or 0 to send none. Right: RightManage.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH, EINVAL no such signal.
	CallProcessSignal // 0x1041

	// CallMessageMap maps a part of a memory object into the address space of who has made a
	// forwarded call (ReceivedForwarded), as mmap(2) maps a file. Arguments: the token, the memory, the
	// address, offset in the object and length in bytes, which is rounded up to whole pages, and the
	// protection, any that mmap(2) knows, with mmap's flags in the upper 32 bits: MAP_PRIVATE or MAP_SHARED,
	// MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_32BIT; what else is set there means nothing. The result is the address.
	// Right: RightRead; for MAP_SHARED with PROT_WRITE RightWrite, for PROT_EXEC RightExecute: mprotect gives
	// neither later where the handle hasn't it.
	// Errors: ESRCH no such call waits (any more); EBADF, ENOTSUP; EACCES also PROT_WRITE with PROT_EXEC; EINVAL,
	// EPERM, EEXIST, ENOMEM; EBUSY as in CallMemoryMap.
	CallMessageMap // 0x1042

	// CallMessageSignal sends a Linux signal to the thread that has made a forwarded call
	// (ReceivedForwarded), as if it had sent it itself (SI_USER). Arguments: the token, the signal.
	// Right: none, the token is.
	// Errors: ESRCH no such call waits (any more); EINVAL no such signal.
	CallMessageSignal // 0x1043

	// The calls from here to CallProcessWrite are for who makes processes in the name of others,
	// as a personality does that answers fork(2): a process whose calls are forwarded
	// to an endpoint is known to who receives from that by its id (ProcessInfo.PID), and no handle is needed.

	// CallProcessClone makes a process of the caller of a forwarded call: its first
	// thread has the registers of the one that made the call, which answers 0
	// there, and doesn't run before CallProcessContinue. Its space is empty, to be filled by
	// CallProcessCopy; or, with CloneMemory, its threads run in that of the other process until
	// CallProcessReplace, or until it ends, as it does when that process does. Signal actions, the
	// thread's mask and alternate stack, nice value, CPUs and name are copied, and its calls
	// are forwarded to the same endpoint. The caller's account is charged for the process as in
	// CallProcessCreate. Arguments: the token of the forwarded call, address of a
	// ProcessClone. The result is its id. Right: none, as in CallEndpointReply.
	// Errors: ESRCH no such call waits (any more); EINVAL a flag, or an address
	// that no program has; EFAULT, EDQUOT, ENOSPC, EAGAIN too many processes, ENOMEM.
	CallProcessClone // 0x1044

	// CallProcessCopy copies a piece of a process's memory to another's, which is empty from there on:
	// what lies at an address and above. Private memory is shared until one of the two
	// writes it. Arguments: the endpoint, the id of the process, that of the other, the address, at
	// first 0. The result is the address to go on with, 0: there is nothing left. Right: RightWait.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH no such process's calls are forwarded to the
	// endpoint, or it has ended; EINVAL they have the same memory; EEXIST there is something in the
	// other; ENOMEM.
	CallProcessCopy // 0x1045

	// CallProcessReplace gives the process of a forwarded call's caller another space, which is empty,
	// as execve(2) does. Its other threads end, and so do processes that share its old memory. The first thread waits
	// for CallProcessContinue, its registers new, with the mask of the one that made the call, which has no
	// answer any more. Signals that were caught have their default actions. What is to be in the space
	// CallMemoryMap maps, by a handle of CallProcessOpen. Arguments: the token of
	// the forwarded call, address of a ProcessReplace, of a ProcessReplaced to fill. Right: none, as in CallEndpointReply.
	// Errors: ESRCH, EINVAL an address that no program has; EFAULT; ENOMEM,
	// EAGAIN: other threads may have ended.
	CallProcessReplace // 0x1046

	// CallProcessContinue has the first thread of a process run that CallProcessClone or
	// CallProcessReplace has left waiting. Arguments: the endpoint, the process's id. Right: RightWait.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH.
	CallProcessContinue // 0x1047

	// CallProcessOpen makes a handle, with all rights, of a process, its space, or its first thread.
	// Arguments: the endpoint, the process's id, KindProcess, KindSpace or KindThread. The
	// result is the handle. Right: RightWait.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH, EINVAL another kind, EMFILE.
	CallProcessOpen // 0x1048

	// CallProcessPost sends a signal with information, as rt_sigqueueinfo(2) does: to a process, or to one of
	// its threads. SIGCHLD that tells of a stop or of going on isn't sent to who doesn't want that
	// (SA_NOCLDSTOP), nor are SIGTTIN and SIGTTOU that are ignored, or blocked by that thread, which then
	// isn't the only one that they are for. Arguments: the endpoint, the process's id, a thread's, or 0 for any of the
	// process's, address of a siginfo_t. The result is 0, or of these signals PostIgnored and the like. Right: RightWait.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH, EFAULT, EINVAL no such signal.
	CallProcessPost // 0x1049

	// CallProcessWatch has bits of a notification signalled when there is news (CallProcessNews)
	// of processes whose calls are forwarded to an endpoint. It takes the place of what was asked for before.
	// Arguments: the endpoint, the notification, or 0 for none any more, the bits.
	// Right: RightWait; RightWrite of the notification.
	// Errors: EBADF, ENOTSUP, EACCES, EINVAL.
	CallProcessWatch // 0x104a

	// CallProcessNews tells of one process that has ended, was stopped by a signal, or goes on
	// after that. One that has ended keeps its id until then. Nothing is kept for an endpoint
	// without CallProcessWatch. Arguments: the endpoint, address of a
	// ProcessNews to fill. Right: RightWait.
	// Errors: EBADF, ENOTSUP, EACCES, EFAULT; EAGAIN there is no news.
	CallProcessNews // 0x104b

	// CallProcessWrite copies bytes to a process's memory. Arguments: the endpoint, the process's
	// id, the address there, the address here, the length, MaxMessageBytes at most. The result is how many were
	// copied: less if memory there is missing. Right: RightWait.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH, EINVAL a length; EFAULT of the caller's own memory.
	CallProcessWrite // 0x104c

	// CallProcessArea tells of an area of a process's memory: the one that an address lies in, or
	// the next above it. Arguments: the endpoint, the process's id, the address, address of a
	// ProcessArea to fill. Right: RightWait.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH, EFAULT; ENOENT there is none.
	CallProcessArea // 0x104d

	// CallProcessThread tells of a thread of a process: the one with an id, or with the next higher one.
	// Arguments: the endpoint, the process's id, the id, address of a
	// ThreadInfo to fill. Right: RightWait.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH, EFAULT; ENOENT there is none.
	CallProcessThread // 0x104e

	// CallProcessSignals tells what signals are pending for a process, or for one of its threads, what it does with
	// signals, and takes one away, the thread's own first, as signalfd(2) does. Taken is only what is
	// pending; whether it is blocked means nothing. Arguments: the endpoint, the process's id, a thread's, or
	// 0 for the first one's, address of a ProcessSignals, whose first two words are read. Right: RightWait.
	// Errors: EBADF, ENOTSUP, EACCES, ESRCH, EFAULT.
	CallProcessSignals // 0x104f

	callEnd
)
