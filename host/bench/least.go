// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"

	"loam/host/vm"
)

const minRAM = vm.MinMemory

// least returns the smallest n of low..high for which works says true, by
// doubling up from low and then bisecting: works must be false below that n and
// true from it on.
func least(low, high int, works func(int) (bool, error)) (int, error) {
	bad, good := low-1, low
	for {
		ok, err := works(good)
		if err != nil {
			return 0, err
		}
		if ok {
			break
		}
		if good == high {
			return 0, fmt.Errorf("not even %d are enough", high)
		}
		bad, good = good, min(2*good, high)
	}
	for good-bad > 1 {
		mid := (bad + good) / 2
		ok, err := works(mid)
		if err != nil {
			return 0, err
		}
		if ok {
			good = mid
		} else {
			bad = mid
		}
	}
	return good, nil
}
