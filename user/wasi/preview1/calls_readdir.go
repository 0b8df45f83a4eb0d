// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// listing is what was read ahead of a directory: records of getdents64(2).
type listing struct {
	cookie uint64 // where the first record is
	at     int    // of buffer, the next one
	end    int
	buffer [8192]byte
}

// direntSize is the size of a struct dirent, behind which the name is.
const direntSize = 24

// Where the fields of a record of getdents64(2) are.
const (
	recordNext = 8
	recordSize = 16
	recordType = 18
	recordName = 19
)

// fdReaddir fills a buffer with entries, the last of which may be cut: if it is full there are more. A cookie is
// Linux's place in the directory, behind an entry.
func fdReaddir(s *System, m memory, p []uint64) Errno {
	d, e := s.directory(p[0], rightReaddir)
	switch {
	case e == errnoNotdir:
		return errnoBadf // as wazero, which programs know
	case e != errnoSuccess:
		return e
	}
	b, ok := m.bytes(uint32(p[1]), uint32(p[2]))
	if _, fits := m.bytes(uint32(p[4]), 4); !ok || !fits {
		return errnoFault
	}
	d.reading.Lock()
	defer d.reading.Unlock()
	if e := d.seekEntry(p[3]); e != errnoSuccess {
		return e
	}
	rest := b
	for len(rest) > 0 {
		record, e := d.entry()
		if e != errnoSuccess {
			return e
		}
		if record == nil {
			break
		}
		n := putEntry(rest, record)
		rest = rest[n:]
	}
	return m.put32(uint32(p[4]), uint32(len(b)-len(rest)))
}

// seekEntry goes to a cookie: in what was read ahead if it is there, but for the first, by which a program asks what
// there is now.
func (d *descriptor) seekEntry(cookie uint64) Errno {
	if d.list == nil {
		d.list = new(listing)
	}
	l := d.list
	if cookie != 0 && l.find(cookie) {
		return errnoSuccess
	}
	l.cookie, l.at, l.end = cookie, 0, 0
	_, err := unix.Seek(d.fd, int64(cookie), unix.SEEK_SET)
	return errnoOf(err)
}

// find looks for a cookie in what was read ahead.
func (l *listing) find(cookie uint64) bool {
	l.at = 0
	for here := l.cookie; here != cookie; {
		if l.at >= l.end {
			return false
		}
		record := l.buffer[l.at:]
		here = binary.LittleEndian.Uint64(record[recordNext:])
		l.at += int(binary.LittleEndian.Uint16(record[recordSize:]))
	}
	return true
}

// entry is the next record, nil at the end.
func (d *descriptor) entry() ([]byte, Errno) {
	l := d.list
	if l.at >= l.end {
		if l.end > 0 {
			// What was read last says where the next records are.
			l.cookie = l.last()
		}
		n, err := unix.Getdents(d.fd, l.buffer[:])
		if err != nil {
			return nil, errnoOf(err)
		}
		l.at, l.end = 0, n
		if n == 0 {
			return nil, errnoSuccess
		}
	}
	record := l.buffer[l.at:]
	size := int(binary.LittleEndian.Uint16(record[recordSize:]))
	l.at += size
	return record[:size], errnoSuccess
}

// last is the cookie behind the last record.
func (l *listing) last() (cookie uint64) {
	for at := 0; at < l.end; at += int(binary.LittleEndian.Uint16(l.buffer[at+recordSize:])) {
		cookie = binary.LittleEndian.Uint64(l.buffer[at+recordNext:])
	}
	return cookie
}

// putEntry writes a struct dirent and its name, as much as there is room for.
func putEntry(b, record []byte) int {
	name := record[recordName:]
	if end := bytes.IndexByte(name, 0); end >= 0 {
		name = name[:end]
	}
	var head [direntSize]byte
	binary.LittleEndian.PutUint64(head[0:], binary.LittleEndian.Uint64(record[recordNext:]))
	copy(head[8:16], record[:8]) // the inode
	binary.LittleEndian.PutUint32(head[16:], uint32(len(name)))
	head[20] = typeOf(uint32(record[recordType]) << 12) // DT_ numbers are those of modes
	n := copy(b, head[:])
	return n + copy(b[n:], name)
}
