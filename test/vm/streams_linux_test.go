// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"loam/test/vm/vmtest"
)

// streamServices gives a folder with the program that uses the console streams, and that can be their driver.
func streamServices(t *testing.T) (dir, program string) {
	t.Helper()
	program = vmtest.Program(t, "streams")
	dir = services(t, "program\n  uses streams\n")
	b, err := os.ReadFile(program)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "streams"), b, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, program
}

// streamArgs are loam's arguments for it.
func streamArgs(dir string, more ...string) []string {
	return append([]string{"run", "--bare", "-m", "256M", "--services", dir}, more...)
}

// paced reads bytes no faster than 16 MiB in a second, so that the driver has the time to die.
type paced struct{ from *bytes.Reader }

func (p paced) Read(b []byte) (int, error) {
	time.Sleep(time.Millisecond)
	return p.from.Read(b[:min(len(b), 16<<10)])
}

// TestStreams has the driver of the console streams killed under load: what goes in comes out, each
// stream by itself, byte for byte, and the exit status is the program's. LOAM_STREAMS_KILLS is how
// often it is killed, 5 times without it.
func TestStreams(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	streamsKilled(t, int(number(t, "LOAM_STREAMS_KILLS", 5)), nil)
}

// streamsKilled does that with an environment and flags of loam's.
func streamsKilled(t *testing.T, kills int, env []string, flags ...string) {
	t.Helper()
	dir, program := streamServices(t)
	in := make([]byte, max(4<<20, kills*(512<<10)))
	_, _ = rand.NewChaCha8([32]byte{2}).Read(in)
	flags = append(flags, "--streams-driver", fmt.Sprintf("streams driver %d 200 20000", kills), program, "echo", "5")
	c := vmtest.Command{Env: env, Stdin: paced{bytes.NewReader(in)}, Limit: vmtest.Limit + time.Duration(kills)*time.Second,
		Args: streamArgs(dir, flags...)}
	r := c.Do(t)
	said := fmt.Appendf(nil, "streams: killed %d times\n", kills)
	if !bytes.Contains(r.Stderr, said) {
		t.Errorf("the driver was not killed %d times: more bytes are needed", kills)
	}
	back := bytes.Replace(r.Stderr, said, nil, 1)
	for i := range back {
		back[i] = ^back[i]
	}
	if r.Code != 5 || !bytes.Equal(r.Stdout, in) || !bytes.Equal(back, in) {
		t.Errorf("exit status %d; of %d bytes stdout has %d and stderr %d: the same %v and %v", r.Code, len(in), len(r.Stdout), len(back),
			bytes.Equal(r.Stdout, in), bytes.Equal(back, in))
	}
	t.Logf("killed %d times, %d bytes in %v", kills, len(in), r.Took.Round(time.Millisecond))
}

// TestStreamVolume has LOAM_STREAMS_MIB MiB of random bytes copied from stdin to stdout by a program in
// the machine, and compares. Without that it is left out.
func TestStreamVolume(t *testing.T) {
	loam := vmtest.Loam(t)
	mib := int(number(t, "LOAM_STREAMS_MIB", 0))
	if mib == 0 {
		t.Skip("LOAM_STREAMS_MIB says how much")
	}
	dir, program := streamServices(t)
	cmd := exec.Command(loam, streamArgs(dir, "--arch", vmtest.Arch(), program, "copy")...)
	random := func() io.Reader { return io.LimitReader(rand.NewChaCha8([32]byte{3}), int64(mib)<<20) }
	cmd.Stdin, cmd.Stderr = random(), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	want, total := random(), 0
	got, expected := make([]byte, 256<<10), make([]byte, 256<<10)
	var began time.Time
	for err == nil {
		var n int
		n, err = out.Read(got)
		if total == 0 {
			began = time.Now()
		}
		if _, err := io.ReadFull(want, expected[:n]); err != nil || !bytes.Equal(got[:n], expected[:n]) {
			t.Fatalf("not what was sent, between bytes %d and %d (%v)", total, total+n, err)
		}
		total += n
	}
	took := time.Since(began)
	if err := cmd.Wait(); err != nil || total != mib<<20 {
		t.Fatalf("%v after %d bytes", err, total)
	}
	t.Logf("%d MiB in %v: %.1f MiB/s", mib, took.Round(time.Millisecond), float64(mib)/took.Seconds())
}

