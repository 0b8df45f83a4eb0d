// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"bytes"
	"encoding/binary"
	"path"
	"strconv"

	"loam/abi"
	"loam/user/linux/program"
	"loam/user/linux/vfs"
)

// execve(2). Until the process has another space all that can fail is done; what fails
// behind that ends the process, as on Linux.

// most is how many interpreters a script leads through.
const mostInterpreters = 5

// sysExecve: path, arguments, environment.
func sysExecve(s *Server, t *task) uint64 { return s.exec(t, here, t.Args[0], t.Args[1], t.Args[2], 0) }

// sysExecveat: directory, path, arguments, environment, flags.
func sysExecveat(s *Server, t *task) uint64 {
	if t.Args[4]&^(abi.AT_EMPTY_PATH|abi.AT_SYMLINK_NOFOLLOW) != 0 {
		return abi.EINVAL.Result()
	}
	return s.exec(t, t.Args[0], t.Args[1], t.Args[2], t.Args[3], t.Args[4])
}

// execution is a program that a process is about to run.
type execution struct {
	image     *image
	name      string // AT_EXECFN
	file      vfs.Path
	exe       string // the name of that
	args, env [][]byte
}

func (s *Server) exec(t *task, fd, addr, args, env, flags uint64) uint64 {
	if s.procs == nil {
		return abi.ENOSYS.Result()
	}
	x := &execution{}
	e := s.execPath(t, x, fd, addr, flags)
	if e == 0 {
		x.args, e = s.strings(t, args)
	}
	if e == 0 {
		x.env, e = s.strings(t, env)
	}
	if len(x.args) == 0 {
		x.args = [][]byte{{0}} // as Linux since 5.18
	}
	if e == 0 {
		e = s.interpret(t, x)
	}
	if e != 0 {
		return fail(e)
	}
	plan, e := program.Plan(x.image.plan, s.target, x.args, x.env, x.name, t.p.who.forProgram(), s.chance)
	if e != 0 {
		return fail(e)
	}
	return s.begin(t, x, plan)
}

// execPath gives the file that is to be run, and its name.
func (s *Server) execPath(t *task, x *execution, fd, addr, flags uint64) abi.Errno {
	name, e := s.text(t, addr)
	if e != 0 {
		return e
	}
	x.name = name
	if int32(fd) != abi.AT_FDCWD && (name == "" || name[0] != '/') {
		x.name = "/dev/fd/" + strconv.Itoa(int(int32(fd)))
		if name != "" {
			x.name += "/" + name
		}
	}
	if name == "" {
		if flags&abi.AT_EMPTY_PATH == 0 {
			return abi.ENOENT
		}
		if x.file, e = s.ofDescriptor(t, fd); e == 0 {
			x.exe = s.nameOf(t, fd)
		}
		return e
	}
	from, e := t.from(fd, name)
	if e != 0 {
		return e
	}
	if flags&abi.AT_SYMLINK_NOFOLLOW != 0 {
		p, e := t.p.view.Lookup(t.waiter, from, name, false)
		if e == 0 && vfs.IsLink(p.Node) {
			e = abi.ELOOP
		}
		if e != 0 {
			return e
		}
	}
	x.file, x.exe, e = t.p.view.LookupNamed(t.waiter, from, name)
	return e
}

// nameOf gives the name of a descriptor's file, as far as it is known.
func (s *Server) nameOf(t *task, fd uint64) string {
	if f := s.fileOrPath(t, fd); f != nil && f.name != "" {
		return f.name
	}
	return "(file)"
}

