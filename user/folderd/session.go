// SPDX-License-Identifier: Apache-2.0

package folderd

import (
	"sync"

	"loam/abi"
	"loam/user/ninep/folder"
)

// session is what a process has of a folder.
type session struct {
	root  *folder.Dir
	grant uint64 // the badge by which it was attached

	mu     sync.Mutex // guards what follows; no request is made under it
	files  []open     // number n at n-1; one that is free has no file
	taken  int        // as many numbers, from 1 on, are surely not free
	closed bool
}

// open is what has a number.
type open struct {
	file *folder.File
	dir  *folder.Dir // nil: it is no directory
	busy bool        // the number is taken, and nothing is open yet
}

func (o open) close() error {
	if o.dir != nil {
		_ = o.dir.Close()
	}
	return o.file.Close()
}

// reserve takes the least number that is free.
func (n *session) reserve() (uint32, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return 0, abi.EBADF
	}
	for n.taken < len(n.files) && (n.files[n.taken].file != nil || n.files[n.taken].busy) {
		n.taken++
	}
	if n.taken == MaxFiles {
		return 0, abi.EMFILE
	}
	if n.taken == len(n.files) {
		n.files = append(n.files, open{})
	}
	n.files[n.taken].busy = true
	n.taken++
	return uint32(n.taken), nil
}

// free makes a number free.
func (n *session) free(number uint32) {
	n.files[number-1] = open{}
	n.taken = min(n.taken, int(number-1))
}

// fill gives a reserved number its file, or gives the number back if there is none.
func (n *session) fill(number uint32, o open) error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		if o.file != nil {
			_ = o.close()
		}
		return abi.EBADF
	}
	if n.files[number-1] = o; o.file == nil {
		n.free(number)
	}
	n.mu.Unlock()
	return nil
}

// get gives what has a number.
func (n *session) get(number uint32) (open, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || number == Root || uint64(number) > uint64(len(n.files)) || n.files[number-1].file == nil {
		return open{}, abi.EBADF
	}
	return n.files[number-1], nil
}

// at gives the directory where a path begins.
func (n *session) at(number uint32) (*folder.Dir, error) {
	if number == Root {
		return n.root, nil
	}
	o, err := n.get(number)
	if err == nil && o.dir == nil {
		err = abi.ENOTDIR
	}
	return o.dir, err
}

// drop gives a number back, and what had it.
func (n *session) drop(number uint32) (open, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || number == Root || uint64(number) > uint64(len(n.files)) || n.files[number-1].file == nil {
		return open{}, abi.EBADF
	}
	o := n.files[number-1]
	n.free(number)
	return o, nil
}

// close closes everything.
func (n *session) close() {
	n.mu.Lock()
	n.closed = true
	files := n.files
	n.files = nil
	n.mu.Unlock()
	for _, o := range files {
		if o.file != nil {
			_ = o.close()
		}
	}
	_ = n.root.Close()
}
