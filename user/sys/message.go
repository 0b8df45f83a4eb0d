// SPDX-License-Identifier: Apache-2.0

package sys

import "loam/abi"

// Message is what the calls with Endpoint in their name have in registers
// (abi.CallEndpointCall and the like, whose table package abi has).
type Message struct {
	To      uint64          // in: the endpoint; out, of a receive: the badge
	Options *MessageOptions // in
	Token   uint64          // in: of a reply; out: of a receive
	Came    uint64          // out: what came with the words (abi.Came)
	Words   [abi.MessageWords]uint64
}

// MessageOptions has the layout of abi.MessageOptions in memory, with addresses
// that are pointers: so what is sent and received stays where it is and alive, as
// long as the options do.
type MessageOptions struct {
	Deadline     int64 // ns on CLOCK_MONOTONIC; abi.WaitForever
	SendAddr     *byte
	ReceiveAddr  *byte
	SendBytes    uint32
	ReceiveBytes uint32
	Flags        uint32
	SendHandles  uint32
	Accept       uint32
	_            uint32

	Send  [abi.MaxMessageHandles]abi.HandOn
	Given [abi.MaxMessageHandles]abi.Handle
}
