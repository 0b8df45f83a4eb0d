// SPDX-License-Identifier: Apache-2.0

package wasmcode

import (
	"encoding/binary"
	"errors"
)

// Code is a compiled module. Its slices may share memory with what it was
// decoded from.
type Code struct {
	Key    [32]byte // under which the engine asks for Entry
	Module []byte   // the stripped module, to be compiled in place of the original
	Entry  []byte   // the engine's cache entry
}

// Layout of encoded code: magic, key, length of the module and of the entry as
// 64-bit little-endian numbers, module, entry, and nothing after it.
const (
	magic      = "LOAMWC\x00\x01"
	headerSize = len(magic) + 32 + 8 + 8
)

// ErrFormat is Decode's error.
var ErrFormat = errors.New("wasmcode: not compiled code of this version")

// Encode returns the form in which code travels.
func (c *Code) Encode() []byte {
	b := make([]byte, 0, headerSize+len(c.Module)+len(c.Entry))
	b = append(b, magic...)
	b = append(b, c.Key[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(c.Module)))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(c.Entry)))
	b = append(b, c.Module...)
	return append(b, c.Entry...)
}

// Decode reads encoded code without copying it. It returns ErrFormat when b is
// anything but the whole of what Encode returned.
func Decode(b []byte) (*Code, error) {
	if len(b) < headerSize || string(b[:len(magic)]) != magic {
		return nil, ErrFormat
	}
	c := &Code{}
	h := b[len(magic):headerSize]
	copy(c.Key[:], h)
	m, e := binary.LittleEndian.Uint64(h[32:]), binary.LittleEndian.Uint64(h[40:])
	rest := b[headerSize:]
	if m > uint64(len(rest)) || e != uint64(len(rest))-m {
		return nil, ErrFormat
	}
	c.Module, c.Entry = rest[:m:m], rest[m:]
	return c, nil
}
