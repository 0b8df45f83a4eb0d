//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"loam/internal/proglist"
	"loam/user/diskd"
	"loam/user/initd"
	"loam/user/ipc"
	"loam/user/object"
)

var background = context.Background()

const (
	workers = 8
	most    = 16 // sectors of a request
	size    = diskd.SectorSize
)

// worker uses a part of the disk, and knows what is to be there.
type worker struct {
	*diskd.Disk
	random   *rand.Rand
	first    int      // sector of its part
	versions []uint32 // of sectors; 0: zeroes
	thrown   []bool   // sectors that were discarded: they may be zeroes, too
	own      []byte   // memory that isn't copied, for half of the requests
	other    []byte
	want     [size]byte
	last     uint32 // version
	counts   [numKinds]int
}

const (
	kindWrite = iota
	kindRead
	kindFlush
	kindZero
	kindDiscard
	numKinds
)

// kinds are the names, and what a request is of 20.
var kinds = [numKinds]struct {
	name string
	of20 int
}{{"writes", 8}, {"reads", 9}, {"flushes", 1}, {"zeroes", 1}, {"discards", 1}}

// model has workers do random requests, at least so many and until the service has been started
// again so often. What one has written all others leave alone, so it is there: what was
// answered isn't lost when the driver dies, and still less what was flushed.
func model(requests int, restarts uint64) {
	d := open()
	sectors := int(d.Info().Sectors) / workers
	var all []*worker
	for i := range workers {
		all = append(all, &worker{Disk: d, random: rand.New(rand.NewPCG(uint64(i), 5)), first: i * sectors,
			versions: make([]uint32, sectors), thrown: make([]bool, sectors), own: d.Alloc(most * size), other: make([]byte, most*size)})
	}
	var done atomic.Int64
	var running sync.WaitGroup
	for _, w := range all {
		running.Go(func() {
			for done.Add(1) <= int64(requests) {
				w.step()
			}
		})
	}
	running.Wait()
	for restartsOf("disk0") < restarts {
		all[0].step()
	}
	sum := crc32.NewIEEE()
	for _, w := range all {
		w.finish(sum)
	}
	check(d.Flush())
	check(d.Close())
	fmt.Printf("%08x", sum.Sum32())
	for kind, k := range kinds {
		n := 0
		for _, w := range all {
			n += w.counts[kind]
		}
		fmt.Printf(", %d %s", n, k.name)
	}
	fmt.Printf(", %d restarts\n", restartsOf("disk0"))
}

// step does a request.
func (w *worker) step() {
	of20, kind := w.random.IntN(20), 0
	for of20 >= kinds[kind].of20 {
		of20 -= kinds[kind].of20
		kind++
	}
	n := 1 + w.random.IntN(most)
	at := w.random.IntN(len(w.versions) - n)
	p := w.own
	if p == nil || w.random.IntN(2) == 0 {
		p = w.other
	}
	p = p[:n*size]
	off := int64(w.first+at) * size
	var err error
	switch kind {
	case kindWrite:
		for i := range n {
			w.last++
			w.set(at+i, w.last)
			w.content(at+i, w.last, p[i*size:])
		}
		_, err = w.WriteAt(p, off)
	case kindRead:
		clear(p)
		if _, err = w.ReadAt(p, off); err == nil {
			err = w.compare(at, p)
		}
	case kindFlush:
		err = w.Flush()
	case kindZero:
		for i := range n {
			w.set(at+i, 0)
		}
		err = w.Zero(off, int64(len(p)), w.random.IntN(2) == 0)
	case kindDiscard:
		for i := range n {
			w.thrown[at+i] = true
		}
		err = w.Discard(off, int64(len(p)))
	}
	check(err)
	w.counts[kind]++
}

func (w *worker) set(at int, version uint32) { w.versions[at], w.thrown[at] = version, false }

// compare looks at what was read.
func (w *worker) compare(at int, p []byte) error {
	for i := range len(p) / size {
		got := p[i*size:][:size]
		w.content(at+i, w.versions[at+i], w.want[:])
		if !bytes.Equal(got, w.want[:]) && !(w.thrown[at+i] && bytes.Equal(got, zeroes[:])) {
			return fmt.Errorf("sector %d isn't as it was written last, version %d: it begins with % x", w.first+at+i, w.versions[at+i], got[:32])
		}
	}
	return nil
}

var zeroes [size]byte

// finish makes all of the part known, compares it, and adds it to a sum.
func (w *worker) finish(sum io.Writer) {
	for at := 0; at < len(w.versions); at++ {
		if w.thrown[at] {
			w.set(at, 0)
			check(w.Zero(int64(w.first+at)*size, size, false))
		}
	}
	p := make([]byte, most*size)
	for at := 0; at < len(w.versions); at += most {
		p = p[:min(most, len(w.versions)-at)*size]
		_, err := w.ReadAt(p, int64(w.first+at)*size)
		check(errors.Join(err, w.compare(at, p)))
		_, _ = sum.Write(p)
	}
}

// content gives what a sector holds.
func (w *worker) content(at int, version uint32, b []byte) {
	b = b[:size]
	if version == 0 {
		clear(b)
		return
	}
	v := uint64(w.first+at)<<32 | uint64(version)
	for i := 0; i < size; i += 8 {
		binary.LittleEndian.PutUint64(b[i:], v)
		v = v*6364136223846793005 + 1442695040888963407 // Knuth's, MMIX
	}
}

// restartsOf tells how often a service was started again.
func restartsOf(name string) uint64 { return listed(name).Restarts }

// listed gives what init says of a service.
func listed(name string) proglist.Entry {
	text, err := initd.NewProgramsClient(ipc.Endpoint(object.Given(1))).List(background)
	check(err)
	list, err := proglist.Decode(string(text))
	check(err)
	for _, e := range list {
		if e.Name == name {
			return e
		}
	}
	return proglist.Entry{}
}

// once uses a disk when the service taker, which had it, has ended, and tells what it is; it writes the
// second sector, unless the disk can't be written.
func once() {
	for listed("taker").State != proglist.StateEnded {
		time.Sleep(time.Millisecond)
	}
	d := open()
	p := make([]byte, size)
	_, err := d.ReadAt(p, 0)
	check(err)
	_, err = d.WriteAt(p, size)
	if d.Info().ReadOnly && err == syscall.EROFS {
		err = nil
	}
	check(errors.Join(err, d.Flush(), d.Close()))
	fmt.Fprintf(os.Stdout, "%d bytes, read-only %v, %q\n", d.Size(), d.Info().ReadOnly, p[:bytes.IndexByte(p, 0)])
}

// take takes a disk, and ends without giving it back, while it reads.
func take() {
	d := open()
	if _, err := diskd.Open(background, ipc.Endpoint(object.Given(0))); err != syscall.EBUSY {
		check(fmt.Errorf("taken twice: %w", err))
	}
	for range 4 {
		go func() {
			p := make([]byte, size)
			for {
				_, err := d.ReadAt(p, 0)
				check(err)
			}
		}()
	}
	time.Sleep(20 * time.Millisecond)
	check(object.Self.Kill())
}

func open() *diskd.Disk {
	d, err := diskd.Open(background, ipc.Endpoint(object.Given(0)))
	check(err)
	return d
}
