// SPDX-License-Identifier: Apache-2.0

package wasmcode

import (
	"encoding/binary"
	"errors"

	"loam/internal/wasmfile"
)

// Code is a compiled module. Its slices may share memory with what it was
// decoded from.
type Code struct {
	Key    [32]byte           // under which the engine asks for Entry
	Module []byte             // the stripped module, to be compiled in place of the original
	Data   []wasmfile.Segment // to be written to the instance's memory before it runs
	Entry  []byte             // the engine's cache entry
}

// Layout of encoded code: magic; key; length of module, data and entry as
// 64-bit numbers; module; data; entry; and nothing after it. Data is a sequence
// of 32-bit address, 32-bit length, content. All numbers are little-endian.
const (
	magic      = "LOAMWC\x00\x02"
	headerSize = len(magic) + 32 + 3*8
)

// ErrFormat is Decode's error.
var ErrFormat = errors.New("wasmcode: not compiled code of this version")

// Encode returns the form in which code travels.
func (c *Code) Encode() []byte {
	data := 0
	for _, s := range c.Data {
		data += 8 + len(s.Content)
	}
	b := make([]byte, 0, headerSize+len(c.Module)+data+len(c.Entry))
	b = append(b, magic...)
	b = append(b, c.Key[:]...)
	for _, n := range []int{len(c.Module), data, len(c.Entry)} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	b = append(b, c.Module...)
	for _, s := range c.Data {
		b = binary.LittleEndian.AppendUint32(b, s.At)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(s.Content)))
		b = append(b, s.Content...)
	}
	return append(b, c.Entry...)
}

// Decode reads encoded code without copying it. It returns ErrFormat when b is
// anything but the whole of what Encode returned.
func Decode(b []byte) (*Code, error) {
	if len(b) < headerSize || string(b[:len(magic)]) != magic {
		return nil, ErrFormat
	}
	c := &Code{}
	copy(c.Key[:], b[len(magic):])
	sizes, rest := b[len(magic)+32:headerSize], b[headerSize:]
	var data []byte
	for _, part := range []*[]byte{&c.Module, &data, &c.Entry} {
		n := binary.LittleEndian.Uint64(sizes)
		if n > uint64(len(rest)) {
			return nil, ErrFormat
		}
		*part, rest, sizes = rest[:n:n], rest[n:], sizes[8:]
	}
	if len(rest) > 0 {
		return nil, ErrFormat
	}
	for len(data) > 0 {
		if len(data) < 8 {
			return nil, ErrFormat
		}
		s := wasmfile.Segment{At: binary.LittleEndian.Uint32(data)}
		n := binary.LittleEndian.Uint32(data[4:])
		if data = data[8:]; uint64(n) > uint64(len(data)) {
			return nil, ErrFormat
		}
		s.Content, data = data[:n:n], data[n:]
		c.Data = append(c.Data, s)
	}
	return c, nil
}
