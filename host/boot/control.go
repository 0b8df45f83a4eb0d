// SPDX-License-Identifier: Apache-2.0

package boot

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"loam/host/vm"
)

// controlLimit bounds each exchange with QEMU's monitor.
const controlLimit = 10 * time.Second

// control is a connection to QEMU's monitor (QMP, QEMU docs/interop/
// qmp-spec), over a descriptor that QEMU inherits.
type control struct {
	conn net.Conn
	r    *bufio.Reader
}

// newControl makes the connection and puts QEMU's end into c.
func newControl(c *vm.Config) (*control, error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	syscall.CloseOnExec(fds[0])
	syscall.CloseOnExec(fds[1])
	ours := os.NewFile(uintptr(fds[0]), "control")
	defer ours.Close()
	c.ControlSocket = os.NewFile(uintptr(fds[1]), "control-guest")
	conn, err := net.FileConn(ours)
	if err != nil {
		_ = c.ControlSocket.Close()
		return nil, err
	}
	return &control{conn, bufio.NewReaderSize(conn, 64<<10)}, nil
}

func (c *control) close() { _ = c.conn.Close() }

// screendump has QEMU save the screen as a picture in PPM format.
func (c *control) screendump(path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if err := c.conn.SetDeadline(time.Now().Add(controlLimit)); err != nil {
		return err
	}
	if err := c.execute("qmp_capabilities", nil); err != nil {
		return err
	}
	return c.execute("screendump", map[string]string{"filename": abs})
}

// execute runs a command and waits for its answer, past events and greeting.
func (c *control) execute(command string, args any) error {
	msg := map[string]any{"execute": command}
	if args != nil {
		msg["arguments"] = args
	}
	b, err := json.Marshal(msg)
	if err != nil {
		return err
	}
	if _, err := c.conn.Write(append(b, '\n')); err != nil {
		return err
	}
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		var answer struct {
			Return json.RawMessage `json:"return"`
			Error  *struct {
				Desc string `json:"desc"`
			} `json:"error"`
		}
		if err := json.Unmarshal(line, &answer); err != nil {
			return fmt.Errorf("QEMU's monitor: %w", err)
		}
		switch {
		case answer.Error != nil:
			return errors.New(vm.Printable(answer.Error.Desc))
		case answer.Return != nil:
			return nil
		}
	}
}
