// SPDX-License-Identifier: Apache-2.0

package entropy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"loam/user/ipc"
	"loam/user/object"
	"loam/user/virtio"
	"loam/user/virtio/driver"
	"loam/user/virtio/rng"
)

//go:generate go run loam/tools/ipcgen Entropy

// Entropy is what the driver serves.
type Entropy interface {
	// Bytes gives n random bytes, as good as the device's. EINVAL: n is above MaxBytes.
	Bytes(ctx context.Context, n uint32) (random []byte, err error)
}

// MaxBytes is the most bytes of one call.
const MaxBytes = 4096

// service is an Entropy.
type service struct {
	failed chan error // why it ends

	mu      sync.Mutex
	source  *rng.Source  // guarded by mu, and so is what follows
	loop    *driver.Loop // of the source's device
	waiting []*request   // in the order in which they came
	asked   bool
	piece   [rng.BufferSize]byte
}

// request is a call that waits.
type request struct {
	random []byte
	n      int // of them that are there
	done   chan struct{}
}

// Bytes is for Entropy.
func (s *service) Bytes(ctx context.Context, n uint32) ([]byte, error) {
	if n > MaxBytes {
		return nil, syscall.EINVAL
	}
	if n == 0 {
		return nil, nil
	}
	r := &request{random: make([]byte, n), done: make(chan struct{})}
	s.mu.Lock()
	s.waiting = append(s.waiting, r)
	s.end(s.ask())
	s.mu.Unlock()
	select {
	case <-r.done:
		return r.random, nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.waiting, r); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	}
	clear(r.random)
	return nil, ctx.Err()
}

// ask asks the device for what is wanted, unless that has been done.
func (s *service) ask() error {
	if s.asked || len(s.waiting) == 0 {
		return nil
	}
	s.asked = true
	return errors.Join(s.source.Ask(), s.loop.Asked())
}

// happened handles bits of the driver's notification.
func (s *service) happened(bits uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(s.loop.Handle(bits))
}

// end has the driver end if err isn't nil.
func (s *service) end(err error) {
	if err == nil {
		return
	}
	select {
	case s.failed <- errors.Join(err, s.source.Device().Fail()):
	default: // it does already
	}
}

// arrived takes what the device has given.
func (s *service) arrived(virtio.Cause) error {
	defer clear(s.piece[:])
	for {
		n, err := s.source.Take(s.piece[:])
		if err != nil || n == 0 {
			return err
		}
		s.asked = false
		s.loop.Answered()
		s.give(s.piece[:n])
		if err := s.ask(); err != nil {
			return err
		}
	}
}

// give gives bytes to those who wait, the first first.
func (s *service) give(b []byte) {
	for len(b) > 0 && len(s.waiting) > 0 {
		r := s.waiting[0]
		n := copy(r.random[r.n:], b)
		b, r.n = b[n:], r.n+n
		if r.n == len(r.random) {
			s.waiting = slices.Delete(s.waiting, 0, 1)
			close(r.done)
		}
	}
}

// defaultLimit is how long a device may take for an answer that its program isn't told.
const defaultLimit = 10 * time.Second

// limit reads the arguments.
func limit(args []string) (time.Duration, error) {
	l := defaultLimit
	for _, arg := range args {
		value, ok := strings.CutPrefix(arg, "limit=")
		var err error
		if l, err = time.ParseDuration(value); !ok || err != nil || l < time.Millisecond {
			return 0, errors.New(arg + ": the only argument is limit=TIME, from 1ms on")
		}
	}
	return l, nil
}

// Run is the program.
func Run(args []string) error {
	l, err := limit(args)
	if err != nil {
		return err
	}
	parts, err := driver.TakeGiven()
	if err != nil {
		return err
	}
	s := &service{failed: make(chan error, 1)}
	if s.source, err = rng.Open(parts.Transport, parts.Arena); err != nil {
		return err
	}
	note, err := object.NewNotification()
	if err != nil {
		return err
	}
	if s.loop, err = parts.Listen(note, l, s.source.Device(), s.arrived); err != nil {
		return err
	}
	server := ipc.Server{
		Endpoint: ipc.Endpoint(object.Given(driver.GivenEndpoint)), Service: EntropyService(s), Async: []string{"Bytes"},
		Notification: note, OnBits: s.happened,
	}
	go func() { s.failed <- server.Serve(context.Background()) }()
	return <-s.failed
}
