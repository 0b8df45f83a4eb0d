// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import "context"

// threadKey is the key by which a context has a thread's System.
type threadKey struct{}

// Thread makes the System of a further thread of the same module.
func (s *System) Thread() *System { return &System{process: s.process} }

// WithThread is the context with which a thread's functions are called. Without it the calls are of the System that made
// the functions.
func WithThread(ctx context.Context, s *System) context.Context {
	return context.WithValue(ctx, threadKey{}, s)
}

// of is the System of the thread that calls.
func (s *System) of(ctx context.Context) *System {
	if t, ok := ctx.Value(threadKey{}).(*System); ok {
		return t
	}
	return s
}

// hold keeps a file open until the call under way has ended, whoever takes it out of the table: its number is Linux's,
// and would be another file's then. The lock is held.
func (s *System) hold(f *file) {
	f.users++
	s.held = append(s.held, f)
}

// release lets go of what the call held.
func (s *System) release() {
	for _, f := range s.held {
		s.lock()
		last := f.drop()
		s.unlock()
		if last {
			_ = f.close()
		}
	}
	s.held = s.held[:0]
}
