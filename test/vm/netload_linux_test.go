// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"loam/test/vm/vmtest"
)

// loadVariable says how much the campaign `./x netload` wants: numbers as in netLoad. Without, there is little of all.
const loadVariable = "LOAM_NETLOAD"

// netLoad is how much is done to a server.
type netLoad struct {
	open     int // connections that are open at once
	requests int // by connections that stay open
	slow     int // readers who take a byte every second of 4 MiB
	resets   int // in the middle of an answer
	rounds   int // of all of that: the second must leave no more than the first
}

func wantedLoad(t *testing.T) netLoad {
	l := netLoad{open: 20, requests: 60, slow: 2, resets: 10, rounds: 2}
	if text := os.Getenv(loadVariable); text != "" {
		if _, err := fmt.Sscan(text, &l.open, &l.requests, &l.slow, &l.resets, &l.rounds); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// loadedServer is a machine whose server is under load.
type loadedServer struct {
	*started
	guestPorts
}

// TestNetworkLoad: a server with net/http has many connections at once, many requests, readers who hardly read and ones who leave
// in the middle. All that should be is answered, others are served meanwhile, and when it is over memory, goroutines and
// descriptors are what they were.
func TestNetworkLoad(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	load := wantedLoad(t)
	m := &loadedServer{}
	m.started = start(t, append(append([]string{"run", "-v"}, m.flags(t)...), vmtest.Program(t, "network"), "serve")...)
	certificates(t, m.started)
	established(t, m.http).Close()
	m.quiet(t, 0, "at the start")
	var before map[string]uint64
	for round := range load.rounds {
		m.manyOpen(t, load.open)
		m.manyRequests(t, load.requests)
		m.slowReaders(t, load.slow)
		m.manyResets(t, load.resets)
		after := m.quiet(t, 4, fmt.Sprintf("after round %d", round+1))
		for name, n := range after {
			// A heap may have grown by what the collector leaves to the next time.
			if most := before[name]*5/4 + 4<<20; before != nil && n > most {
				t.Errorf("%s has %d KiB, before the round %d", name, n>>10, before[name]>>10)
			}
		}
		before = after
	}
	_, _ = (&http.Client{Timeout: 30 * time.Second}).Get(m.url("/quit"))
	if err := m.cmd.Wait(); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"kernel: left 0 ", "kernel: frames_leaked 0 "} {
		if !strings.Contains(m.stderr.String(), want) {
			t.Errorf("not said: %q\n%s", want, m.stderr.String())
		}
	}
}

// manyOpen has connections open at the same time, of which each makes a request, and, when all are there, one more.
func (m *loadedServer) manyOpen(t *testing.T, n int) {
	begin := time.Now()
	all := make([]net.Conn, n)
	for i := range all {
		all[i] = established(t, m.http)
	}
	there := time.Since(begin)
	m.memory(t, fmt.Sprintf("with %d connections", n))
	each(n, 50, func(i int) {
		if err := answered(all[i], time.Minute); err != nil {
			t.Errorf("connection %d of %d: %v", i, n, err)
		}
	})
	for _, c := range all {
		c.Close()
	}
	t.Logf("load: %d connections were there after %.1fs, each had another answer after %.1fs", n, there.Seconds(), time.Since(begin).Seconds())
}

// manyRequests makes requests by connections that stay open.
func (m *loadedServer) manyRequests(t *testing.T, n int) {
	const connections = 50
	begin := time.Now()
	all := make(chan net.Conn, connections)
	for range min(connections, n) {
		all <- established(t, m.http)
	}
	each(n, connections, func(int) {
		c := <-all
		defer func() { all <- c }()
		if err := answered(c, time.Minute); err != nil {
			t.Errorf("a request: %v", err)
		}
	})
	for range min(connections, n) {
		(<-all).Close()
	}
	took := time.Since(begin).Seconds()
	t.Logf("load: %d requests by %d connections in %.1fs, %.0f/s", n, min(connections, n), took, float64(n)/took)
}

// slowReaders has some read a large answer a byte a second, while others are served. In the end some read all of it, the others leave.
func (m *loadedServer) slowReaders(t *testing.T, n int) {
	all := make([]net.Conn, n)
	for i := range all {
		all[i] = m.large(t)
	}
	stop := make(chan struct{})
	var slow sync.WaitGroup
	for _, c := range all {
		slow.Go(func() {
			for b := make([]byte, 1); ; {
				select {
				case <-stop:
					return
				case <-time.After(time.Second):
				}
				if _, err := c.Read(b); err != nil {
					t.Errorf("a slow reader: %v", err)
					return
				}
			}
		})
	}
	begin := time.Now()
	for range n {
		c := established(t, m.http)
		c.Close()
	}
	t.Logf("load: %d others were served in %.1fs beside as many slow readers", n, time.Since(begin).Seconds())
	m.memory(t, fmt.Sprintf("with %d slow readers", n))
	close(stop)
	slow.Wait()
	const whole = 4
	for i, c := range all {
		if i < whole {
			got, err := io.Copy(io.Discard, c)
			if err != nil || got < 4<<20-100 {
				t.Errorf("a slow reader has the rest, %d bytes: %v", got, err)
			}
		}
		c.Close()
	}
}

// manyResets has some reset their connections in the middle of an answer, at different places.
func (m *loadedServer) manyResets(t *testing.T, n int) {
	begin := time.Now()
	for i := range n {
		c := m.large(t)
		_, err := io.CopyN(io.Discard, c, int64(i*997%100_000))
		if err == nil {
			err = c.SetLinger(0)
		}
		if err != nil {
			t.Errorf("before a reset: %v", err)
		}
		c.Close()
	}
	t.Logf("load: %d resets in %.1fs", n, time.Since(begin).Seconds())
}

// large asks for a large answer, of which it has read the first byte. It ends by the server's doing.
func (m *loadedServer) large(t *testing.T) *net.TCPConn {
	t.Helper()
	var last error
	for until := time.Now().Add(2 * time.Minute); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(m.http)))
		if err != nil {
			last = err
			continue
		}
		_ = c.SetDeadline(time.Now().Add(time.Hour))
		_ = c.(*net.TCPConn).SetReadBuffer(128 << 10) // the host's kernel is not to take all of it
		_, err = io.WriteString(c, "GET /large HTTP/1.1\r\nHost: guest\r\nConnection: close\r\n\r\n")
		if err == nil {
			_, err = c.Read(make([]byte, 1))
		}
		if err == nil {
			return c.(*net.TCPConn)
		}
		last = err
		c.Close()
	}
	t.Fatal(last)
	return nil
}

