// SPDX-License-Identifier: Apache-2.0

// Package net is the protocol of the virtio network device (5.1): frames out and in, over up to
// MaxPairs pairs of queues, with checksums and segmentation left to the device where it offers that.
//
//	card, err := net.Open(transport, arena, net.Options{Pairs: 1, Receive: 256, Transmit: 256, Buffer: 2048})
//	...                             // the interrupt's notification
//	cause, err := card.Device().Interrupt()
//	frame, ok, err := card.Next(pair)       // until !ok, for each of card.Receiving() pairs
//	err = card.Take(pair, head, rest)       // copies it, and gives its buffers back
//	ok, err = card.Send(pair, offload, parts) // !ok: no room, Arm says when there is
//	err = card.Kick()                       // once for all of that
//	more, err := card.Arm()                 // if more, the above again
//
// # Memory
//
// All of it is the arena's and is taken by Open: Receive + Transmit buffers of Buffer bytes, which the
// pairs share equally, and queues. A frame lies in as many buffers as it needs, at most 64 KiB and an Ethernet header,
// either way: mergeable receive buffers (5.1.6.3.1) and chains of transmit buffers are the same thing
// seen from two sides. Without VIRTIO_NET_F_MRG_RXBUF a frame that comes has one buffer, and
// frames that are larger than that (segments that the device has joined) aren't asked for.
//
// Frames are copied, once each way. What the device may still write to can't be looked at
// twice, and a network stack does nothing else with a header.
//
// # What is believed
//
// Queues believe nothing (package virtio). Here, a frame that begins with less than a header,
// has no buffers, an empty one, or more than a frame of 64 KiB can have: each ends the
// device with a virtio.DeviceError. It can't be told then where the next frame begins.
//
// A frame with a header that says what can't be, a checksum outside of the frame, an offload that wasn't
// agreed upon, segments of no size, is dropped and counted (Stats.Malformed), and so is one
// that is too short or too long: that may be another machine's doing, and a device that passes it on
// has done nothing that harms. Lengths that a header claims are hints, and no use is made of them.
//
// A frame whose buffers haven't all come waits in its buffers: no memory is taken for it.
//
// # Pairs
//
// With VIRTIO_NET_F_MQ the device is told by its control queue how many pairs it may use (5.1.6.5.5).
// Until it has agreed, one is transmitted on. All that have been made are received from.
//
// # Link
//
// A device without VIRTIO_NET_F_STATUS is up. The host may take the link down and up again; Refresh,
// after a change of configuration, says which.
//
// # Rejected
//
//   - One buffer of 64 KiB for each frame that comes: 16 MiB for 256 frames, and most are of 1,500
//     bytes.
//   - Interrupts for frames that were sent: buffers are taken back when the next one is sent, and an
//     interrupt is asked for only by who found no room.
//   - Hash reports and RSS (5.1.6.5.7): one program receives from all pairs.
//
// Source: OASIS, Virtual I/O Device (VIRTIO) Version 1.2, section 5.1.
package net
