// SPDX-License-Identifier: Apache-2.0

// Package ps lets the machines of a person be found and asked what runs in them.
//
// Each loam that runs a machine listens at a Unix socket in a folder that only its
// user can enter. Who connects gets one JSON document, a Machine, and nothing is read
// from them. List asks all sockets at once, each with a time limit.
//
// A socket is made under a name that begins with "new-" and renamed when it
// listens: so who finds one under its final name and can't connect knows that its
// loam has died without removing it, and removes it.
//
// Rejected: a file with the facts (stale after a crash, and what runs in a machine
// changes), looking through all processes for loams (they are other users' too, and
// differs by system), a port (anybody on the host could connect).
package ps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"loam/host/vm"
	"loam/internal/proglist"
)

// Machine is what a loam says about its machine.
type Machine struct {
	PID       int       `json:"pid"` // of the loam that runs it
	Program   string    `json:"program,omitempty"`
	Args      []string  `json:"args,omitempty"`
	Arch      string    `json:"arch,omitempty"`
	Machine   string    `json:"machine,omitempty"`
	MemoryMiB int       `json:"memory_mib,omitempty"`
	CPUs      int       `json:"cpus,omitempty"`
	Started   time.Time `json:"started,omitzero"`

	// Programs is init's list; Init says whether there is an init in it.
	Init     bool             `json:"init"`
	Programs []proglist.Entry `json:"programs,omitempty"`

	// Trouble says why something is missing.
	Trouble string `json:"trouble,omitempty"`
}

const (
	suffix     = ".sock"
	unfinished = "new-"

	// maxDocument bounds what is read from a socket, in bytes.
	maxDocument = 1 << 20
	// staleAfter is how old a socket that nobody finished must be to be removed.
	staleAfter = 10 * time.Second
)

// Folders gives where sockets may be, the best first: the folder that the system has
// for such things, and one in loam's cache folder, if that is not empty.
func Folders(cache string) []string {
	var dirs []string
	if run := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(run) {
		dirs = append(dirs, filepath.Join(run, "loam"))
	}
	if cache != "" {
		dirs = append(dirs, filepath.Join(cache, "run"))
	}
	return dirs
}

// Server answers who asks for a machine.
type Server struct {
	l    *net.UnixListener
	path string
	done chan struct{}
}

// Serve begins to answer in the first folder where that is possible. about is called
// for each who asks, one after the other, with a context that ends when they would
// wait no longer.
func Serve(dirs []string, about func(context.Context) Machine) (*Server, error) {
	why := errors.New("there is no folder for it")
	for _, dir := range dirs {
		s, err := listen(dir)
		if err == nil {
			go s.serve(about)
			return s, nil
		}
		why = err
	}
	return nil, why
}

func listen(dir string) (*Server, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := check(dir); err != nil {
		return nil, err
	}
	name := strconv.Itoa(os.Getpid()) + suffix
	first, last := filepath.Join(dir, unfinished+name), filepath.Join(dir, name)
	_ = os.Remove(first) // of an earlier process with this number
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: first, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err := os.Rename(first, last); err != nil {
		_ = l.Close()
		_ = os.Remove(first)
		return nil, err
	}
	return &Server{l, last, make(chan struct{})}, nil
}

// check wants a folder that nobody else can enter.
func check(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(st.Uid) != os.Getuid() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s is not a folder of this user alone (mode 700)", dir)
	}
	return nil
}

// patience is how long who asks waits for the machine itself.
const patience = time.Second

func (s *Server) serve(about func(context.Context) Machine) {
	defer close(s.done)
	for {
		c, err := s.l.AcceptUnix()
		if err != nil {
			return // closed
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		m := about(ctx)
		cancel()
		m.PID = os.Getpid()
		_ = c.SetDeadline(time.Now().Add(patience))
		_ = json.NewEncoder(c).Encode(m)
		_ = c.Close()
	}
}

// Close removes the socket. Who asks at this moment may get no answer.
func (s *Server) Close() {
	_ = os.Remove(s.path)
	_ = s.l.Close()
}

// List asks all machines that can be found in the folders, each for limit at most,
// and gives them by their numbers. It removes sockets that nobody listens at. A folder
// in which no machine would put its socket is passed over.
func List(dirs []string, limit time.Duration) ([]Machine, error) {
	var paths []string
	for _, dir := range dirs {
		if check(dir) != nil {
			continue
		}
		found, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if strings.HasSuffix(f.Name(), suffix) {
				paths = append(paths, filepath.Join(dir, f.Name()))
			}
		}
	}
	answers := make(chan *Machine)
	for _, path := range paths {
		go func() { answers <- ask(path, limit) }()
	}
	list := []Machine{}
	for range paths {
		if m := <-answers; m != nil {
			list = append(list, *m)
		}
	}
	slices.SortFunc(list, func(a, b Machine) int { return a.PID - b.PID })
	return list, nil
}

// ask asks one machine; nil: there is none any more.
func ask(path string, limit time.Duration) *Machine {
	name := strings.TrimSuffix(filepath.Base(path), suffix)
	if strings.HasPrefix(name, unfinished) {
		removeOld(path)
		return nil
	}
	pid, err := strconv.Atoi(name)
	if err != nil {
		return nil
	}
	end := time.Now().Add(limit)
	d := net.Dialer{Deadline: end}
	c, err := d.Dial("unix", path)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		_ = os.Remove(path)
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &Machine{PID: pid, Trouble: "does not answer"}
	}
	defer c.Close()
	_ = c.SetDeadline(end)
	m, err := read(c)
	if err != nil {
		if _, gone := os.Lstat(path); errors.Is(gone, fs.ErrNotExist) {
			return nil // it ended while it was asked
		}
		return &Machine{PID: pid, Trouble: "does not answer"}
	}
	m.PID = pid
	return m
}

// removeOld removes a socket that its loam has not finished in a long time.
func removeOld(path string) {
	info, err := os.Lstat(path)
	if err == nil && time.Since(info.ModTime()) > staleAfter {
		_ = os.Remove(path)
	}
}

// read reads a document. It comes from a process of the same user, but what a guest
// said is in it.
func read(c net.Conn) (*Machine, error) {
	m := new(Machine)
	if err := json.NewDecoder(io.LimitReader(c, maxDocument)).Decode(m); err != nil {
		return nil, err
	}
	for _, s := range []*string{&m.Program, &m.Arch, &m.Machine, &m.Trouble} {
		*s = vm.Printable(*s)
	}
	for i := range m.Programs {
		p := &m.Programs[i]
		p.Name, p.State, p.Why = vm.Printable(p.Name), proglist.State(vm.Printable(string(p.State))), vm.Printable(p.Why)
	}
	return m, nil
}
