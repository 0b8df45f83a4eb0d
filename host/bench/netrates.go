// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"loam/host/vm"
)

// networkSize is what test/bench/rates receives, in bytes.
const networkSize = 64 << 20

// network compares TCP through a virtio network device and QEMU's user-mode network, and how long it takes from the
// machine's start until its HTTP server has answered the host.
func (w *wall) network(ctx context.Context) error {
	if w.Linux == "" || w.Arch != vm.AMD64 {
		return errNoLinux
	}
	initrd, err := w.linuxInitrd([]string{"virtio", "virtio_ring", "virtio_mmio", "failover", "net_failover", "virtio_net"})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	go serveRates(l)
	host := fmt.Sprintf("10.0.2.2:%d", l.Addr().(*net.TCPAddr).Port)
	err = w.compareRates(ctx, "network",
		func(ctx context.Context) (rates, error) { return w.loamRates(ctx, nil, "network", host) },
		func(ctx context.Context) (rates, error) {
			return w.linuxRates(ctx, initrd, "rates=network,"+host, "-netdev", "user,id=n", "-device", "virtio-net-device,netdev=n")
		})
	if err != nil {
		return err
	}
	return w.firstAnswers(ctx, initrd)
}

// firstAnswers compares the time to the first answer.
func (w *wall) firstAnswers(ctx context.Context, initrd string) error {
	free, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	at := free.Addr().String()
	_ = free.Close()
	ways := []*way{{name: "loam", run: func(ctx context.Context) (time.Duration, error) {
		cmd := exec.CommandContext(ctx, w.Loam, "run", "--arch", w.Arch, "--accel", "tcg", "-p", at+":80", filepath.Join(w.Root, program(w.Arch, progRates)), "answer")
		cmd.Env = append(os.Environ(), "LOAM_CACHE="+w.cache("ready"))
		return untilAnswer(cmd, at)
	}}, {name: "linux", run: func(ctx context.Context) (time.Duration, error) {
		command, err := w.linuxMachine(initrd, "rates=answer", "-netdev", "user,id=n,hostfwd=tcp:"+at+"-:80", "-device", "virtio-net-device,netdev=n")
		if err != nil {
			return 0, err
		}
		return untilAnswer(exec.CommandContext(ctx, command[0], command[1:]...), at)
	}}}
	if err := w.turns(ctx, "the first answer by HTTP", ways); err != nil {
		return err
	}
	fmt.Fprintf(w.Out, "the first answer by HTTP: loam takes %.3f of linux's time (medians of %d: %v, %v)\n", ratio(ways[0], ways[1]),
		w.Rounds, ways[0].median().Round(time.Millisecond), ways[1].median().Round(time.Millisecond))
	return nil
}

// untilAnswer starts a machine, and asks until it is answered. QEMU takes connections before there is a machine behind them, and
// tries seconds later again to pass them on: so each question is a new one.
func untilAnswer(cmd *exec.Cmd, at string) (time.Duration, error) {
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		ended := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		ended.Stop()
	}()
	answered, over := make(chan time.Duration, 1), make(chan struct{})
	defer close(over)
	const every, most = 20 * time.Millisecond, 60 * time.Second
	for time.Since(begun) < most {
		go func() {
			if askOnce(at, over) == nil {
				select {
				case answered <- time.Since(begun):
				default:
				}
			}
		}()
		select {
		case d := <-answered:
			return d, nil
		case <-time.After(every):
		}
	}
	return 0, fmt.Errorf("%s: no answer in %v\n%.500s", cmd.Path, most, said.String())
}

// askOnce asks by a connection of its own.
func askOnce(at string, over chan struct{}) error {
	c, err := net.DialTimeout("tcp4", at, time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-over:
		case <-done:
		}
		_ = c.Close()
	}()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(c, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		return err
	}
	b, err := io.ReadAll(c)
	if err == nil && !strings.HasSuffix(string(b), "hello") {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// serveRates is the server of `rates network`: a connection's first byte says what it is for.
func serveRates(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			b := make([]byte, 256<<10)
			if _, err := io.ReadFull(c, b[:1]); err != nil {
				return
			}
			switch b[0] {
			case 's':
				if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, io.LimitReader(c, networkSize), b); err == nil {
					_, _ = c.Write(b[:1])
				}
			case 'r':
				for range networkSize / len(b) {
					if _, err := c.Write(b); err != nil {
						return
					}
				}
				_, _ = c.Read(b[:1]) // until the other end has it all
			case 'e':
				_, _ = io.CopyBuffer(struct{ io.Writer }{c}, struct{ io.Reader }{c}, b)
			}
		}()
	}
}
