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
	"os/exec"
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
	command := "qemu-system-x86_64"
	if vmtest.Arch() == hostvm.RISCV64 {
		command = "qemu-system-riscv64"
	}
	qemu, err := exec.LookPath(command)
	if err != nil {
		t.Skip(err)
	}
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

// jump has the CPU go on at address 0, in the kernel, by way of the debugger's protocol
// (GDB manual, appendix E).
func (m *monitor) jump() {
	m.t.Helper()
	conn, r := m.connect("gdb")
	send := func(packet string) {
		sum := byte(0)
		for _, c := range []byte(packet) {
			sum += c
		}
		if _, err := fmt.Fprintf(conn, "+$%s#%02x", packet, sum); err != nil {
			m.t.Fatal(err)
		}
	}
	// expect reads up to an answer of as many digits, or that one: QEMU also says when the
	// machine has stopped.
	expect := func(want string) string {
		for {
			answer, err := r.ReadString('#')
			if err != nil || strings.Contains(answer, "$E") {
				m.t.Fatalf("the debugger's answer: %q, %v", answer, err)
			}
			answer = strings.TrimSuffix(answer[strings.LastIndexByte(answer, '$')+1:], "#")
			if answer == want || want == "" && len(answer) == 16 {
				return answer
			}
		}
	}
	pc := "10"
	if vmtest.Arch() == hostvm.RISCV64 {
		pc = "20"
	}
	send("qXfer:features:read:target.xml:0,ffb") // else QEMU tells no single register
	for try := 0; ; try++ {
		send("p" + pc)
		if at := expect(""); strings.HasSuffix(at, "ff") { // in the kernel
			break
		}
		if try == 100 {
			m.t.Fatal("the CPU is always in user mode")
		}
		send("c")
		time.Sleep(20 * time.Millisecond)
		if _, err := conn.Write([]byte{3}); err != nil { // stop
			m.t.Fatal(err)
		}
	}
	zero := strings.Repeat("0", 16)
	send("P" + pc + "=" + zero)
	expect("OK")
	if vmtest.Arch() == hostvm.AMD64 {
		// An interrupt that ends a halt is the return of the function that halted.
		send("p7") // RSP
		b, err := hex.DecodeString(expect(""))
		if err != nil {
			m.t.Fatal(err)
		}
		send(fmt.Sprintf("M%x,8:%s", binary.LittleEndian.Uint64(b), zero))
		expect("OK")
	}
	send("c")
}
