//go:build loamcheck

// SPDX-License-Identifier: Apache-2.0

package spin

// Checked says whether this build checks the order of locks.
const Checked = checked

const checked = true

// held gives the word in which the calling CPU notes the ranks that it holds; nil
// until the machine floor has CPUs to tell apart. breach ends the machine.
var (
	held   func() *uint32
	breach func(why ...string)
)

// What breach is told: made beforehand, for there is no heap where it is called.
var (
	outOfOrder = []string{"spin: lock taken out of order"}
	notHeld    = []string{"spin: lock given back by a CPU that doesn't have it"}
)

// SetHeld says where a CPU notes the ranks that it holds: the word that f gives,
// the calling CPU's own; and who is told of a breach, and doesn't return.
func SetHeld(f func() *uint32, tell func(why ...string)) { held, breach = f, tell }

func taking(rank uint8) {
	if held == nil || rank == 0 {
		return
	}
	w := held()
	if *w>>rank != 0 {
		breach(outOfOrder...)
	}
	*w |= 1 << rank
}

func giving(rank uint8) {
	if held == nil || rank == 0 {
		return
	}
	w := held()
	if *w>>rank&1 == 0 {
		breach(notHeld...)
	}
	*w &^= 1 << rank
}
