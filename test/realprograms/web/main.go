// SPDX-License-Identifier: Apache-2.0

// Command web is a service as people write them, and a client that uses all of it: files and a reverse proxy by HTTP/2, a websocket,
// and gRPC, all over TLS with certificates that are checked.
//
//	web serve DIR               serves at 8443 and 50051, with DIR/cert.pem, DIR/key.pem and the files of DIR/files, until GET /quit
//	web ask DIR HTTPS GRPC      asks the service at these addresses, believing DIR/ca.pem, and prints what comes of it
package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
)

func main() {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "serve":
		check(serve(os.Args[2]))
	case len(os.Args) == 5 && os.Args[1] == "ask":
		check(ask(os.Args[2], os.Args[3], os.Args[4]))
	default:
		check(errors.New("serve DIR, or ask DIR HTTPS GRPC?"))
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "web:", err)
		os.Exit(1)
	}
}

func serve(dir string) error {
	certificate, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		return err
	}
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "behind: %s %s for %s", r.Method, r.URL.Path, r.Header.Get("X-Forwarded-Host"))
	}))
	target, err := url.Parse(behind.URL)
	if err != nil {
		return err
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetXForwarded()
		r.Out.Header.Set("X-Forwarded-Host", "whoever asked")
		r.SetURL(target)
	}}
	mux := http.NewServeMux()
	mux.Handle("/files/", http.StripPrefix("/files/", http.FileServer(http.Dir(filepath.Join(dir, "files")))))
	mux.Handle("/proxy/", proxy)
	mux.HandleFunc("/echo", echo)
	mux.HandleFunc("/quit", func(http.ResponseWriter, *http.Request) { os.Exit(0) })
	failed := make(chan error, 2)
	go func() { failed <- serveRPC(&certificate) }()
	server := &http.Server{Addr: ":8443", Handler: mux, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}}}
	go func() { failed <- server.ListenAndServeTLS("", "") }()
	fmt.Println("ready")
	return <-failed
}

// ask uses the whole service. Times are limits, of which none is printed.
func ask(dir, secure, rpc string) error {
	text, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return errors.New("ca.pem has no certificate")
	}
	if err := askHTTP(roots, "https://"+secure); err != nil {
		return err
	}
	if err := askSocket(roots, "wss://"+secure+"/echo"); err != nil {
		return err
	}
	return askRPC(roots, rpc)
}
