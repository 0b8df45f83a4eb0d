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

// read gives the 4 bytes at a physical address.
func (s *stub) read(addr uint64) (uint32, error) {
	answer, err := s.ask(fmt.Sprintf("m%x,4", addr))
	if err != nil {
		return 0, err
	}
	b, err := hex.DecodeString(answer)
	if err != nil || len(b) != 4 {
		return 0, fmt.Errorf("the stub answers %q", answer)
	}
	return le.Uint32(b), nil
}

// write puts 4 bytes at a physical address.
func (s *stub) write(addr uint64, v uint32) error {
	var b [4]byte
	le.PutUint32(b[:], v)
	answer, err := s.ask(fmt.Sprintf("M%x,4:%x", addr, b))
	if err == nil && answer != "OK" {
		err = fmt.Errorf("the stub answers %q", answer)
	}
	return err
}
