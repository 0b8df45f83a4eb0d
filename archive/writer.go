// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// Writer writes an archive to a stream. The same calls always give the same
// bytes: no time, owner or device of the host gets in.
type Writer struct {
	w      io.Writer
	off    int64
	inode  uint32
	names  map[string]bool
	err    error
	closed bool
}

// NewWriter returns a writer of an archive to w. The archive is whole only
// after Close.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: w, names: make(map[string]bool)}
}

// AddBytes adds a file that holds data.
func (a *Writer) AddBytes(name string, data []byte) error {
	return a.Add(name, int64(len(data)), bytes.NewReader(data))
}

// Add adds a file of size bytes, read from r, which must have that many. After
// a fault in the middle of a file every later call returns it again.
func (a *Writer) Add(name string, size int64, r io.Reader) error {
	if a.err != nil {
		return a.err
	}
	if a.closed {
		return errors.New("archive: add after close")
	}
	if err := a.checkFile(name, size); err != nil {
		return err
	}
	a.names[name] = true
	a.entry(name, size, PageSize)
	if a.err == nil {
		n, err := io.CopyN(a.w, r, size)
		a.off += n
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("archive: %s has %d bytes, not %d: %w", name, n, size, io.ErrUnexpectedEOF)
		}
		a.err = err
	}
	a.pad(4)
	return a.err
}

// Close writes the trailer and pads the archive to a whole page.
func (a *Writer) Close() error {
	if a.err != nil || a.closed {
		return a.err
	}
	a.closed = true
	a.entry(trailer, 0, 4)
	a.pad(PageSize)
	return a.err
}

func (a *Writer) checkFile(name string, size int64) error {
	switch {
	case name == "" || len(name) > MaxName || name == trailer || strings.ContainsRune(name, 0):
		return fmt.Errorf("archive: bad file name %q", name)
	case a.names[name]:
		return fmt.Errorf("archive: two files named %s", name)
	case size < 0 || size > math.MaxUint32:
		return fmt.Errorf("archive: %s: %d bytes, the format holds up to 4 GiB", name, size)
	}
	return nil
}

// entry writes a header and a name, padded so that what follows is at a
// multiple of align.
func (a *Writer) entry(name string, size, align int64) {
	dataOff := roundUp(a.off+headerSize+int64(len(name))+1, align)
	nameSize := dataOff - a.off - headerSize
	mode := modeFile
	if name == trailer {
		mode = 0
	} else {
		a.inode++
	}
	const devices, check, owner, mtime = 0, 0, 0, 0
	a.write(fmt.Appendf(nil, "%s%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		magic, a.inode, mode, owner, owner, 1, mtime, size,
		devices, devices, devices, devices, nameSize, check))
	field := make([]byte, nameSize)
	copy(field, name)
	a.write(field)
}

func (a *Writer) pad(align int64) {
	a.write(make([]byte, roundUp(a.off, align)-a.off))
}

func (a *Writer) write(b []byte) {
	if a.err != nil {
		return
	}
	n, err := a.w.Write(b)
	a.off += int64(n)
	a.err = err
}

func roundUp(n, align int64) int64 { return (n + align - 1) &^ (align - 1) }
