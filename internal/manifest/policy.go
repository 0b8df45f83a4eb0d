// SPDX-License-Identifier: Apache-2.0

package manifest

import "time"

// Restart says after which ends a service is started again.
type Restart uint8

// The restart policies.
const (
	Never     Restart = iota // after none
	OnFailure                // after all but exit code 0
	Always                   // after each
)

// Bounds of a Policy.
const (
	maxCount = 1000
	maxDelay = 24 * time.Hour
)

// Policy is how a service is started again: first after First, then each time after
// twice as long as before, up to Most. A service that ran for Most begins with First
// again. When it would be started for the Count+1st time in Window, it has ended for
// good. A clean end of a lazy service is not counted and not delayed: it waits for
// the next call.
type Policy struct {
	Restart     Restart
	First, Most time.Duration
	Count       int // 0: without limit
	Window      time.Duration
}

// DefaultPolicy is that of a service about which nothing is said.
func DefaultPolicy() Policy {
	return Policy{Restart: OnFailure, First: 100 * time.Millisecond, Most: 10 * time.Second, Count: 10, Window: time.Minute}
}
