// SPDX-License-Identifier: Apache-2.0

//go:build unix

package native

import (
	"encoding/binary"
	"errors"
	"syscall"

	"loam/user/sys"
)

var errNoRoom = errors.New("not enough memory for its code")

// mapCode puts the code where it can run, and makes a stack.
func (i *Instance) mapCode() (err error) {
	const private = syscall.MAP_ANON | syscall.MAP_PRIVATE
	const writable = syscall.PROT_READ | syscall.PROT_WRITE
	if i.code, err = syscall.Mmap(-1, 0, len(i.image.Code)+1, writable, private); err != nil {
		return errNoRoom
	}
	copy(i.code, i.image.Code)
	if err := syscall.Mprotect(i.code, syscall.PROT_READ|syscall.PROT_EXEC); err != nil {
		return err
	}
	sys.PublishCode(i.code)
	i.stack, err = syscall.Mmap(-1, 0, stackSize, writable, private)
	if err != nil || sys.Address(i.stack) < stackSize { // see wasmrv64's maxOperands
		return errNoRoom
	}
	return nil
}

// Close ends the instance; nothing of it may be used after.
func (i *Instance) Close() {
	for _, m := range [][]byte{i.code, i.stack} {
		if m != nil {
			_ = syscall.Munmap(m)
		}
	}
	i.code, i.stack = nil, nil
}

// word returns a word of the stack.
func (i *Instance) word(at uint64) (uint64, bool) {
	offset := at - sys.Address(i.stack)
	if offset > stackSize-8 {
		return 0, false
	}
	return binary.LittleEndian.Uint64(i.stack[offset:]), true
}
