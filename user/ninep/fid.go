// SPDX-License-Identifier: Apache-2.0

package ninep

import "sync"

// fids gives out numbers of files, the lowest that were never used first.
type fids struct {
	mu   sync.Mutex
	free []Fid // given back
	next Fid
	max  Fid // numbers are below
}

func (f *fids) get() (Fid, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.free); n > 0 {
		fid := f.free[n-1]
		f.free = f.free[:n-1]
		return fid, true
	}
	if f.next == f.max {
		return 0, false
	}
	f.next++
	return f.next - 1, true
}

func (f *fids) put(fid Fid) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.free = append(f.free, fid)
}

// used gives how many numbers are given out.
func (f *fids) used() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return int(f.next) - len(f.free)
}