// interpret finds the program that runs a file: itself, or a script's interpreter.
func (s *Server) interpret(t *task, x *execution) abi.Errno {
	name := x.name
	for n := 0; ; n++ {
		img, script, e := s.imageOf(t, x.file)
		switch {
		case e != 0:
			return e
		case script == nil:
			x.image = img
			return 0
		case n == mostInterpreters:
			return abi.ELOOP
		}
		args := [][]byte{zeroed(script.interpreter)}
		if script.argument != "" {
			args = append(args, zeroed(script.argument))
		}
		x.args = append(append(args, zeroed(name)), x.args[1:]...)
		name = script.interpreter
		if x.file, x.exe, e = t.p.view.LookupNamed(t.waiter, t.p.view.Cwd, script.interpreter); e != 0 {
			return e
		}
	}
}

func zeroed(s string) []byte { return append([]byte(s), 0) }

// begin has a process run another program: there is no way back. The call has no answer then.
func (s *Server) begin(t *task, x *execution, plan *program.Start) uint64 {
	p := t.p
	q := abi.ProcessReplace{Entry: plan.Entry, Stack: plan.Stack, Break: plan.Break}
	name := path.Base(x.name)
	copy(q.Name[:len(q.Name)-1], name)
	told, e := s.procs.Replace(t.Token, &q)
	switch {
	case e == abi.ESRCH: // it has just ended
		return blocked
	case e != 0:
		return e.Result()
	}
	for w := range s.waits.of(p) { // of its other threads
		if w.t.Token != t.Token {
			s.drop(w)
		}
	}
	plan.Aux(told)
	if s.procs.Place(p.pid, plan.Map, x.image.object) != 0 || !s.procs.WriteTo(p.pid, plan.Stack, plan.Bytes) {
		s.kill(p, abi.SIGKILL)
		return blocked
	}
	p.name = string(bytes.TrimRight(q.Name[:], "\x00"))
	p.exe, p.file, p.args, p.env, p.execed, p.proc = x.exe, x.file, bytes.Join(x.args, nil), bytes.Join(x.env, nil), true, nil
	p.image = &runs{x.image.plan, plan.Base, plan.Stack, mappedFile{x.image.key.dev, x.image.key.ino, x.exe}}
	p.mapped = nil
	p.become(p.who.executes())
	p.ownDescriptors()
	p.table.Each(0, func(n int32, f *file) {
		if p.table.CloseExec(n) {
			p.table.Remove(n)
			s.letGo(p, f)
		}
	})
	s.release(t)
	s.releaseParent(p)
	s.procs.Continue(p.pid)
	return blocked
}

// strings reads a list of strings, with their zeroes.
func (s *Server) strings(t *task, addr uint64) (list [][]byte, e abi.Errno) {
	r := stringReader{s: s, t: t}
	total := 0
	for ; addr != 0; addr += 8 {
		word, e := r.read(addr, 8)
		if e != 0 {
			return nil, e
		}
		at := binary.LittleEndian.Uint64(word)
		if at == 0 {
			break
		}
		text, e := r.string(at)
		if e != 0 {
			return nil, e
		}
		if total += len(text) + 8; total > program.MaxStrings {
			return nil, abi.E2BIG
		}
		list = append(list, text)
	}
	return list, 0
}

// stringReader reads from the memory of who calls what lies close together, a page of it at a time.
type stringReader struct {
	s     *Server
	t     *task
	pages [2]nearby // of the list, and of the strings
}

// nearby is memory that has been read.
type nearby struct {
	at   uint64
	b    []byte
	room [abi.PageSize]byte
}

// page gives what there is from an address to the end of its page, in place i of those that are kept.
func (r *stringReader) page(i int, addr uint64) []byte {
	p := &r.pages[i]
	if addr-p.at >= uint64(len(p.b)) {
		b := p.room[:abi.PageSize-addr%abi.PageSize]
		p.at, p.b = addr, b[:r.s.kernel.Read(r.t.Token, addr, b)]
	}
	return p.b[min(addr-p.at, uint64(len(p.b))):]
}

// read gives n bytes of the list.
func (r *stringReader) read(addr uint64, n int) ([]byte, abi.Errno) {
	if b := r.page(0, addr); len(b) >= n {
		return b[:n], 0
	}
	b := make([]byte, n)
	if !r.s.get(r.t, addr, b) {
		return nil, abi.EFAULT
	}
	return b, 0
}

