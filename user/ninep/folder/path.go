// SPDX-License-Identifier: Apache-2.0

package folder

import (
	"context"
	"errors"
	"slices"
	"strings"

	"loam/abi"
	"loam/user/ninep"
)

// Limits of a path. Linux has the first two.
const (
	maxPath  = 4095 // bytes
	maxLinks = 40   // symbolic links followed in one path
	maxDepth = 4096 // names that one path can come to, links put in
	maxWalks = 4096 // about how many times a server is asked to walk for one path
)

// split gives a path's components, and whether a slash ends it. Errors: ENOENT it is
// empty; EINVAL it has a NUL in it; ENAMETOOLONG; EXDEV it is absolute: it doesn't begin
// in the folder.
func split(path string) (names []string, slash bool, err error) {
	switch {
	case path == "":
		return nil, false, abi.ENOENT
	case len(path) > maxPath:
		return nil, false, abi.ENAMETOOLONG
	case strings.ContainsRune(path, 0):
		return nil, false, abi.EINVAL
	case path[0] == '/':
		return nil, false, abi.EXDEV
	}
	for name := range strings.SplitSeq(path, "/") {
		if name != "" {
			names = append(names, name)
		}
	}
	return names, path[len(path)-1] == '/', nil
}

// node is a file that a walk has come to. Who has it lets go of it.
type node struct {
	fid ninep.Fid
	qid ninep.QID
}

// walk is a path on its way. Names are all it keeps of where it has been: the way from
// its directory is walked again after each link and each "..", and looked at again. So
// nothing that a name was before is believed, and there is no way up: the server never
// sees "..", or a name behind a link.
type walk struct {
	d     *Dir
	have  []string // directories, from d down
	todo  []string // what comes then; may have "." and ".." in it
	slash bool     // the path ends with one
	links int      // followed
	walks int      // asked for, at least
}

func (d *Dir) walk(path string) (*walk, error) {
	names, slash, err := split(path)
	if err != nil {
		return nil, err
	}
	return &walk{d: d, todo: names, slash: slash}, nil
}

// settle takes "." and ".." from the front of what is to do. EXDEV: a ".." leads out.
func (w *walk) settle() error {
	for ; len(w.todo) > 0; w.todo = w.todo[1:] {
		switch w.todo[0] {
		case ".":
		case "..":
			if len(w.have) == 0 {
				return abi.EXDEV
			}
			w.have = w.have[:len(w.have)-1]
		default:
			return nil
		}
	}
	return nil
}

// plain counts the names at the front that are neither "." nor "..".
func plain(names []string) int {
	n := slices.IndexFunc(names, func(s string) bool { return s == "." || s == ".." })
	if n < 0 {
		return len(names)
	}
	return n
}

// undotted gives the names without each "." at the front, and whether there were any: what comes
// before them is to be a directory.
func undotted(names []string) ([]string, bool) {
	n := 0
	for n < len(names) && names[n] == "." {
		n++
	}
	return names[n:], n > 0
}

// end goes to the path's end. A link there is followed only if follow; one before it, or
// before a slash or dot, always is.
func (w *walk) end(ctx context.Context, follow bool) (node, error) {
	for {
		if err := w.settle(); err != nil {
			return node{}, err
		}
		n := plain(w.todo)
		names := slices.Concat(w.have, w.todo[:n])
		rest, dots := undotted(w.todo[n:])
		if w.walks += 1 + len(names)/ninep.MaxWalk; w.walks > maxWalks {
			return node{}, abi.ELOOP
		}
		at, walked, err := w.d.descend(ctx, names)
		if err != nil {
			return node{}, err
		}
		last := walked == len(names) && len(rest) == 0
		switch {
		case at.qid.IsSymlink() && (!last || dots || follow):
			err = w.through(ctx, at, names[:walked-1], slices.Concat(names[walked:], w.todo[n:]))
			w.d.release(at)
		case last && (!dots || at.qid.IsDir()):
			w.have, w.todo = names, nil
			return at, nil
		case !at.qid.IsDir():
			w.d.release(at)
			err = abi.ENOTDIR
		default:
			w.d.release(at)
			w.have, w.todo = names, rest
		}
		if err != nil {
			return node{}, err
		}
	}
}

// follow takes a link's target for its name: the walk goes on in the directory with that,
// and the names behind. slash says that a slash ends the target. It doesn't let go of the link.
func (w *walk) follow(ctx context.Context, link node, dir []string, behind ...string) (slash bool, err error) {
	if w.links++; w.links > maxLinks {
		return false, abi.ELOOP
	}
	target, err := w.d.client.Readlink(ctx, link.fid)
	if err != nil {
		return false, err
	}
	names, slash, err := split(target)
	if err != nil {
		return false, err
	}
	if len(dir)+len(names)+len(behind) > maxDepth {
		return false, abi.ENAMETOOLONG
	}
	w.have, w.todo = dir, append(names, behind...)
	return slash, nil
}

