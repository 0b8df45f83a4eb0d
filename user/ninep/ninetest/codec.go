// SPDX-License-Identifier: Apache-2.0

//go:build linux

package ninetest

import (
	"encoding/binary"
	"fmt"
)

// le is the byte order of the protocol.
var le = binary.LittleEndian

// message is a request that has come, read field by field. Reading past its end panics
// with malformed; the server answers that.
type message struct{ rest []byte }

type malformed string

func (m *message) bytes(n int) []byte {
	if n > len(m.rest) {
		panic(malformed(fmt.Sprintf("%d bytes wanted, %d left", n, len(m.rest))))
	}
	b := m.rest[:n]
	m.rest = m.rest[n:]
	return b
}

func (m *message) u8() uint8    { return m.bytes(1)[0] }
func (m *message) u16() uint16  { return le.Uint16(m.bytes(2)) }
func (m *message) u32() uint32  { return le.Uint32(m.bytes(4)) }
func (m *message) u64() uint64  { return le.Uint64(m.bytes(8)) }
func (m *message) text() string { return string(m.bytes(int(m.u16()))) }

// reply is an answer being written.
type reply struct{ b []byte }

func (r *reply) u8(v uint8)   { r.b = append(r.b, v) }
func (r *reply) u16(v uint16) { r.b = le.AppendUint16(r.b, v) }
func (r *reply) u32(v uint32) { r.b = le.AppendUint32(r.b, v) }
func (r *reply) u64(v uint64) { r.b = le.AppendUint64(r.b, v) }
func (r *reply) text(s string) {
	r.u16(uint16(len(s)))
	r.b = append(r.b, s...)
}

func (r *reply) data(p []byte) {
	r.u32(uint32(len(p)))
	r.b = append(r.b, p...)
}
