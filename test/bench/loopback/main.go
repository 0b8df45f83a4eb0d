// SPDX-License-Identifier: Apache-2.0

// Command loopback measures what connections inside a sandbox cost a Go program: a byte there and back over TCP, and a
// request of net/http, both to a goroutine of the same process. It tells on stderr, a line
// "name value ns" for each figure.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"time"
)

func main() {
	for _, f := range []struct {
		name string
		n    int
		make func() (func() error, error)
	}{{"tcp_loopback", 500, tcp}, {"http_sequential", 100, sequential}} {
		took, err := measured(f.n, f.make)
		if err != nil {
			fmt.Fprintln(os.Stderr, f.name, "FAIL", err)
			os.Exit(1)
		}
		fmt.Fprintf(os.Stderr, "%s %.1f ns\n", f.name, took)
	}
}

// measured is the ns that one takes: the median of parts, of which the first ones, in which what is used is made, don't count.
func measured(n int, start func() (func() error, error)) (float64, error) {
	const parts, warm = 7, 2
	one, err := start()
	if err != nil {
		return 0, err
	}
	var took []float64
	for i := range warm + parts {
		begun := time.Now()
		for range n {
			if err := one(); err != nil {
				return 0, err
			}
		}
		if i >= warm {
			took = append(took, float64(time.Since(begun).Nanoseconds())/float64(n))
		}
	}
	slices.Sort(took)
	return took[parts/2], nil
}

// tcp sends a byte that comes back.
func tcp() (func() error, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		c, err := l.Accept()
		b := make([]byte, 1)
		for err == nil {
			if _, err = c.Read(b); err == nil {
				_, err = c.Write(b)
			}
		}
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	b := []byte{1}
	return func() error {
		if _, err := c.Write(b); err != nil {
			return err
		}
		_, err := c.Read(b)
		return err
	}, err
}

// sequential makes a request of a server.
func sequential() (func() error, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	hello := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }
	go func() { _ = http.Serve(l, http.HandlerFunc(hello)) }()
	url := "http://" + l.Addr().String() + "/"
	return func() error {
		r, err := http.Get(url)
		if err != nil {
			return err
		}
		defer r.Body.Close()
		_, err = io.Copy(io.Discard, r.Body)
		return err
	}, nil
}
