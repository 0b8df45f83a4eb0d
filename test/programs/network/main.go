// SPDX-License-Identifier: Apache-2.0

// Command network has a part of the tests of the network, with Go's own net and net/http as any program has them.
//
//	network serve       HTTP at port 80, HTTPS and HTTP/2 at 443, echoes at 7; until GET /quit
//	network fetch URL   gets URLs and prints what comes, or the error
//	network ask HOST    sends a datagram to HOST's and prints the answer
//	network addresses   prints interfaces, addresses and servers of names
//	network roots       tells whether there are certificates of authorities
package main

import (
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		fail("serve, fetch, ask, addresses or roots?")
	}
	switch os.Args[1] {
	case "serve":
		serve()
	case "fetch":
		for _, url := range os.Args[2:] {
			fetch(url)
		}
	case "ask":
		ask(os.Args[2])
	case "addresses":
		addresses()
	case "roots":
		roots()
	default:
		fail(os.Args[1] + ": serve, fetch, ask, addresses or roots?")
	}
}

// roots tells of the certificates that servers' are checked by: one that they don't know isn't believed.
func roots() {
	pool, err := x509.SystemCertPool()
	check(err)
	fmt.Println("there are some:", !pool.Equal(x509.NewCertPool()))
}

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func fail(text string) {
	fmt.Fprintln(os.Stderr, "network:", text)
	os.Exit(1)
}

func fetch(url string) {
	r, err := http.Get(url)
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	check(err)
	fmt.Printf("%s %d %s\n", r.Proto, r.StatusCode, b)
}

func ask(host string) {
	c, err := net.Dial("udp", host)
	check(err)
	check(c.SetDeadline(time.Now().Add(10 * time.Second)))
	_, err = c.Write([]byte("question"))
	check(err)
	b := make([]byte, 100)
	n, err := c.Read(b)
	check(err)
	fmt.Printf("%s\n", b[:n])
}

func addresses() {
	all, err := net.Interfaces()
	check(err)
	for _, i := range all {
		list, err := i.Addrs()
		check(err)
		fmt.Println(i.Name, i.MTU, i.Flags, list)
	}
	b, err := os.ReadFile("/etc/resolv.conf")
	check(err)
	fmt.Printf("%s", b)
}
