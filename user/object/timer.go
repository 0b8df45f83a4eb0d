// SPDX-License-Identifier: Apache-2.0

package object

import (
	"time"

	"loam/abi"
	"loam/user/sys"
)

// Timer is a handle to a timer, which signals bits of a notification at a time.
type Timer Handle

// NewTimer makes one that isn't set.
func NewTimer() (Timer, error) {
	v, err := sys.ObjectCall(abi.CallTimerCreate)
	return Timer(v), err
}

// Set has the timer signal bits of n at a time, as After gives it, and then again each
// period: 0 for once, else at least abi.MinTimerPeriod. Periods that could not be
// kept are left out. What was set before is no more.
func (t Timer) Set(n Notification, bits uint64, at int64, period time.Duration) error {
	_, err := sys.ObjectCall(abi.CallTimerSet, uint64(t), uint64(n), bits, uint64(at), uint64(period))
	return err
}

// Stop makes the timer one that isn't set. A bit that it has signalled stays.
func (t Timer) Stop() error { return t.Set(0, 0, Forever, 0) }

// Close gives the handle back. The last one stops the timer.
func (t Timer) Close() error { return Close(Handle(t)) }
