// SPDX-License-Identifier: Apache-2.0

// Package entropy is the driver of a virtio entropy device as a service: it serves an
// endpoint, the interface Entropy. The program is `system rng`; its handles are
// those of these lines, in this order, and its argument is how long the device may take
// for an answer, 10s without it:
//
//	service rng
//	  system rng
//	  args limit=2s
//	  provides random
//	  interrupt 1 level            # virt's first place for a device; on microvm
//	  memory 0x10001000 4K         # interrupt 5 level, registers 0xfeb00000 0x200
//	  dma 4K
//	  restart always after 10ms to 1s
//
//	bytes, err := entropy.NewEntropyClient(ipc.Endpoint(object.Given(0))).Bytes(ctx, 32)
//
// Nothing is asked of the device before somebody wants it, and what nobody wants is
// thrown away: bytes go to one client, once, and then are nowhere in the driver.
// Those who wait are served in the order in which they came.
//
// A driver that dies takes no bytes along that anybody has. Its callers get ECONNRESET and call
// again; so it is killed, and ends itself, without more ado.
package entropy