// through goes through a link to what is behind it. With a slash at the target's end that
// must be a directory.
func (w *walk) through(ctx context.Context, link node, dir, behind []string) error {
	slash, err := w.follow(ctx, link, dir, behind...)
	if slash && len(behind) == 0 {
		w.todo = append(w.todo, ".")
	}
	return err
}

// whole goes to the end of the path; a slash there wants a directory.
func (w *walk) whole(ctx context.Context, follow bool) (node, error) {
	if w.slash {
		w.todo = append(w.todo, ".")
	}
	return w.end(ctx, follow)
}

// parent goes to the directory that the path's last name is in, and gives that name. It
// may be "." or "..", which no request takes.
func (w *walk) parent(ctx context.Context) (node, string, error) {
	last := "."
	if n := len(w.todo); n > 0 {
		last = w.todo[n-1]
		w.todo = w.todo[:n-1]
	}
	if len(w.todo) > 0 {
		w.todo = append(slices.Clip(w.todo), ".")
	}
	at, err := w.end(ctx, true)
	return at, last, err
}

// descend walks from a directory through names, in as few requests as can be. It gives
// what it has come to and how many names that took: all of them, or fewer if that is a
// link. Every name before is a directory, by the one request that went through it.
func (d *Dir) descend(ctx context.Context, names []string) (at node, walked int, err error) {
	if len(names) == 0 {
		return d.step(ctx, d.start(), nil)
	}
	at, walked, err = d.down(ctx, names)
	switch {
	case err == nil && (walked == len(names) || at.qid.IsSymlink()):
		return at, walked, nil
	case err == nil:
		err = abi.ENOTDIR
	}
	d.leave(at, walked)
	return node{}, 0, err
}

// start is where walks begin: the directory itself.
func (d *Dir) start() node { return node{d.handle.fid, ninep.QID{Type: ninep.TypeDir}} }

// leave lets go of what a walk through so many names has come to.
func (d *Dir) leave(at node, walked int) {
	if walked > 0 {
		d.release(at)
	}
}

// down walks from the directory through names, as far as there are directories. It gives what it has
// come to, to be left, and how many names that took, also with an error.
func (d *Dir) down(ctx context.Context, names []string) (at node, walked int, err error) {
	for at = d.start(); walked < len(names) && at.qid.IsDir(); {
		next, n, err := d.step(ctx, at, names[walked:])
		if err != nil {
			return at, walked, err
		}
		d.leave(at, walked)
		at, walked = next, walked+n
	}
	return at, walked, nil
}

// Reach goes down a path of plain names, neither "." nor ".." among them (EINVAL), as far as there are
// directories. It tells how many names that took and what it has come to: the
// path's end, or before that what is no directory, a link perhaps. stopped says why it went
// no further from a directory.
func (d *Dir) Reach(ctx context.Context, path string) (walked int, a ninep.Attr, stopped, err error) {
	names, _, err := split(path)
	switch {
	case err != nil:
		return 0, a, nil, err
	case plain(names) < len(names):
		return 0, a, nil, abi.EINVAL
	}
	if err := d.handle.use(); err != nil {
		return 0, a, nil, err
	}
	defer d.handle.done()
	for range maxTries {
		var is ninep.QID
		if walked, is, stopped, err = d.reach(ctx, names, &a); err != nil || is.IsDir() == isKind(&a, ninep.ModeDir) {
			return walked, a, stopped, err
		}
	}
	return 0, a, nil, abi.ELOOP
}

func isKind(a *ninep.Attr, kind uint32) bool { return a.Mode&ninep.ModeType == kind }

// reach is a try of Reach: the file was what is says when the walk came there, and may be
// another when its attributes are asked for.
func (d *Dir) reach(ctx context.Context, names []string, a *ninep.Attr) (walked int, is ninep.QID, stopped, err error) {
	at, walked, stopped := d.down(ctx, names)
	defer d.leave(at, walked)
	var number abi.Errno
	if stopped != nil && (!errors.As(stopped, &number) || d.client.Err() != nil) {
		return 0, at.qid, nil, stopped
	}
	return walked, at.qid, stopped, d.client.GetAttr(ctx, at.fid, ninep.AttrBasic, a)
}

// step walks through some of the names, at least one if there are any: up to the first
// that is no directory. Where the server stopped before the end of what it was asked, the
// next step begins, and gets the server's reason. Each turn asks for less, so that a
// server that changes its answers comes to an end, too.
func (d *Dir) step(ctx context.Context, from node, names []string) (node, int, error) {
	var qids [ninep.MaxWalk]ninep.QID
	want := min(len(names), ninep.MaxWalk)
	for {
		fid, n, err := d.client.Walk(ctx, from.fid, names[:want], &qids)
		if err != nil {
			return node{}, 0, err
		}
		good := n
		if i := slices.IndexFunc(qids[:n], func(q ninep.QID) bool { return !q.IsDir() }); i >= 0 {
			good = i + 1
		}
		switch {
		case want == 0:
			return node{fid, from.qid}, 0, nil
		case good == want:
			return node{fid, qids[good-1]}, good, nil
		case n == want:
			d.release(node{fid: fid})
		}
		want = good
	}
}
