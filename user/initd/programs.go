// SPDX-License-Identifier: Apache-2.0

package initd

import (
	"context"

	"loam/abi"
	"loam/internal/manifest"
	"loam/internal/proglist"
	"loam/user/ipc"
	"loam/user/sys"
)

//go:generate go run loam/tools/ipcgen Programs

// Programs is what init serves, to services that use the endpoint manifest.InitName.
type Programs interface {
	// List gives the program list, as package internal/proglist writes it.
	List(ctx context.Context) (list []byte, err error)
}

// asking is a Programs that has init's one goroutine answer.
type asking struct {
	d *system
	c chan chan []byte
}

// List is for Programs.
func (a *asking) List(ctx context.Context) ([]byte, error) {
	answer := make(chan []byte, 1)
	select {
	case a.c <- answer:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := a.d.note.Signal(bitAsked); err != nil {
		return nil, err
	}
	select {
	case list := <-answer:
		return list, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// mostAsking is how many may ask at once.
const mostAsking = 8

// serve begins to serve Programs, if anybody uses it.
func (d *system) serve() {
	e := d.endpoints[manifest.InitName]
	if e == nil {
		return
	}
	d.asking = &asking{d, make(chan chan []byte, mostAsking)}
	s := ipc.Server{Endpoint: ipc.Endpoint(e.handle), Service: ProgramsService(d.asking), Async: []string{"List"}}
	go func() {
		if err := s.Serve(context.Background()); err != nil {
			d.say("the program list is not served any more: " + err.Error())
		}
	}()
}

// answerPrograms answers those who ask.
func (d *system) answerPrograms() {
	for {
		select {
		case answer := <-d.asking.c:
			answer <- []byte(proglist.Encode(d.list(sys.Monotonic()), abi.MaxHostAnswer))
		default:
			return
		}
	}
}
