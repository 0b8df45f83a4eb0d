// SPDX-License-Identifier: Apache-2.0

//go:build linux

package ninep_test

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net"
	"sync"
)

// stub is QEMU's stub for debuggers, by which physical addresses are read and written
// (GDB's Remote Serial Protocol; Qqemu.PhyMemMode is QEMU's own).
type stub struct {
	mu   sync.Mutex
	conn net.Conn
	r    *bufio.Reader
}

func newStub(conn net.Conn) (*stub, error) {
	s := &stub{conn: conn, r: bufio.NewReader(conn)}
	if got, err := s.ask("Qqemu.PhyMemMode:1"); err != nil || got != "OK" {
		return nil, fmt.Errorf("the stub knows no physical memory: %q, %w", got, err)
	}
	return s, nil
}

// ask sends a packet and gives the answer.
func (s *stub) ask(packet string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sum byte
	for i := range len(packet) {
		sum += packet[i]
	}
	if _, err := fmt.Fprintf(s.conn, "$%s#%02x", packet, sum); err != nil {
		return "", err
	}
	if _, err := s.r.ReadString('$'); err != nil {
		return "", err
	}
	answer, err := s.r.ReadString('#')
	if err != nil {
		return "", err
	}
	if _, err := s.r.Discard(2); err != nil {
		return "", err
	}
	_, err = s.conn.Write([]byte("+"))
	return answer[:len(answer)-1], err
}

// read gives the value of some bytes at a physical address, at most 4.
func (s *stub) read(addr uint64, width int) (uint32, error) {
	answer, err := s.ask(fmt.Sprintf("m%x,%x", addr, width))
	if err != nil {
		return 0, err
	}
	var b [4]byte
	if n, err := hex.Decode(b[:], []byte(answer)); err != nil || n != width {
		return 0, fmt.Errorf("the stub answers %q", answer)
	}
	return le.Uint32(b[:]), nil
}

// write puts some bytes at a physical address, at most 4. What fails is found out by reading.
func (s *stub) write(addr uint64, width int, v uint32) {
	var b [4]byte
	le.PutUint32(b[:], v)
	_, _ = s.ask(fmt.Sprintf("M%x,%x:%x", addr, width, b[:width]))
}
