// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// large prints a sum over the file, which every way of reading it must give, and leaves a copy.
func large() error {
	path := filepath.Join(data, "large")
	all, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	fmt.Printf("%d bytes, %x\n", len(all), sha256.Sum256(all))
	for _, piece := range []int{1 << 20, 300_000, 4 << 20} {
		if err := readLike(path, piece, all, nil); err != nil {
			return fmt.Errorf("by pieces of %d: %w", piece, err)
		}
	}
	var two sync.WaitGroup
	var failed [2]error
	for i := range failed {
		two.Go(func() { failed[i] = readLike(path, 1<<20, all, nil) })
	}
	two.Wait()
	if err := errors.Join(failed[:]...); err != nil {
		return fmt.Errorf("two at once: %w", err)
	}
	to, err := os.Create(filepath.Join(data, "copy"))
	if err != nil {
		return err
	}
	defer to.Close()
	return readLike(path, 1<<20, all, to)
}

// readLike reads a file by pieces, wants these bytes, and writes them to another, if that isn't nil.
func readLike(path string, piece int, want []byte, to *os.File) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	b := make([]byte, piece)
	for {
		n, err := f.Read(b)
		if err == io.EOF && len(want) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		if n > len(want) || !bytes.Equal(b[:n], want[:n]) {
			return fmt.Errorf("%d bytes before the end they are others", len(want))
		}
		if want = want[n:]; to == nil {
			continue
		}
		if _, err := to.Write(b[:n]); err != nil {
			return err
		}
	}
}
