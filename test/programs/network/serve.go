// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"
)

// serve serves, and prints its certificate.
func serve() {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprintf(w, "hello by %s", r.Proto) })
	mux.HandleFunc("/quit", func(http.ResponseWriter, *http.Request) { os.Exit(0) })
	mux.HandleFunc("POST /length", func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprint(w, n, err)
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 4<<20))
	})
	mux.HandleFunc("/left", left)
	certificate, text := newCertificate()
	secure := &http.Server{Handler: mux, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}}}
	go func() { check(secure.ServeTLS(listen(":443"), "", "")) }()
	go echoStreams(listen(":7"))
	datagrams, err := net.ListenPacket("udp", ":7")
	check(err)
	go echoDatagrams(datagrams)
	l := listen(":80")
	fmt.Printf("ready\n%send\n", text)
	check(http.Serve(l, mux))
}

// left tells how many goroutines and descriptors there are.
func left(w http.ResponseWriter, _ *http.Request) {
	open, err := os.ReadDir("/proc/self/fd")
	_, _ = fmt.Fprintln(w, runtime.NumGoroutine(), len(open), err)
}

func listen(at string) net.Listener {
	l, err := net.Listen("tcp", at)
	check(err)
	return l
}

// echoStreams sends back what comes, when its end has come.
func echoStreams(l net.Listener) {
	for {
		c, err := l.Accept()
		check(err)
		go func() {
			defer c.Close()
			b, err := io.ReadAll(c)
			if err == nil {
				_, _ = c.Write(b)
			}
		}()
	}
}

func echoDatagrams(p net.PacketConn) {
	b := make([]byte, 1<<16)
	for {
		n, from, err := p.ReadFrom(b)
		check(err)
		_, err = p.WriteTo(b[:n], from)
		check(err)
	}
}

// newCertificate makes one for localhost that nobody else has signed.
func newCertificate() (tls.Certificate, []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	about := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	check(err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
