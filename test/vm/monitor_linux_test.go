// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	hostvm "loam/host/vm"
	"loam/test/vm/vmtest"
)

// monitor is QEMU's monitor (QMP) of a machine that loam boots, and its door for
// debuggers.
type monitor struct {
	t    *testing.T
	dir  string
	conn net.Conn
	r    *bufio.Reader
}

// newMonitor gives a monitor, and the environment in which a loam boots such a
// machine. One that stays is not ended by what the kernel does for that.
func newMonitor(t *testing.T, stays bool) (*monitor, []string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "qmp") // a short path: that of a socket is limited
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	qemu := vmtest.FindQEMU(t)
	m := &monitor{t: t, dir: dir}
	script := "#!/bin/sh\n"
	if stays { // but not the machine that tries the accelerator
		script += "case $* in *mode=boot*) for a do shift\n" +
			"case $a in isa-debug-exit,*) a=isa-debug-exit,iobase=0xf8,iosize=4 ;; esac\nset -- \"$@\" \"$a\"\ndone ;; esac\n"
	}
	script += fmt.Sprintf("exec %s \"$@\" -qmp unix:%s,server=on,wait=off -gdb unix:%s,server=on,wait=off\n", qemu, m.path("qmp"), m.path("gdb"))
	if err := os.WriteFile(m.path("qemu"), []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	return m, vmtest.QEMU(m.path("qemu"))
}

func (m *monitor) path(name string) string { return filepath.Join(m.dir, name) }

// connect connects to a socket of QEMU's.
func (m *monitor) connect(name string) (net.Conn, *bufio.Reader) {
	m.t.Helper()
	conn, err := net.Dial("unix", m.path(name))
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(vmtest.Limit)); err != nil {
		m.t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

// do has QEMU execute a command.
func (m *monitor) do(command string, arguments any) {
	m.t.Helper()
	if m.conn == nil {
		m.conn, m.r = m.connect("qmp")
		m.do("qmp_capabilities", struct{}{})
	}
	b, err := json.Marshal(map[string]any{"execute": command, "arguments": arguments})
	if err == nil {
		_, err = m.conn.Write(append(b, '\n'))
	}
	for err == nil {
		var line []byte
		if line, err = m.r.ReadBytes('\n'); err != nil {
			break
		}
		var answer map[string]json.RawMessage
		if err = json.Unmarshal(line, &answer); err != nil {
			break
		}
		if answer["error"] != nil {
			m.t.Fatalf("%s: %s", command, line)
		}
		if answer["return"] != nil {
			return
		}
	}
	m.t.Fatalf("%s: %v", command, err)
}

// press presses keys of the PS/2 keyboard together, by QEMU's names, and releases them.
func (m *monitor) press(keys ...string) {
	m.t.Helper()
	list := []map[string]string{}
	for _, k := range keys {
		list = append(list, map[string]string{"type": "qcode", "data": k})
	}
	m.do("send-key", map[string]any{"keys": list, "hold-time": 20})
	time.Sleep(40 * time.Millisecond) // it is asynchronous
}

// screen gives the rows of the VGA text screen, and the cell behind the last character
// of each.
func (m *monitor) screen() []string {
	m.t.Helper()
	const columns, rows, vga = 80, 25, 0xb8000
	file := m.path("screen")
	m.do("pmemsave", map[string]any{"val": vga, "size": 2 * columns * rows, "filename": file})
	b, err := os.ReadFile(file)
	if err != nil || len(b) != 2*columns*rows {
		m.t.Fatalf("%d bytes of a screen, %v", len(b), err)
	}
	list := make([]string, rows)
	for i := range columns * rows {
		list[i/columns] += string(rune(b[2*i]))
	}
	for i := range list {
		list[i] = strings.TrimRight(list[i], " ")
	}
	return list
}

// waitScreen waits until the screen is as wanted, and gives what it shows then.
func (m *monitor) waitScreen(what string, wanted func(rows []string) bool) []string {
	m.t.Helper()
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		rows := m.screen()
		if wanted(rows) {
			return rows
		}
		if time.Since(begin) > 20*time.Second {
			m.t.Fatalf("the screen doesn't show %s:\n%s", what, strings.Join(rows, "\n"))
		}
	}
}

// debugger speaks the debugger's protocol (GDB manual, appendix E) with QEMU.
type debugger struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func (d *debugger) send(packet string) {
	d.t.Helper()
	sum := byte(0)
	for _, c := range []byte(packet) {
		sum += c
	}
	if _, err := fmt.Fprintf(d.conn, "+$%s#%02x", packet, sum); err != nil {
		d.t.Fatal(err)
	}
}

// ask sends a packet and reads up to an answer of n characters, or an error, which is "":
// QEMU also says when the machine has stopped.
func (d *debugger) ask(n int, packet string) string {
	d.t.Helper()
	d.send(packet)
	for {
		answer, err := d.r.ReadString('#')
		if err != nil {
			d.t.Fatalf("the debugger's answer to %s: %q, %v", packet, answer, err)
		}
		answer = strings.TrimSuffix(answer[strings.LastIndexByte(answer, '$')+1:], "#")
		switch {
		case strings.HasPrefix(answer, "E"):
			return ""
		case len(answer) == n:
			return answer
		}
	}
}

// word asks for a register or a word of memory; 0 if there is none.
func (d *debugger) word(packet string) uint64 {
	d.t.Helper()
	b, err := hex.DecodeString(d.ask(16, packet))
	if err != nil || len(b) != 8 {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

// halted reports whether a function has halted the CPU, and gives the packet that changes
// its return address. The idle thread halts a CPU too, and returns to nobody.
func (d *debugger) halted() (change string, is bool) {
	d.t.Helper()
	counter, halt, read := "p20", "73005010", "p1"
	change = "P1="
	if vmtest.Arch() == hostvm.AMD64 {
		counter, halt = "p10", "f4"
		at := fmt.Sprintf("%x,8", d.word("p7")) // the stack
		read, change = "m"+at, "M"+at+":"
	}
	pc, n := d.word(counter), len(halt)/2
	return change, int64(pc) < 0 && d.ask(2*n, fmt.Sprintf("m%x,%x", pc-uint64(n), n)) == halt && d.word(read)>>32 == pc>>32
}

// jump has the CPU, which is idle, go on at address 0, in the kernel: the function that has
// halted it returns there. Elsewhere it may be in the machine floor, whose faults are said in
// another way.
func (m *monitor) jump() {
	m.t.Helper()
	conn, r := m.connect("gdb")
	d := &debugger{t: m.t, conn: conn, r: r}
	d.send("qXfer:features:read:target.xml:0,ffb") // else QEMU tells no single register
	change, halted := d.halted()
	for try := 0; !halted; change, halted = d.halted() {
		if try++; try == 100 {
			m.t.Fatal("the CPU is never halted")
		}
		d.send("c")
		time.Sleep(20 * time.Millisecond)
		if _, err := conn.Write([]byte{3}); err != nil { // stop
			m.t.Fatal(err)
		}
	}
	if d.ask(len("OK"), change+strings.Repeat("0", 16)) != "OK" {
		m.t.Fatalf("%s0 isn't done", change)
	}
	d.send("c")
}
