// SPDX-License-Identifier: Apache-2.0

package vfs

import "loam/abi"

// Memory is memory that programs map, of a file: a memory object.
type Memory interface {
	// Bytes gives all of it, whole pages. Grow may give it another place.
	Bytes() []byte
	// Grow has it have at least so many bytes.
	Grow(size int64) abi.Errno
	// Shared reports whether a program maps any of it.
	Shared() bool
	// Close gives it back. Programs that map it keep it.
	Close()
}

// Mapper is an open file whose content can be memory, to be mapped by programs and to be read and
// written here.
type Mapper interface {
	// Memory has the content be memory that fresh makes, if it isn't already.
	Memory(fresh func(size int64) (Memory, abi.Errno)) (Memory, abi.Errno)
	// Unshare has the content be memory no more, if no program maps it, and reports whether it was so.
	Unshare() bool
}
