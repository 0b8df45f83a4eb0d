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
	// address of a BootFile to fill. Errors: ENOENT no such file, EFAULT an
	// address isn't the caller's, ENAMETOOLONG, ENOMEM.
	CallBootFile = CallBase + iota // 0x1000

	// CallSpawn starts a file of the boot archive as a child of the caller, with
	// the machine's environment and streams of its own on the same console.
	// Arguments: address of the file's name, its length in bytes, address of the
	// argument strings, each NUL-terminated, their length in bytes, address and
	// length of memory of the caller that the child shares at the same address,
	// or zeros. The result is the child's process id; wait4 tells of its end.
	// Errors: ENOENT no such file, ENOEXEC no program, E2BIG, EFAULT, EINVAL,
	// EAGAIN too many processes, ENOMEM.
	//
	// It is provisional: handles will say what a child gets.
	CallSpawn // 0x1001

	callEnd
)

// BootFileSize is the size of BootFile in bytes.
const BootFileSize = 16

// BootFile is what CallBootFile answers: where the file is in the caller's
// address space. Addr is page-aligned; the bytes from Size to the end of the
// last page are zero.
type BootFile struct {
	Addr uint64
	Size uint64
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
