// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	hostvm "loam/host/vm"
	"loam/test/vm/vmtest"
)

// lines are those that a console has shown so far.
func (c *console) lines() []string {
	text := strings.TrimSuffix(strings.ReplaceAll(c.log.String(), "\r\n", "\n"), "\n")
	return strings.Split(text, "\n")
}

// showsEnd reports whether a screen shows the end of some lines, from its top on or below
// each other up to its last but one row, where the cursor isn't.
func showsEnd(rows, lines []string) bool {
	const most = 24
	return slices.Equal(rows[:min(len(lines), most)], lines[max(len(lines)-most, 0):])
}

// TestBootKeyboard types at the PS/2 keyboard: the answers come to the serial console and
// to the screen, which can be scrolled back.
func TestBootKeyboard(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	onlyAMD64(t, "keyboard")
	m, env := newMonitor(t, false)
	c := bootTo(t, ready, env, on(string(hostvm.Q35), "-m", "64M")...)
	follows := func(rows []string) bool { return showsEnd(rows, c.lines()) }
	m.waitScreen("the boot log", follows)
	first := m.screen()[0]
	m.press("h")
	c.expect("Loam, built by")
	m.press("shift", "slash")
	c.expect("Loam, built by")
	m.press("caps_lock")
	m.press("h") // H means nothing
	m.press("t")
	m.press("shift", "t") // with Caps Lock it is t
	c.expect("up ")
	m.press("caps_lock")
	for range 4 {
		m.press("p")
		c.expect("  monitor ")
	}
	rows := m.waitScreen("the last lines", follows)
	if slices.Contains(rows, first) {
		t.Errorf("%q is still there", first)
	}
	begins := func(rows []string) bool { return rows[0] == first }
	m.press("shift", "pgup")
	m.waitScreen("the beginning", begins)
	m.press("shift", "pgdn")
	m.waitScreen("the end again", func(now []string) bool { return slices.Equal(now, rows) })
	m.press("shift", "pgup")
	m.waitScreen("the beginning again", begins)
	c.press("h") // what is new is shown
	c.expect("Loam, built by")
	m.waitScreen("what is new", follows)
	m.press("ctrl", "d")
	c.expect("power off")
	if err := c.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// driverManifest is a console whose driver is killed again and again.
const driverManifest = `
service console
  file services
  args console 1500 %s log
  provides console
%s  machine read
  restart always after 10ms to 10ms without limit
service say
  file services
  args say "said to the log"
  restart never
`

// driverDevices are those of the machines that a driver is for, with its arguments.
var driverDevices = map[string][2]string{
	"microvm": {"uart=0x3f8", "  interrupt 4\n  ports 0x3f8 8\n"},
	"q35": {"uart=0x3f8 vga ps2", "  interrupt 4\n  ports 0x3f8 8\n  memory 0xb8000 4K\n  ports 0x3d4 2\n" +
		"  interrupt 1\n  ports 0x60 5\n"},
	"virt": {"uart", "  interrupt 10 level\n  memory 0x10000000 4K\n"},
}

// driverServices is a folder with driverManifest for a kind of machine.
func driverServices(t *testing.T, kind string) string {
	t.Helper()
	if vmtest.Arch() == hostvm.RISCV64 {
		kind = "virt"
	}
	d := driverDevices[kind]
	return services(t, fmt.Sprintf(driverManifest, d[0], d[1]))
}

// TestConsoleKilled: a driver that is killed comes back, shows what has been logged
// meanwhile, and takes keys.
func TestConsoleKilled(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, kind := range vmtest.Machines(kinds()...) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			m, env := newMonitor(t, false)
			c := bootTo(t, ready, env, on(kind, "-m", "64M", "-v", "--services", driverServices(t, kind))...)
			for range 3 {
				// init says so in the log while there is no driver.
				c.expect("init: service console: killed by signal 9")
				c.answered(func() { c.press("h") }, "Loam, built by")
				if kind == string(hostvm.Q35) {
					c.answered(func() { m.press("t") }, "up ")
				}
			}
			if n := strings.Count(c.log.String(), "said to the log"); n != 1 {
				t.Errorf("%d times what a service said\n%s", n, c.log.String())
			}
			if n := strings.Count(c.log.String(), "processor "); n != 1 {
				t.Errorf("%d boot logs\n%s", n, c.log.String())
			}
			c.answered(func() { _, _ = io.WriteString(c.keys, "q") }, "power off") // nobody may be left to take a second one
			if err := c.cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// answered presses a key until its answer is shown: one is lost with the driver that has taken it, or when there is none.
func (c *console) answered(press func(), answer string) {
	c.t.Helper()
	shown, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			press()
			select {
			case <-shown:
				return
			case <-time.After(time.Second):
			}
		}
	}()
	defer func() {
		close(shown)
		<-stopped
	}()
	c.expect(answer)
}

