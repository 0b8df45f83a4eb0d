// SPDX-License-Identifier: Apache-2.0

package pcid

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"loam/user/ipc"
	"loam/user/object"
	"loam/user/sys"
	"loam/user/virtio"
)

// What the service is given by the lines of its manifest.
const (
	givenEndpoint = iota
	givenMachine
)

// options are the program's arguments.
type options struct {
	grants map[uint64][]virtio.Function
	config uint64 // where the first bus's configuration space is in memory; 0: the chipset says
	window span
	lines  lines
}

var errArguments = errors.New("arguments are grant=BADGE:DEVICE[.FUNCTION], of which there is one at least, ecam=ADDRESS, window=ADDRESS:SIZE, and line=FIRST")

const devices = 32 // of a bus

func parse(args []string) (o options, err error) {
	o.grants = map[uint64][]virtio.Function{}
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		switch name {
		case "grant":
			err = o.grant(value)
		case "ecam":
			o.config, err = strconv.ParseUint(value, 0, 52)
			if o.config%busSize != 0 {
				err = errArguments
			}
		case "window":
			err = o.setWindow(value)
		case "line":
			var first uint64
			first, err = strconv.ParseUint(value, 0, 16)
			o.lines = lines{uint32(first), devices}
		default:
			err = errArguments
		}
		if err != nil {
			return o, fmt.Errorf("%s: %w", arg, errArguments)
		}
	}
	if len(o.grants) == 0 {
		return o, errArguments
	}
	return o, nil
}

// grant reads who may have a function, which is of one badge.
func (o *options) grant(text string) error {
	number, place, _ := strings.Cut(text, ":")
	device, part, has := strings.Cut(place, ".")
	badge, err1 := strconv.ParseUint(number, 10, 64)
	d, err2 := strconv.ParseUint(device, 16, 5)
	f, err3 := uint64(0), error(nil)
	if has {
		f, err3 = strconv.ParseUint(part, 8, 3)
	}
	if err := errors.Join(err1, err2, err3); err != nil || badge == 0 {
		return errArguments
	}
	at := virtio.Function{Device: uint8(d), Function: uint8(f)}
	for _, others := range o.grants {
		for _, x := range others {
			if x == at {
				return errArguments
			}
		}
	}
	o.grants[badge] = append(o.grants[badge], at)
	return nil
}

func (o *options) setWindow(text string) error {
	first, length, _ := strings.Cut(text, ":")
	at, err1 := strconv.ParseUint(first, 0, 52)
	size, err2 := strconv.ParseUint(length, 0, 52)
	if err1 != nil || err2 != nil || size == 0 {
		return errArguments
	}
	o.window = spanOf(at, size)
	return nil
}

// Run is the program.
func Run(args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	m := object.Machine(object.Given(givenMachine))
	b := &bus{
		machine: kernel{m}, window: o.window, lines: o.lines, grants: o.grants, caller: ipc.Caller,
		say: func(text string) { _, _ = sys.Stream(2).Write([]byte("pci: " + text + "\n")) },
	}
	space, err := b.openSpace(m, o.config)
	if err != nil {
		return err
	}
	b.prepare(space)
	server := ipc.Server{Endpoint: ipc.Endpoint(object.Given(givenEndpoint)), Service: BusService(b)}
	return server.Serve(context.Background())
}
