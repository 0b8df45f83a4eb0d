// SPDX-License-Identifier: Apache-2.0

package folderd

import (
	"context"
	"sync"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/ninep/folder"
)

// Grant is what callers with a badge are given.
type Grant struct {
	Path     string // of a directory in the folder, "." for all of it
	ReadOnly bool
}

// Server is a Folders. Its fields are not to be changed once it is used.
type Server struct {
	// Folder is what is served. If it is read-only, so are all grants.
	Folder *folder.Dir
	// Grants are by the badge of the handle that Attach is called by.
	Grants map[uint64]Grant
	// Mint makes the endpoint of a session, which calls SessionService by this badge, and
	// Revoke takes it back from everybody.
	Mint   func(session uint64) (ipc.Handle, error)
	Revoke func(session uint64)
	// Watch calls ended once, from a goroutine of its own, when the process has ended. It has
	// the handle from then on, also if there is an error: EINVAL, it isn't a process's.
	Watch func(process ipc.Handle, ended func()) error
	// Shares are by the badge of Grants: memory for Folder.Share.
	Shares map[uint64]*Share
	// Caller tells the badge of a call: ipc.Caller, but in tests.
	Caller func(ctx context.Context) uint64

	mu       sync.Mutex          // guards what follows
	sessions map[uint64]*session // by their badges
	last     uint64              // badge that was given to a session
}

var _ Folders = (*Server)(nil)

// Share is memory that sessions of a grant have one after the other: who had it before is
// somebody with the same rights, so that it need not be taken away from there.
type Share struct {
	Bytes  []byte
	Handle ipc.Handle // what is given to clients

	owner *session // guarded by Server.mu, and so are the others
	users int      // how many calls read or write it, and reads that were begun: none of a former owner's may still do
	ahead []*ahead // reads to it that were begun
}

// share gives the memory of a session, which it keeps.
func (s *Server) share(n *session) (*Share, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.Shares[n.grant]
	if m == nil || m.owner != n && (m.owner != nil || m.users > 0) {
		return nil, abi.EBUSY
	}
	m.owner = n
	return m, nil
}

// useShare gives what share has given the session, which it uses until done; nil if nothing.
func (s *Server) useShare(n *session) *Share {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.Shares[n.grant]
	if m == nil || m.owner != n {
		return nil
	}
	m.users++
	return m
}

// doneShare ends what useShare began.
func (s *Server) doneShare(m *Share) {
	s.mu.Lock()
	m.users--
	s.mu.Unlock()
}

// Attach is for Folders.
func (s *Server) Attach(ctx context.Context, process ipc.Handle) (ipc.Handle, Info, error) {
	badge := s.Caller(ctx)
	grant, ok := s.Grants[badge]
	if !ok {
		return ipc.Handle{}, Info{}, abi.EACCES
	}
	root, err := s.open(ctx, grant)
	if err != nil {
		return ipc.Handle{}, Info{}, err
	}
	number, err := s.add(&session{root: root, grant: badge})
	if err != nil {
		_ = root.Close()
		return ipc.Handle{}, Info{}, err
	}
	if err := s.Watch(process, func() { s.end(number) }); err != nil {
		s.end(number)
		return ipc.Handle{}, Info{}, err
	}
	h, err := s.Mint(number)
	if err != nil {
		s.end(number)
		return ipc.Handle{}, Info{}, err
	}
	return h, Info{root.ReadOnly(), MaxData}, nil
}

// open gives the directory of a grant.
func (s *Server) open(ctx context.Context, g Grant) (*folder.Dir, error) {
	root, err := s.Folder.OpenDir(ctx, g.Path)
	if err != nil || !g.ReadOnly || root.ReadOnly() {
		return root, err
	}
	defer func() { _ = root.Close() }()
	return root.Reading(ctx)
}

// add gives a session its badge, which no other had before it.
func (s *Server) add(n *session) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	same := 0
	for _, other := range s.sessions {
		if other.grant == n.grant {
			same++
		}
	}
	if same >= MaxSessions {
		return 0, abi.EMFILE
	}
	if s.sessions == nil {
		s.sessions = map[uint64]*session{}
	}
	s.last++
	s.sessions[s.last] = n
	return s.last, nil
}

// end ends a session: its files are closed when those are done that use them.
func (s *Server) end(number uint64) {
	s.mu.Lock()
	n := s.sessions[number]
	delete(s.sessions, number)
	if n != nil {
		if m := s.Shares[n.grant]; m != nil && m.owner == n {
			m.owner = nil
		}
	}
	s.mu.Unlock()
	if n != nil {
		s.Revoke(number)
		s.dropFile(context.Background(), n, nil)
		n.close()
	}
}

// session gives that of a call.
func (s *Server) session(ctx context.Context) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.sessions[s.Caller(ctx)]; n != nil {
		return n, nil
	}
	return nil, abi.EBADF
}