// TestConsoleGivenUp: the kernel shows its log again where no driver comes back, with what
// has been logged meanwhile.
func TestConsoleGivenUp(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, kind := range vmtest.Machines(kinds()...) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dir := driverServices(t, kind)
			edit(t, dir, "restart always after 10ms to 10ms without limit", "restart never")
			m, env := newMonitor(t, true)
			c := bootTo(t, ready, env, on(kind, "-m", "64M", "--services", dir)...)
			c.expect("init: service console does not come back: killed by signal 9")
			if kind == string(hostvm.Q35) {
				m.waitScreen("what init says", func(rows []string) bool {
					return slices.ContainsFunc(rows, func(s string) bool { return strings.Contains(s, "does not come back") })
				})
			}
		})
	}
}

// TestBootKernelPanics: what the kernel says at its end is shown on all consoles,
// though a driver has them.
func TestBootKernelPanics(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, kind := range vmtest.Machines(kinds()...) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			stays := kind == string(hostvm.Q35)
			m, env := newMonitor(t, stays)
			c := bootTo(t, ready, env, on(kind, "-m", "64M")...)
			c.press("h")
			c.expect("Loam, built by")
			time.Sleep(300 * time.Millisecond) // the CPU is idle then: in the kernel
			m.jump()
			c.press("h") // it may sleep
			c.expect("loam: kernel panic: fault in the kernel: ")
			c.expect("stack:")
			if !stays {
				if err := c.cmd.Wait(); c.cmd.ProcessState.ExitCode() != 125 {
					t.Error(err)
				}
				return
			}
			m.waitScreen("the panic", func(rows []string) bool {
				at := slices.IndexFunc(rows, func(s string) bool { return strings.HasPrefix(s, "loam: kernel panic: ") })
				return at > 0 && strings.HasPrefix(rows[at-1], "Loam, built by") && slices.Contains(rows[at:], "stack:")
			})
		})
	}
}

// TestBootPs: the programs of a machine that loam boots are listed, and the same list is
// shown for the key p.
func TestBootPs(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	run, err := os.MkdirTemp("", "ps") // a short path: that of a socket is limited
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(run) })
	env := []string{"XDG_RUNTIME_DIR=" + run}
	c := bootTo(t, ready, env, on(quick(), "-m", "64M")...)
	ps := exec.Command(vmtest.Loam(t), "ps")
	ps.Env = append(os.Environ(), env...)
	out, err := ps.Output()
	if err != nil {
		t.Fatal(err)
	}
	c.press("p")
	for _, want := range []string{
		`  PROGRAM +PID +CPU TIME .*`, `  init +1 .*`, `  console +\d+ .*`, `  monitor +\d+ .*`,
	} {
		if !regexp.MustCompile(`(?m)^` + want + `$`).Match(out) {
			t.Errorf("not listed: %s\n%s", want, out)
		}
		if line := strings.TrimRight(c.expect("  "), "\r\n"); !regexp.MustCompile(`^` + want + `$`).MatchString(line) {
			t.Errorf("not shown: %s\n%s", want, line)
		}
	}
	if !regexp.MustCompile(`(?m)^machine \d+: loam boot \(.* 64 MiB, \d+ CPUs?, up \d+s\)$`).Match(out) {
		t.Errorf("%s", out)
	}
}
