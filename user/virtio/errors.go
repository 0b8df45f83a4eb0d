// SPDX-License-Identifier: Apache-2.0

package virtio

import (
	"errors"
	"fmt"
)

// Errors. Those of the driver's own doing leave queue and device as they were.
var (
	// ErrDevice is what each DeviceError is: the device broke the specification, and
	// nothing is to be had from it before a reset.
	ErrDevice = errors.New("virtio: the device failed")
	// ErrNoDevice: nothing is there. It isn't a fault: machines have places for
	// devices that stay empty (4.2.2.2).
	ErrNoDevice = errors.New("virtio: no device")
	// ErrNotVirtio: something else is there.
	ErrNotVirtio = errors.New("virtio: not a virtio device")
	// ErrLegacy: the device speaks the interface from before virtio 1.0 only.
	ErrLegacy = errors.New("virtio: a legacy device; QEMU makes a modern one with -global virtio-mmio.force-legacy=false, or disable-legacy=on of a PCI device")
	// ErrFeatures: the device lacks, or refuses, features that the driver needs.
	ErrFeatures = errors.New("virtio: the device hasn't the features that the driver needs")
	// ErrNoQueue: the device has no such queue.
	ErrNoQueue = errors.New("virtio: no such queue")
	// ErrVectors: the device could not give a queue its MSI-X vector (4.1.5.1.2).
	ErrVectors = errors.New("virtio: the device has no MSI-X vector to give")
	// ErrFull: the queue has no room for the buffer now.
	ErrFull = errors.New("virtio: the queue is full")
	// ErrElements: the buffer has no element, an empty one, more than the queue has
	// entries, or 4 GiB and more in all.
	ErrElements = errors.New("virtio: such a buffer can't be")
	// ErrMemory: memory is too small, or not aligned.
	ErrMemory = errors.New("virtio: memory that doesn't do")
	// ErrNotKept: the device is not as its last driver left it, and has to be opened anew.
	ErrNotKept = errors.New("virtio: the device is not as its last driver left it")
	// ErrConfig: the device-specific configuration ends before that.
	ErrConfig = errors.New("virtio: the device's configuration is too short")
)

// Fault is what a device did wrong.
type Fault uint8

// Faults.
const (
	FaultUsedIndex  Fault = iota + 1 // used more buffers than it had (2.7.8)
	FaultID                          // used a buffer that doesn't exist
	FaultNotOffered                  // used a buffer that it didn't have, or had used before
	FaultLength                      // says to have written more than there was room for
	FaultFlags                       // left flags that are neither available nor used (2.8.1)
	FaultNeedsReset                  // says itself that it needs a reset (2.1)
	FaultReset                       // doesn't end its reset
	FaultStatus                      // forgot its status
	FaultGeneration                  // changes its configuration without end (2.5)
	FaultQueueSize                   // has a queue of a size that can't be
	FaultQueueInUse                  // has a queue in use after a reset
	FaultNotify                      // has a queue's doorbell outside of the doorbells (4.1.4.4)
	FaultCapability                  // has a PCI capability that can't be
	FaultLoop                        // has a list of PCI capabilities without end
	FaultBAR                         // has a PCI base address register that can't be
	FaultProtocol                    // broke the protocol of its device type
	numFaults
)

var faultNames = [numFaults]string{
	FaultUsedIndex: "used more buffers than it had", FaultID: "used a buffer that doesn't exist",
	FaultNotOffered: "used a buffer that it didn't have", FaultLength: "wrote more than there was room for",
	FaultFlags: "left flags that are neither available nor used", FaultNeedsReset: "needs a reset",
	FaultReset: "doesn't end its reset", FaultStatus: "forgot its status",
	FaultGeneration: "changes its configuration without end", FaultQueueSize: "has a queue of a size that can't be",
	FaultQueueInUse: "has a queue in use after a reset", FaultNotify: "has a doorbell outside of the doorbells",
	FaultCapability: "has a PCI capability that can't be", FaultLoop: "has a list of PCI capabilities without end",
	FaultBAR: "has a base address register that can't be", FaultProtocol: "broke the protocol of its type",
}

func (f Fault) String() string {
	if f == 0 || f >= numFaults {
		return fmt.Sprintf("Fault(%d)", uint8(f))
	}
	return faultNames[f]
}

// DeviceError says what a device did wrong. It is an ErrDevice.
type DeviceError struct {
	Fault Fault
	Queue int    // its number, -1: of none
	Got   uint64 // what the device said: an index, a length, flags
	Limit uint64 // what it could have said at most, or ought to have said; 0 where that means nothing
}

func (e *DeviceError) Error() string {
	where := ""
	if e.Queue >= 0 {
		where = fmt.Sprintf(" (queue %d)", e.Queue)
	}
	return fmt.Sprintf("virtio: the device %v%s: %#x, not %#x", e.Fault, where, e.Got, e.Limit)
}

// Unwrap gives ErrDevice.
func (e *DeviceError) Unwrap() error { return ErrDevice }

// fault makes a DeviceError of no queue.
func fault(f Fault, got, limit uint64) error {
	return &DeviceError{Fault: f, Queue: -1, Got: got, Limit: limit}
}
