// SPDX-License-Identifier: Apache-2.0

package diskd

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"time"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/object"
	"loam/user/virtio/blk"
	"loam/user/virtio/driver"
)

const (
	// requests is how many are in flight at most, of which 64 KiB have room for more than twice as
	// many.
	requests = 64
	// defaultLimit is how long a device may take for an answer: a flush of a slow disk
	// with much to write takes its time.
	defaultLimit = 2 * time.Minute
)

// parse reads the arguments.
func parse(args []string) (limit time.Duration, err error) {
	limit = defaultLimit
	for _, arg := range args {
		value, ok := strings.CutPrefix(arg, "limit=")
		if limit, err = time.ParseDuration(value); !ok || err != nil || limit < 10*time.Millisecond {
			return 0, errors.New(arg + ": the only argument is limit=TIME, from 10ms on")
		}
	}
	return limit, nil
}

// Run is the program.
func Run(args []string) error {
	limit, err := parse(args)
	if err != nil {
		return err
	}
	failed := make(chan error, 2)
	s := &server{
		watch: watch, memory: memory, keep: ipc.Keep,
		answer: func(k ipc.Kept, err error) {
			if err == nil {
				k.Done()
			} else {
				k.Fail(err)
			}
		},
		failed: func(err error) { failed <- err },
	}
	note, err := s.open(limit)
	if err != nil {
		return err
	}
	server := ipc.Server{
		Endpoint: ipc.Endpoint(object.Given(driver.GivenEndpoint)), Service: BlocksService(s),
		Notification: note, OnBits: s.happened, Alone: true,
	}
	go func() { failed <- server.Serve(context.Background()) }()
	return <-failed
}

// open opens the device, and has what concerns it signalled.
func (s *server) open(limit time.Duration) (object.Notification, error) {
	parts, err := driver.TakeGiven()
	if err != nil {
		return 0, err
	}
	if s.data, err = driver.DMA(dataMemory()); err != nil {
		return 0, err
	}
	if s.disk, err = blk.Open(parts.Transport, parts.Arena, blk.Options{Requests: requests}); err != nil {
		return 0, err
	}
	s.begin()
	note, err := object.NewNotification()
	if err != nil {
		return 0, err
	}
	s.loop, err = parts.Listen(note, limit, s.disk.Device(), s.arrived)
	return note, err
}

// dataMemory is memory for data, behind what every driver is given.
func dataMemory() object.Memory { return driver.Memory(1) }

// memory gives the data's for a client, which isn't to learn where it lies.
func memory() ipc.Handle {
	return ipc.Copy(object.Handle(dataMemory()), abi.RightRead|abi.RightWrite|abi.RightTransfer|abi.RightDuplicate)
}

// process is an owner.
type process struct{ object.Process }

// watch takes a handle to a process.
func watch(h ipc.Handle) (owner, error) {
	p := process{object.Process(h.Handle)}
	if !p.Alive() {
		return nil, errors.Join(abi.EINVAL, object.Close(h.Handle))
	}
	return p, nil
}

// Alive reports whether the process hasn't ended.
func (p process) Alive() bool {
	_, err := p.Wait(object.Now)
	return errors.Is(err, syscall.ETIMEDOUT)
}
