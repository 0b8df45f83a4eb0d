// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"os"

	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
)

const messageBytes = 1000

// room is for messages that bring bytes and a handle.
type room struct {
	options sys.MessageOptions
	in, out [messageBytes]byte
}

func newRoom() *room {
	r := new(room)
	r.options = sys.MessageOptions{Deadline: abi.WaitForever, ReceiveAddr: &r.in[0], ReceiveBytes: messageBytes, Accept: 1}
	return r
}

// serve answers each call with its words, and with its bytes, and closes the handle
// that has come. It is what this program does with the argument "server".
func serve() {
	r := newRoom()
	m := sys.Message{}
	for {
		m.To, m.Options = uint64(object.Given(0)), &r.options
		if e := sys.MessageCall(abi.CallEndpointReplyReceive, &m); e != abi.ReceivedCall {
			os.Exit(1)
		}
		n, handles := abi.Came(m.Came)
		r.options.SendAddr, r.options.SendBytes = &r.in[0], uint32(n)
		if handles > 0 {
			_ = object.Close(r.options.Given[0])
		}
		m.Words[7]++
	}
}

// messages calls another process as often as n says, each time with the message that
// the function prepares.
func messages(n int, prepare func(*sys.Message)) error {
	endpoint, err := sys.ObjectCall(abi.CallEndpointCreate)
	if err != nil {
		return err
	}
	server, err := (&object.Program{File: "program", Args: []string{"steady", "server"},
		Handles: []abi.HandOn{{Handle: abi.Handle(endpoint), Rights: abi.RightWait}}}).Start()
	if err != nil {
		return err
	}
	defer server.Close()
	var m sys.Message
	for i := range uint64(n) {
		m.To, m.Options, m.Words = endpoint, nil, [8]uint64{i, 1, 2, 3, 4, 5, 6, 7}
		prepare(&m)
		if e := sys.MessageCall(abi.CallEndpointCall, &m); e != 0 {
			return fmt.Errorf("call %d: %w", i, abi.Errno(-e))
		}
		if m.Words != [8]uint64{i, 1, 2, 3, 4, 5, 6, 8} {
			return fmt.Errorf("call %d came back as %v", i, m.Words)
		}
	}
	if err := server.Process.Kill(); err != nil {
		return err
	}
	_, err = server.Process.Wait(object.Forever)
	return errors.Join(err, object.Close(abi.Handle(endpoint)))
}

func wordMessages() error { return messages(count, func(*sys.Message) {}) }

// largeMessages sends bytes, and a handle that the other side closes.
func largeMessages() error {
	n, err := object.NewNotification()
	if err != nil {
		return err
	}
	defer n.Close()
	r := newRoom()
	r.options.SendAddr, r.options.SendBytes = &r.out[0], messageBytes
	r.options.Send[0] = abi.HandOn{Handle: abi.Handle(n), Rights: abi.RightWrite}
	r.options.SendHandles = 1
	return messages(seldom, func(m *sys.Message) { m.Options = &r.options })
}
