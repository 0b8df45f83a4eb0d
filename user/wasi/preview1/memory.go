// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import (
	"encoding/binary"
	"math"

	"github.com/tetratelabs/wazero/api"
)

// memory is a module's linear memory during one call.
type memory []byte

// memoryOf is the memory of a module that calls. The last byte of one of 4 GiB has no length that
// wazero could be asked for, and isn't there.
func memoryOf(m api.Memory) memory {
	pages, _ := m.Grow(0)
	b, _ := m.Read(0, uint32(min(uint64(pages)<<16, math.MaxUint32)))
	return b
}

// bytes is a part of the memory; false if that is not in it.
func (m memory) bytes(at, n uint32) ([]byte, bool) {
	if uint64(at)+uint64(n) > uint64(len(m)) {
		return nil, false
	}
	return m[at : at+n : at+n], true
}

// put32 writes a number, and put64.
func (m memory) put32(at, v uint32) Errno {
	b, ok := m.bytes(at, 4)
	if !ok {
		return errnoFault
	}
	binary.LittleEndian.PutUint32(b, v)
	return errnoSuccess
}

func (m memory) put64(at uint32, v uint64) Errno {
	b, ok := m.bytes(at, 8)
	if !ok {
		return errnoFault
	}
	binary.LittleEndian.PutUint64(b, v)
	return errnoSuccess
}

// mostVectors is how many buffers a call has at most, Linux's IOV_MAX: what is behind them is for the next call.
const mostVectors = 1024

// vectors are the buffers of a list of n iovecs.
func (m memory) vectors(into [][]byte, at, n uint32) ([][]byte, Errno) {
	n = min(n, mostVectors)
	list, ok := m.bytes(at, 8*n)
	if !ok {
		return nil, errnoFault
	}
	for ; len(list) > 0; list = list[8:] {
		b, ok := m.bytes(binary.LittleEndian.Uint32(list), binary.LittleEndian.Uint32(list[4:]))
		if !ok {
			return nil, errnoFault
		}
		if len(b) > 0 {
			into = append(into, b)
		}
	}
	return into, errnoSuccess
}
