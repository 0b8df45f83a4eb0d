// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// wait uses what can be waited for.
func wait() error {
	if err := roundTrips(1000); err != nil {
		return err
	}
	if err := fullPipe(); err != nil {
		return err
	}
	if err := deadlines(); err != nil {
		return err
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	sum := 0
	for i := range 50 {
		all.Go(func() {
			time.Sleep(time.Duration(i%5) * time.Millisecond)
			r, w, err := os.Pipe()
			if err != nil {
				return
			}
			go func() {
				fmt.Fprintf(w, "%d", i)
				w.Close()
			}()
			b, _ := io.ReadAll(r)
			r.Close()
			var n int
			_, _ = fmt.Sscan(string(b), &n)
			mu.Lock()
			sum += n
			mu.Unlock()
		})
	}
	all.Wait()
	fmt.Println("sum", sum)
	return nil
}

// roundTrips sends a byte there and back.
func roundTrips(n int) error {
	ar, aw, err := os.Pipe()
	if err != nil {
		return err
	}
	br, bw, err := os.Pipe()
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(bw, ar)
		bw.Close()
	}()
	b := []byte{0}
	for i := range n {
		b[0] = byte(i)
		if _, err := aw.Write(b); err != nil {
			return err
		}
		if _, err := io.ReadFull(br, b); err != nil || b[0] != byte(i) {
			return fmt.Errorf("trip %d: %d, %w", i, b[0], err)
		}
	}
	aw.Close()
	_, err = br.Read(b)
	fmt.Println("round trips", n, "then", err)
	return nil
}

// fullPipe has a writer wait for a slow reader.
func fullPipe() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	const size = 1 << 20
	go func() {
		_, _ = w.Write(make([]byte, size))
		w.Close()
	}()
	time.Sleep(5 * time.Millisecond)
	n, err := io.Copy(io.Discard, r)
	fmt.Println("through a full pipe", n, err)
	r.Close()
	r, w, err = os.Pipe()
	if err != nil {
		return err
	}
	r.Close()
	_, err = w.Write([]byte("x"))
	show("nobody reads", "", err)
	return w.Close()
}

// deadlines has a read end by a timer, and by a close.
func deadlines() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	begin := time.Now() // before the deadline is reckoned from
	if err := r.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		return err
	}
	_, err = r.Read(make([]byte, 1))
	fmt.Println("deadline", errors.Is(err, os.ErrDeadlineExceeded), time.Since(begin) >= 20*time.Millisecond)
	if err := r.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	go func() {
		time.Sleep(5 * time.Millisecond)
		r.Close()
	}()
	_, err = r.Read(make([]byte, 1))
	fmt.Println("closed", errors.Is(err, os.ErrClosed))
	return w.Close()
}