// TestStreamReaderGone: when nobody reads what the program writes any more, loam ends as a writer to
// a pipe does; who reads slowly is waited for.
func TestStreamReaderGone(t *testing.T) {
	t.Parallel()
	loam := vmtest.Loam(t)
	dir, program := streamServices(t)
	defer vmtest.Slot()()
	arch := []string{"--arch", vmtest.Arch()}
	args := streamArgs(dir, append(arch, program, "write", "100000")...)
	cmd := exec.Command(loam, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 64<<10)
	_, err = io.ReadFull(out, got)
	for i, b := range got {
		if b != byte(i) {
			t.Fatalf("byte %d is %d", i, b)
		}
	}
	time.Sleep(300 * time.Millisecond) // all that is in between is full by then
	if err := cmd.Process.Signal(syscall.Signal(0)); err != nil {
		t.Fatal("it has not waited: ", err)
	}
	if err != nil || out.Close() != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 128+int(syscall.SIGPIPE) {
		t.Errorf("it ended with %v", err)
	}
}

// pty is the master's side of a terminal.
type pty struct {
	*os.File
	mu   sync.Mutex
	cond sync.Cond
	all  []byte // guarded by mu: what has come out
	over bool   // guarded by mu
	seen int    // guarded by mu: of all, up to the end of what was waited for last
}

// newPTY makes a terminal, and gives its other side.
func newPTY(t *testing.T, rows, columns uint16) (p *pty, tty *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	p = &pty{File: master}
	p.cond.L = &p.mu
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.resize(t, rows, columns)
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := master.Read(b)
			p.mu.Lock()
			p.all, p.over = append(p.all, b[:n]...), err != nil
			p.cond.Broadcast()
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return p, tty
}

func (p *pty) resize(t *testing.T, rows, columns uint16) {
	t.Helper()
	if err := unix.IoctlSetWinsize(int(p.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: columns}); err != nil {
		t.Fatal(err)
	}
}

// typed types keys, and waits until text comes out behind what was waited for before; what is between is
// given, with it.
func (p *pty) typed(t *testing.T, keys, text string) string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.WriteString(keys); err != nil {
		t.Fatal(err)
	}
	limit := time.AfterFunc(vmtest.Limit, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.over = true
		p.cond.Broadcast()
	})
	defer limit.Stop()
	begin := p.seen
	for !bytes.Contains(p.all[begin:], []byte(text)) {
		if p.over {
			t.Fatalf("%q typed, %q did not come, but %q", keys, text, p.all)
		}
		p.cond.Wait()
	}
	p.seen = begin + bytes.Index(p.all[begin:], []byte(text)) + len(text)
	return string(p.all[begin:p.seen])
}

// TestTerminal: the host's terminal is the machine's: its size, its attributes, the keys for
// signals. Suspended, and at the end, it is as it was.
func TestTerminal(t *testing.T) {
	vmtest.Loam(t)
	t.Run("streams", func(t *testing.T) {
		t.Parallel()
		dir, program := streamServices(t)
		useTerminal(t, streamArgs(dir, "--arch", vmtest.Arch(), program, "terminal"), "suspend", "resume")
	})
	t.Run("program", func(t *testing.T) {
		t.Parallel()
		useTerminal(t, []string{"run", "--arch", vmtest.Arch(), vmtest.Program(t, "terminal")}, "suspend", "resume")
	})
}

// atTerminal runs a shell at a terminal, which controls jobs, with a script whose arguments are loam and its.
func atTerminal(t *testing.T, script string, args []string) *pty {
	t.Helper()
	p, tty := newPTY(t, 24, 80)
	cmd := exec.Command("/bin/sh", slices.Concat([]string{"-c", "set -m; " + script, "sh", vmtest.Loam(t)}, args)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err := cmd.Start()
	_ = tty.Close()
	if err != nil {
		_ = p.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGHUP)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = p.Close()
	})
	return p
}

