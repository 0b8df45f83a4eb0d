// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"loam/test/vm/vmtest"
)

// guestPorts are those of `network serve`, with the port of the host that leads to each.
type guestPorts struct{ http, https, stream, datagram int }

// flags gives ports of the host that are free to a machine.
func (g *guestPorts) flags(t *testing.T) (flags []string) {
	t.Helper()
	for _, p := range []struct {
		host     *int
		guest    int
		datagram bool
	}{{&g.http, 80, false}, {&g.https, 443, false}, {&g.stream, 7, false}, {&g.datagram, 7, true}} {
		protocol := ""
		if p.datagram {
			c, err := net.ListenPacket("udp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			*p.host, protocol = c.LocalAddr().(*net.UDPAddr).Port, "/udp"
			defer c.Close()
		} else {
			l, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			*p.host = l.Addr().(*net.TCPAddr).Port
			defer l.Close()
		}
		flags = append(flags, "-p", fmt.Sprintf("127.0.0.1:%d:%d%s", *p.host, p.guest, protocol))
	}
	return flags
}

// url is one of the guest's.
func (g *guestPorts) url(path string) string {
	return fmt.Sprintf("http://127.0.0.1:%d%s", g.http, path)
}

// get gets it, as often as it takes until the network is there.
func (g *guestPorts) get(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	var last error
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		text, err := get(c, url)
		if err == nil {
			return text
		}
		last = err
	}
	t.Fatal(last)
	return ""
}

func get(c *http.Client, url string) (string, error) {
	r, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	return string(b), err
}

// certificates reads those that the guest prints.
func certificates(t *testing.T, s *started) *x509.CertPool {
	t.Helper()
	var text []byte
	for part := make([]byte, 4096); !bytes.HasSuffix(text, []byte("end\n")); {
		n, err := s.stdout.Read(part)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, part[:n]...)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatalf("%s", text)
	}
	return pool
}

// TestNetworkServer: a program with net/http serves the host, on each kind of machine: HTTP, HTTP/2 over TLS, streams that end in
// one direction, datagrams, many at once, and as much as fits no buffer.
func TestNetworkServer(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, kind := range vmtest.Machines(kinds()...) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var g guestPorts
			pcap := filepath.Join(t.TempDir(), "a.pcap")
			s := start(t, append([]string{"run"}, on(kind, append(g.flags(t), "--pcap", pcap, vmtest.Program(t, "network"), "serve")...)...)...)
			roots := certificates(t, s)
			client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}
			if text := g.get(t, client, g.url("/")); text != "hello by HTTP/1.1" {
				t.Error(text)
			}
			secure := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost"}, ForceAttemptHTTP2: true}}
			if text := g.get(t, secure, fmt.Sprintf("https://127.0.0.1:%d/", g.https)); text != "hello by HTTP/2.0" {
				t.Error(text)
			}
			halfClose(t, g.stream)
			datagram(t, g.datagram)
			if text, err := get(client, g.url("/large")); err != nil || text != string(make([]byte, 4<<20)) {
				t.Errorf("%d bytes, %v", len(text), err)
			}
			manyRequests(t, &g, 20, 10)
			_, _ = client.Get(g.url("/quit"))
			if err := s.cmd.Wait(); err != nil {
				t.Errorf("%v\n%s", err, s.stderr.String())
			}
			wantPackets(t, pcap, "GET / HTTP/1.1")
		})
	}
}