// string gives a string with its zero.
func (r *stringReader) string(addr uint64) ([]byte, abi.Errno) {
	var text []byte
	for {
		b := r.page(1, addr)
		if len(b) == 0 {
			return nil, abi.EFAULT
		}
		if i := bytes.IndexByte(b, 0); i >= 0 {
			return append(text, b[:i+1]...), 0
		}
		text = append(text, b...)
		addr += uint64(len(b))
		if len(text) > program.MaxString {
			return nil, abi.E2BIG
		}
	}
}

// image is a program's file in memory, from which processes map it.
type image struct {
	plan   *program.Image
	object vfs.Memory
	key    imageKey
}

// imageKey is a file in a state.
type imageKey struct {
	dev, ino     uint64
	size         int64
	mtime, ctime abi.Timespec
}

// script is the first line of a file that another program runs.
type script struct{ interpreter, argument string }

// Bounds of the images that are kept for the next process that runs them: how many, and how many bytes they
// have together. What processes still run stays theirs.
const (
	mostImages     = 16
	mostImageBytes = 64 << 20
	mostProgram    = 1 << 30 // bytes of a file
)

// imageOf gives what a file is that is to be run.
func (s *Server) imageOf(t *task, file vfs.Path) (*image, *script, abi.Errno) {
	n := file.Node
	if n.Mode()&abi.S_IFMT != abi.S_IFREG {
		return nil, nil, abi.EACCES
	}
	var st abi.Stat
	if _, e := n.Stat(t.waiter, &st); e != 0 {
		return nil, nil, e
	}
	if st.Mode&0o111 == 0 {
		return nil, nil, abi.EACCES
	}
	key := imageKey{st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim}
	for i, img := range s.images {
		if img.key == key {
			copy(s.images[1:i+1], s.images[:i]) // the last that was asked for is the first
			s.images[0] = img
			return img, nil, 0
		}
	}
	return s.loadImage(t, n, key)
}

// loadImage reads a file.
func (s *Server) loadImage(t *task, n vfs.Node, key imageKey) (*image, *script, abi.Errno) {
	o, e := n.Open(t.waiter, abi.O_RDONLY)
	if e != 0 {
		return nil, nil, e
	}
	defer o.Close()
	head := make([]byte, min(program.ScriptLine, key.size))
	if e := fill(t.waiter, o, head, 0); e != 0 {
		return nil, nil, e
	}
	interpreter, argument, ok, e := program.Script(head)
	switch {
	case e != 0:
		return nil, nil, e
	case ok:
		return nil, &script{interpreter, argument}, 0
	case key.size > mostProgram || !bytes.HasPrefix(head, []byte("\x7fELF")):
		return nil, nil, abi.ENOEXEC
	}
	m, e := s.kernel.NewMemory(key.size)
	if e != 0 {
		return nil, nil, e
	}
	img := &image{object: m, key: key}
	if e = fill(t.waiter, o, m.Bytes()[:key.size], 0); e == 0 {
		img.plan, e = program.Parse(m.Bytes()[:key.size], s.target)
	}
	if e == 0 {
		e = m.Grow(int64(img.plan.Size))
	}
	if e != 0 {
		m.Close()
		return nil, nil, e
	}
	img.plan.Finish(m.Bytes())
	s.keepImage(img)
	return img, nil, 0
}

// keepImage keeps an image for others, and forgets those that were not asked for the longest time.
func (s *Server) keepImage(img *image) {
	s.images = append([]*image{img}, s.images...)
	bytes := uint64(0)
	for i, old := range s.images {
		if bytes += old.plan.Size; i == 0 || i < mostImages && bytes <= mostImageBytes {
			continue
		}
		for _, old := range s.images[i:] {
			old.object.Close()
		}
		clear(s.images[i:])
		s.images = s.images[:i]
		return
	}
}