// each does n things, some at the same time.
func each(n, together int, do func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(n, together) {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	all.Wait()
}

// quiet waits until the server has few more goroutines and descriptors than without connections, and gives what memory there is then.
func (m *loadedServer) quiet(t *testing.T, more int, when string) map[string]uint64 {
	t.Helper()
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	var goroutines, descriptors int
	for until := time.Now().Add(3 * time.Minute); ; time.Sleep(500 * time.Millisecond) {
		text, err := get(client, m.url("/left"))
		if err == nil {
			var failed string
			_, err = fmt.Sscan(text, &goroutines, &descriptors, &failed)
			if failed != "<nil>" {
				err = errors.Join(err, errors.New(text))
			}
		}
		if err == nil && goroutines <= 12+more && descriptors <= 12+more {
			break
		}
		if time.Now().After(until) {
			t.Errorf("%s there are %d goroutines and %d descriptors, %v", when, goroutines, descriptors, err)
			break
		}
	}
	t.Logf("load: %s %d goroutines, %d descriptors", when, goroutines, descriptors)
	time.Sleep(time.Second) // closed sockets are looked after twice a second
	return m.memory(t, when)
}

// memory gives how much each program of the machine has, by loam ps.
func (m *loadedServer) memory(t *testing.T, when string) map[string]uint64 {
	t.Helper()
	b, err := exec.Command(vmtest.Loam(t), "ps", "--json").Output()
	var machines []struct {
		PID      int
		Programs []struct {
			Name   string
			Memory uint64 `json:"memory_bytes"`
		}
	}
	if err = cmp.Or(err, json.Unmarshal(b, &machines)); err != nil {
		t.Fatal(err)
	}
	for _, machine := range machines {
		if machine.PID != m.cmd.Process.Pid {
			continue
		}
		all, text := map[string]uint64{}, ""
		for _, p := range machine.Programs {
			all[p.Name] = p.Memory
			text += fmt.Sprintf(" %s %d KiB", p.Name, p.Memory>>10)
		}
		t.Logf("load: %s:%s, QEMU has %d descriptors", when, text, m.descriptors())
		return all
	}
	t.Fatalf("loam ps doesn't know %d: %s", m.cmd.Process.Pid, b)
	return nil
}

// descriptors gives how many QEMU has: one for each connection.
func (m *loadedServer) descriptors() int {
	all, _ := os.ReadDir(filepath.Join("/proc", strconv.Itoa(m.qemu[0]), "fd"))
	return len(all)
}