// halfClose sends and ends, and then hears all of it.
func halfClose(t *testing.T, port int) {
	c, err := net.Dial("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	sent := bytes.Repeat([]byte("0123456789abcde\n"), 20_000)
	if _, err := c.Write(sent); err != nil {
		t.Error(err)
	}
	_ = c.(*net.TCPConn).CloseWrite()
	if b, err := io.ReadAll(c); err != nil || !bytes.Equal(b, sent) {
		t.Errorf("%d bytes came back, %v", len(b), err)
	}
}

// datagram sends some and hears them.
func datagram(t *testing.T, port int) {
	c, err := net.Dial("udp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	b := make([]byte, 2000)
	for i := range 5 {
		want := strings.Repeat("x", 1+i*300)
		for try := 0; ; try++ { // some may be lost
			_ = c.SetDeadline(time.Now().Add(3 * time.Second))
			_, err := c.Write([]byte(want))
			n := 0
			if err == nil {
				n, err = c.Read(b)
			}
			if err == nil && string(b[:n]) == want {
				break
			}
			if try == 5 {
				t.Errorf("%d bytes came back, %v", n, err)
				return
			}
		}
	}
}

// manyRequests makes some by many connections at once. They are made one after the other: QEMU lets no more than two wait to be
// accepted.
func manyRequests(t *testing.T, g *guestPorts, connections, requests int) {
	var all sync.WaitGroup
	for range connections {
		client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}
		g.get(t, client, g.url("/"))
		all.Add(1)
		go func() {
			defer all.Done()
			for i := range requests {
				r, err := client.Post(g.url("/length"), "text/plain", strings.NewReader(strings.Repeat("y", 1000*i)))
				if err != nil {
					t.Error(err)
					return
				}
				b, err := io.ReadAll(r.Body)
				_ = r.Body.Close()
				if want := fmt.Sprint(1000*i, nil); err != nil || string(b) != want {
					t.Errorf("%q, %v, want %q", b, err, want)
				}
			}
		}()
	}
	all.Wait()
}

// wantPackets looks into a file of packets for one with a text.
func wantPackets(t *testing.T, file, text string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil || len(b) < 24 || binary.LittleEndian.Uint32(b) != 0xa1b2c3d4 || binary.LittleEndian.Uint32(b[20:]) != 1 {
		t.Fatalf("%s: %d bytes, %v: not packets of Ethernet", file, len(b), err)
	}
	n, found := 0, false
	for b = b[24:]; len(b) >= 16; n++ {
		size := int(binary.LittleEndian.Uint32(b[8:]))
		if size > len(b)-16 {
			break // QEMU was writing it
		}
		found = found || bytes.Contains(b[16:16+size], []byte(text))
		b = b[16+size:]
	}
	if n < 20 || !found {
		t.Errorf("%d packets, %q among them: %v", n, text, found)
	}
}

// TestNetworkClient: a program fetches from servers of the host, by IPv4 and IPv6, sends datagrams there, hears
// that nobody listens, and knows its addresses.
func TestNetworkClient(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "host's "+r.URL.Path) })
	four := httptest.NewServer(answer)
	defer four.Close()
	port := four.Listener.Addr().(*net.TCPAddr).Port
	urls := []string{fmt.Sprintf("http://10.0.2.2:%d/a", port), "http://10.0.2.2:1/"}
	want := "HTTP/1.1 200 host's /a\nerror: Get \"http://10.0.2.2:1/\": dial tcp 10.0.2.2:1: connect: connection refused\n"
	if l, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		six := &httptest.Server{Listener: l, Config: &http.Server{Handler: answer, ReadHeaderTimeout: time.Minute}}
		six.Start()
		defer six.Close()
		urls = append(urls, fmt.Sprintf("http://[fec0::2]:%d/b", l.Addr().(*net.TCPAddr).Port))
		want += "HTTP/1.1 200 host's /b\n"
	}
	program := vmtest.Program(t, "network")
	served(t, nil, append([]string{program, "fetch"}, urls...)...).WantStdout(t, 0, want)
	served(t, nil, program, "roots").WantStdout(t, 0, "there are some: true\n")
	echo, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		b := make([]byte, 100)
		for {
			n, from, err := echo.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = echo.WriteTo(append([]byte("answer to "), b[:n]...), from)
		}
	}()
	served(t, nil, program, "ask", fmt.Sprintf("10.0.2.2:%d", echo.LocalAddr().(*net.UDPAddr).Port)).WantStdout(t, 0, "answer to question\n")
	r := served(t, nil, program, "addresses")
	r.Want(t, 0)
	for _, part := range []string{"lo 65536 up|loopback|running [127.0.0.1/8 ::1/128]\n", "eth0 1500 up|broadcast|multicast|running [10.0.2.15/24", "nameserver 10.0.2.3\n"} {
		if !strings.Contains(string(r.Stdout), part) {
			t.Errorf("no %q:\n%s", part, r.Stdout)
		}
	}
	served(t, nil, "--net", "none", program, "fetch", urls[0]).WantStdout(t, 0,
		"error: Get \""+urls[0]+"\": dial tcp "+strings.TrimSuffix(strings.TrimPrefix(urls[0], "http://"), "/a")+": connect: network is unreachable\n")
}

// TestNetworkKilled: the network's server is killed again and again. A connection that was there ends, which the host hears, and
// the program's listener is there again with the next instance.
func TestNetworkKilled(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	const life, deaths = 7000, 2 // init gives it up after ten lives in a minute
	dir := services(t, "service idle\n  file services\n  provides idle\n  start lazy\n")
	server, err := os.ReadFile(vmtest.Program(t, "netkilled"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "netkilled"), server, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	var g guestPorts
	s := start(t, append(append([]string{"run", "--services", dir, "--network-server", fmt.Sprintf("netkilled %d", life)}, g.flags(t)...), vmtest.Program(t, "network"), "serve")...)
	certificates(t, s)
	for range deaths {
		c := established(t, g.http)
		begin := time.Now()
		_ = c.SetReadDeadline(begin.Add(time.Minute))
		if _, err := c.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("a connection hangs beyond the server's death\n%s", s.stderr.String())
		}
		lived := time.Since(begin)
		c.Close()
		begin = time.Now()
		established(t, g.http).Close()
		t.Logf("a connection has ended after %v, the next was answered %v later", lived, time.Since(begin))
	}
}

// established makes a connection to the guest's HTTP port, by which a request has been answered: both ends have it.
func established(t *testing.T, port int) net.Conn {
	t.Helper()
	var err error
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		var c net.Conn
		if c, err = net.Dial("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err != nil {
			continue
		}
		if err = answered(c, 5*time.Second); err == nil {
			return c
		}
		c.Close()
	}
	t.Fatal(err)
	return nil
}

// answered makes a request by a connection that stays open.
func answered(c net.Conn, limit time.Duration) error {
	if err := c.SetDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: guest\r\n\r\n"); err != nil {
		return err
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r.Body)
	return err
}
