// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"errors"
	"os"

	"loam/abi/channel"
)

// Ring is memory of channel.RingSize bytes that a machine shares with loam: for a
// PC a file of that size, for Virt a part of one that is all of the memory.
type Ring struct {
	Addr uint64 // guest-physical

	file *os.File
	at   int64 // of the ring in the file
}

// NewRing makes memory to be shared with the machine, for Config.Ring; nil if a
// machine so small has no place for it.
func (c *Config) NewRing() (*Ring, error) {
	r, size := &Ring{Addr: channel.RingAddr}, int64(channel.RingSize)
	if c.Machine == Virt {
		kernel, err := flatSize(c.Kernel)
		if err != nil {
			return nil, nil // whatever it is, it can't use a ring
		}
		l := layoutVirt(c.MemoryMiB, c.Firmware, kernel)
		if l.ring == 0 {
			return nil, nil
		}
		r.at, r.Addr = int64(l.ring), virtRAM+l.ring
		size = int64(c.MemoryMiB) << 20
	}
	var err error
	if r.file, err = MemFile("ring"); err != nil {
		return nil, err
	}
	if err := r.file.Truncate(size); err != nil {
		_ = r.file.Close()
		return nil, err
	}
	return r, nil
}

// Close gives loam's hold on the memory up.
func (r *Ring) Close() {
	if r != nil {
		_ = r.file.Close()
	}
}

var errBeyondRing = errors.New("beyond the ring")

// ReadAt implements io.ReaderAt for the ring's bytes.
func (r *Ring) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(p)) > channel.RingSize {
		return 0, errBeyondRing
	}
	return r.file.ReadAt(p, r.at+off)
}

// WriteAt implements io.WriterAt likewise.
func (r *Ring) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(p)) > channel.RingSize {
		return 0, errBeyondRing
	}
	return r.file.WriteAt(p, r.at+off)
}
