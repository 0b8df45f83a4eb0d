// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

const limit = 2 * time.Minute

// client makes one that believes certificates of roots for a name, if one is given for another than the address's.
func client(roots *x509.CertPool, name string) *http.Client {
	return &http.Client{Timeout: limit, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: name}, ForceAttemptHTTP2: true}}
}

// askHTTP asks for files and for what is behind the proxy, and believes no certificate that it shouldn't.
func askHTTP(roots *x509.CertPool, base string) error {
	c := client(roots, "")
	for _, r := range []struct{ method, path, part string }{
		{"GET", "/files/", ""}, {"GET", "/files/a.txt", ""}, {"GET", "/files/a.txt", "bytes=2-4"}, {"HEAD", "/files/large", ""},
		{"GET", "/files/large", ""}, {"GET", "/files/none", ""}, {"POST", "/proxy/one/two", ""},
	} {
		if err := request(c, r.method, base+r.path, r.part); err != nil {
			return err
		}
	}
	var unknown x509.UnknownAuthorityError
	_, err := client(x509.NewCertPool(), "").Get(base + "/files/")
	fmt.Println("without the authority:", errors.As(err, &unknown))
	var name x509.HostnameError
	_, err = client(roots, "elsewhere.example").Get(base + "/files/")
	fmt.Println("of another name:", errors.As(err, &name))
	return nil
}

func request(c *http.Client, method, url, part string) error {
	q, err := http.NewRequest(method, url, nil)
	if err != nil {
		return err
	}
	if part != "" {
		q.Header.Set("Range", part)
	}
	r, err := c.Do(q)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	fmt.Printf("%s %s: %s %s, %d of %d bytes %.60q %x\n", method, q.URL.Path, r.Proto, r.Status, len(b), r.ContentLength, b, sha256.Sum256(b))
	return err
}

// echo sends messages of a websocket back, of the kind that they came in.
func echo(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionContextTakeover})
	if err != nil {
		return // which Accept has answered
	}
	c.SetReadLimit(4 << 20)
	for {
		kind, b, err := c.Read(r.Context())
		if err == nil && string(b) == "please end" {
			err = c.Close(websocket.StatusGoingAway, "as you like")
			if err == nil {
				return
			}
		}
		if err == nil {
			err = c.Write(r.Context(), kind, b)
		}
		if err != nil {
			_ = c.CloseNow()
			return
		}
	}
}

// askSocket sends texts and bytes of many sizes, and has either side end it.
func askSocket(roots *x509.CertPool, url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	// A websocket is made from HTTP/1.1.
	own := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	for _, mode := range []websocket.CompressionMode{websocket.CompressionDisabled, websocket.CompressionContextTakeover} {
		c, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: own, CompressionMode: mode})
		if err != nil {
			return err
		}
		c.SetReadLimit(4 << 20)
		if err := echoes(ctx, c); err != nil {
			return err
		}
		if mode == websocket.CompressionDisabled {
			fmt.Println("ended by this side:", c.Close(websocket.StatusNormalClosure, "done"))
			continue
		}
		if err := c.Write(ctx, websocket.MessageText, []byte("please end")); err != nil {
			return err
		}
		_, _, err = c.Read(ctx)
		fmt.Println("ended by the other side:", websocket.CloseStatus(err))
	}
	return nil
}

func echoes(ctx context.Context, c *websocket.Conn) error {
	for i, size := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20} {
		kind, sent := websocket.MessageType(i%2+1), bytes.Repeat([]byte{'a' + byte(i)}, size)
		if err := c.Write(ctx, kind, sent); err != nil {
			return err
		}
		got, b, err := c.Read(ctx)
		if err != nil {
			return err
		}
		fmt.Println("echo of", len(b), got, got == kind && bytes.Equal(b, sent))
	}
	return nil
}
