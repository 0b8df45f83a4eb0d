// SPDX-License-Identifier: Apache-2.0

package folderd

import (
	"context"
	"slices"

	"loam/abi"
	"loam/user/ninep/folder"
)

// maxAhead is how many reads of a session are begun at once, before anybody asks for their data.
const maxAhead = 2

// ahead is a read to shared memory that nobody waits for: no thread stands by for it, who wants the data waits for the
// device then (Folder.ReadOn). The memory is in use until it has ended.
type ahead struct {
	part
	file   *folder.File
	offset int64
	begun  *folder.Begun
	taken  bool          // somebody waits for its end; guarded by Server.mu
	over   chan struct{} // closed when it has ended
}

// part is a part of the memory that a session has.
type part struct {
	server  *Server
	session *session
	share   *Share
	at      int
	bytes   []byte
}

// part gives n bytes of the memory, or as many as there are.
func (s *Server) part(session *session, m *Share, at, n uint32) (part, error) {
	if uint64(at) >= uint64(len(m.Bytes)) {
		return part{}, abi.EINVAL
	}
	b := m.Bytes[at:]
	return part{s, session, m, int(at), b[:min(uint64(n), uint64(len(b)))]}, nil
}

// meets reports whether two parts of one memory have bytes in common.
func (p part) meets(q part) bool { return p.at < q.at+len(q.bytes) && q.at < p.at+len(p.bytes) }

// begin begins to read a file, if the device has little to do, and the session is still there.
func (p part) begin(ctx context.Context, f *folder.File, offset int64) {
	s, m := p.server, p.share
	if len(p.bytes) == 0 {
		return
	}
	begun, err := f.BeginRead(p.bytes, offset)
	if err != nil {
		return
	}
	a := &ahead{part: p, file: f, offset: offset, begun: begun, over: make(chan struct{})}
	s.mu.Lock()
	m.users++
	a.taken = m.owner != p.session || len(m.ahead) >= maxAhead
	m.ahead = append(m.ahead, a)
	s.mu.Unlock()
	if a.taken {
		a.drop(ctx)
	}
}

// take takes the read that was begun to just this part, from there in the file; nil: there is none.
func (p part) take(f *folder.File, offset int64) *ahead {
	s := p.server
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range p.share.ahead {
		if a.file == f && a.offset == offset && a.at == p.at && len(a.bytes) == len(p.bytes) && !a.taken {
			a.taken = true
			return a
		}
	}
	return nil
}

// settle waits for all that was begun to be read to this part.
func (p part) settle(ctx context.Context) {
	p.server.dropAhead(ctx, p.share, func(a *ahead) bool { return a.meets(p) })
}

// dropFile ends what a session has begun, of one file, or with nil of all.
func (s *Server) dropFile(ctx context.Context, n *session, f *folder.File) {
	if m := s.Shares[n.grant]; m != nil {
		s.dropAhead(ctx, m, func(a *ahead) bool { return a.session == n && (f == nil || a.file == f) })
	}
}

// dropAhead ends some of the reads that were begun, and waits for the end of those that others end.
func (s *Server) dropAhead(ctx context.Context, m *Share, which func(*ahead) bool) {
	for {
		s.mu.Lock()
		i := slices.IndexFunc(m.ahead, which)
		if i < 0 {
			s.mu.Unlock()
			return
		}
		a := m.ahead[i]
		mine := !a.taken
		a.taken = true
		s.mu.Unlock()
		if mine {
			a.drop(ctx)
		} else {
			<-a.over
		}
	}
}

// end waits for the data, and gives how much of it there is.
func (a *ahead) end(ctx context.Context) (int, error) {
	n, err := a.begun.End(ctx)
	s, m := a.server, a.share
	s.mu.Lock()
	i := slices.Index(m.ahead, a)
	m.ahead = slices.Delete(m.ahead, i, i+1)
	m.users--
	s.mu.Unlock()
	close(a.over)
	return n, err
}

// drop waits until the memory is free; there may be nothing.
func (a *ahead) drop(ctx context.Context) {
	if a != nil {
		_, _ = a.end(ctx)
	}
}