// TestTerminalEnds: a program can be ended from the keyboard, whatever it does with the keys, and the terminal is
// as it was.
func TestTerminalEnds(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	const script = `trap : INT; "$@"; echo "code $?"; stty -a; echo "over"` // which a late Ctrl-C may meet
	tool, terminal := vmtest.Program(t, "tool"), vmtest.Program(t, "terminal")
	type step struct{ keys, text string }
	for name, c := range map[string]struct {
		args  []string
		steps []step
		code  string
	}{
		"idle":    {[]string{tool, "ready", "idle"}, []step{{"", "ready"}, {"\x03", ""}}, "130"},
		"busy":    {[]string{tool, "ready", "busy"}, []step{{"", "ready"}, {"\x03", ""}}, "130"},
		"handled": {[]string{terminal}, []step{{"", "terminals true true true, size 24x80"}, {"\x03", "interrupt"}, {"q\n", ""}}, "7"},
		"raw": {[]string{terminal}, []step{{"", "terminals true true true"}, {"r\n", `got "r", local 0x0, <nil>`},
			{"\x1d\x1d", `got "\x1d", local 0x0, <nil>`}, {"a", `got "a"`}, {"\x1d\x1d\x1d", "loam: ended by Ctrl-]"}}, "130"},
		"none":       {[]string{"-t=false", terminal}, []step{{"", "terminals false false false"}, {"\x03", "interrupt"}, {"q\n", ""}}, "7"},
		"bare":       {[]string{"--bare", terminal}, []step{{"", "terminals false false false"}, {"\x03", ""}}, "130"},
		"quit":       {[]string{tool, "ready", "idle"}, []step{{"", "ready"}, {"\x1c", "loam: ended by signal 3"}}, "131"},
		"in a hurry": {[]string{terminal}, []step{{"", "terminals true true true"}, {"\x03", "interrupt"}, {"again", ""}}, "130"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer vmtest.Slot()()
			p := atTerminal(t, script, slices.Concat([]string{"run", "--arch", vmtest.Arch()}, c.args))
			for _, s := range c.steps {
				if s.keys == "again" { // the second within a second ends loam, and a host may be slower
					again := time.NewTicker(300 * time.Millisecond)
					defer again.Stop()
					over := make(chan struct{})
					defer close(over)
					go func() {
						for {
							select {
							case <-again.C:
								_, _ = p.WriteString("\x03")
							case <-over:
								return
							}
						}
					}()
					break
				}
				p.typed(t, s.keys, s.text)
			}
			if s := p.typed(t, "", "over"); !strings.Contains(s, "code "+c.code+"\r\n") || strings.Contains(s, "-echo ") || strings.Contains(s, "-icanon") {
				t.Errorf("ended, but %q", s)
			}
		})
	}
}

// useTerminal runs loam at a terminal, with a program that says what happens. It says stopped before the
// machine stops, and resumed at some time after it goes on.
func useTerminal(t *testing.T, args []string, stopped, resumed string) {
	defer vmtest.Slot()()
	// When loam is stopped the shell goes on.
	p := atTerminal(t, `"$@"; echo "back $?"; stty -a; read line; fg >/dev/null; echo "code $?"; stty -a; echo "over"`, args)
	p.typed(t, "", "terminals true true true, size 24x80")
	p.typed(t, "x\n", `got "x", local 0xb, <nil>`)
	p.typed(t, "r\n", `got "r", local 0x0, <nil>`)
	if s := p.typed(t, "yz", `got "z", local 0x0, <nil>`); strings.Contains(s, "yz") {
		t.Errorf("raw, but echoed: %q", s)
	}
	p.typed(t, "\x03", `got "\x03", local 0x0, <nil>`)
	p.resize(t, 30, 100)
	p.typed(t, "", "size 30x100")
	p.typed(t, "c", `got "c", local 0xb, <nil>`)
	p.typed(t, "\x03", "interrupt")
	p.typed(t, "e\n", `got "e", local 0x3, <nil>`)
	if s := p.typed(t, "\x1a", "-extproc"); !strings.Contains(s, stopped) || !strings.Contains(s, "back 147") || strings.Contains(s, "-echo ") {
		t.Errorf("suspended, but %q", s)
	}
	p.typed(t, "go\n", resumed)
	p.typed(t, "h\n", `got "h", local 0x3, <nil>`)
	if s := p.typed(t, "q\n", "over"); !strings.Contains(s, "code 7") || strings.Contains(s, "-echo ") {
		t.Errorf("ended, but %q", s)
	}
}
