// SPDX-License-Identifier: Apache-2.0

//go:build linux

package ninetest

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"sync"
	"syscall"

	"loam/user/ninep"
)

// MessageSize is the largest message of a Server in bytes.
const MessageSize = 64<<10 + 24

// Server serves a folder.
type Server struct {
	dir   string
	files files
	root  *os.Root

	// Hold, if set before the first request, is called with each request but Tflush, and
	// the request waits until it returns. It is called with a channel that is closed when
	// the request is flushed.
	Hold func(t ninep.Type, flushed <-chan struct{})

	mu      sync.Mutex // guards what follows
	fids    map[uint32]*file
	under   map[uint16]*request
	seen    [256]int // requests by type
	wrong   []string // what the client did that it must not
	xattrs  map[string]map[string][]byte
	dropped int // requests that were flushed and not answered
}

// file is what a fid stands for. The fields but path are guarded by the mutex of the
// server, and used by one request at a time.
type file struct {
	path    string // from the root; "." is the root
	open    *os.File
	entries [][]byte // of a directory, since the last read from its start
	xattr   *xattr
}

type xattr struct {
	name    string
	value   []byte // to be read, or written so far
	size    uint64 // to be written
	writing bool
}

type request struct {
	done    chan struct{}
	flushed chan struct{}
}

// New serves a folder of the host's, and keeps clients in it. Close ends it.
func New(dir string) (*Server, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	s := Careless(dir)
	s.root, s.files = root, root
	return s, nil
}

// Careless serves a folder of the host's, and everything that a link in it leads to.
func Careless(dir string) *Server {
	return &Server{dir: dir, files: open(dir), fids: map[uint32]*file{}, under: map[uint16]*request{},
		xattrs: map[string]map[string][]byte{}}
}

// Close closes all files.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.fids {
		if f.open != nil {
			_ = f.open.Close()
		}
	}
	s.fids = nil
	if s.root != nil {
		_ = s.root.Close()
	}
}

// Seen gives how many requests of a type have come.
func (s *Server) Seen(t ninep.Type) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[t]
}

// Fids gives how many files the server keeps for the client.
func (s *Server) Fids() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.fids)
}

// Dropped gives how many requests were flushed and not answered.
func (s *Server) Dropped() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}

// Wrong gives what the client did that it must not.
func (s *Server) Wrong() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.wrong...)
}

// Pardon forgets what the client did.
func (s *Server) Pardon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = nil
}

func (s *Server) blame(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

// Handle answers one request, and gives nil if that was flushed before it was looked at. It may be
// called from many goroutines.
func (s *Server) Handle(packet []byte) []byte {
	m := &message{packet}
	size, kind, tag := m.u32(), ninep.Type(m.u8()), m.u16()
	if int(size) != len(packet) {
		s.blame("%v: %d bytes that say they are %d", kind, len(packet), size)
	}
	r := &reply{b: make([]byte, 7, 256)}
	err := s.answer(kind, tag, m, r)
	if errors.Is(err, errFlushed) {
		return nil
	}
	r.b[4] = byte(kind + 1)
	if err != nil {
		r.b = r.b[:7]
		r.b[4] = byte(ninep.Rlerror)
		r.u32(uint32(number(err)))
	}
	le.PutUint32(r.b, uint32(len(r.b)))
	le.PutUint16(r.b[5:], tag)
	return r.b
}

var errFlushed = errors.New("flushed")

// answer does a request, as one of those under way.
func (s *Server) answer(kind ninep.Type, tag uint16, m *message, r *reply) (err error) {
	q := s.enter(kind, tag)
	defer s.leave(tag, q)
	defer func() {
		switch p := recover().(type) {
		case nil:
		case malformed:
			s.blame("%v: %s", kind, string(p))
			err = syscall.EBADMSG
		default:
			panic(p)
		}
	}()
	if kind == ninep.Tflush {
		s.flush(m.u16())
		return nil
	}
	if s.Hold != nil {
		s.Hold(kind, q.flushed)
		select {
		case <-q.flushed:
			s.mu.Lock()
			s.dropped++
			s.mu.Unlock()
			return errFlushed
		default:
		}
	}
	err = s.do(kind, m, r)
	if err == nil && len(m.rest) != 0 {
		s.blame("%v: %d bytes too many", kind, len(m.rest))
	}
	return err
}

func (s *Server) enter(kind ninep.Type, tag uint16) *request {
	q := &request{done: make(chan struct{}), flushed: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[kind]++
	if s.under[tag] != nil {
		s.wrong = append(s.wrong, fmt.Sprintf("tag %d used twice", tag))
	}
	s.under[tag] = q
	return q
}

func (s *Server) leave(tag uint16, q *request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.under, tag)
	close(q.done)
}

// flush has a request give up, and waits for its end.
func (s *Server) flush(tag uint16) {
	s.mu.Lock()
	q := s.under[tag]
	s.mu.Unlock()
	if q != nil {
		close(q.flushed)
		<-q.done
	}
}

// number gives Linux's number of an error.
func number(err error) syscall.Errno {
	var e syscall.Errno
	switch {
	case errors.As(err, &e):
		return e
	case strings.Contains(err.Error(), "path escapes"):
		return syscall.EXDEV
	case errors.Is(err, os.ErrClosed):
		return syscall.EBADF
	}
	return syscall.EIO
}

// file gives what a fid stands for.
func (s *Server) file(fid uint32) *file {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.fids[fid]
	if f == nil {
		s.wrong = append(s.wrong, fmt.Sprintf("fid %d stands for nothing", fid))
		panic(malformed("a fid of its own"))
	}
	return f
}

// add gives a fid a meaning.
func (s *Server) add(fid uint32, f *file) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fids[fid] != nil {
		s.wrong = append(s.wrong, fmt.Sprintf("fid %d used twice", fid))
	}
	s.fids[fid] = f
}

// name reads a name from a request: one that can be a component of a path.
func (s *Server) name(m *message) string {
	name := m.text()
	if name == "" || name == "." || name == ".." || len(name) > 255 || strings.ContainsAny(name, "/\x00") {
		s.blame("the name %q", name)
	}
	return name
}

// at gives the path of a name in a directory.
func (s *Server) at(f *file, name string) string { return path.Join(f.path, name) }
