// SPDX-License-Identifier: Apache-2.0

package ninep

import (
	"context"
	"strings"
	"sync"

	"loam/abi"
)

// Attach gives the root of a tree: of the folder, where the server is QEMU's, which
// ignores both names.
func (c *Client) Attach(ctx context.Context, user, tree string) (Fid, QID, error) {
	s, err := c.begin(ctx, Tattach)
	if err != nil {
		return 0, QID{}, err
	}
	defer c.end(s)
	fid, ok := c.newFid()
	if !ok {
		return 0, QID{}, abi.ENFILE
	}
	s.w.u32(uint32(fid))
	s.w.u32(noFid)
	s.w.str(user)
	s.w.str(tree)
	s.w.u32(noUser)
	q, err := c.identity(ctx, s, nil)
	if err != nil {
		c.drop(s, fid)
		return 0, QID{}, err
	}
	return fid, q, nil
}

// drop gives a number back whose file the server doesn't have, or perhaps has, if s's
// request came to no end that we know.
func (c *Client) drop(s *slot, fid Fid) {
	if s.doubt {
		_ = c.clunk(s, fid)
	}
	c.fids.put(fid)
}

// Walk goes from a directory through names, at most MaxWalk, and puts what it finds on its
// way into qids. If it gets through all of them, n is their number and the Fid the last
// one's; with no names it is the directory's again. If only n names are there, n > 0, there
// is no error and no new Fid. Links are not followed. Errors: of a name, as CheckName has
// them; E2BIG too many names; ENFILE no number left; the server's for the first name.
func (c *Client) Walk(ctx context.Context, from Fid, names []string, qids *[MaxWalk]QID) (to Fid, n int, err error) {
	if len(names) > MaxWalk {
		return 0, 0, abi.E2BIG
	}
	for _, name := range names {
		if e := CheckName(name); e != 0 {
			return 0, 0, e
		}
	}
	s, err := c.begin(ctx, Twalk)
	if err != nil {
		return 0, 0, err
	}
	defer c.end(s)
	to, ok := c.newFid()
	if !ok {
		return 0, 0, abi.ENFILE
	}
	s.w.u32(uint32(from))
	s.w.u32(uint32(to))
	s.w.u16(uint16(len(names)))
	for _, name := range names {
		s.w.str(name)
	}
	r, err := c.call(ctx, s, nil, nil)
	if err == nil {
		n, err = c.walked(r, len(names), qids)
	}
	if err != nil || n < len(names) {
		c.drop(s, to)
		return 0, n, err
	}
	return to, n, nil
}

func (c *Client) walked(r reader, asked int, qids *[MaxWalk]QID) (int, error) {
	n := int(r.u16())
	if n > asked || asked > 0 && n == 0 {
		return 0, c.broken(Twalk, "another number of names than asked")
	}
	for i := range n {
		qids[i] = r.qid()
	}
	if !r.whole() {
		return 0, c.broken(Twalk, "its fields don't fit")
	}
	return n, nil
}

// Clunk lets the server forget a file. The number is gone, whatever the answer. The error
// is that of a write of an extended attribute, which happens now.
func (c *Client) Clunk(fid Fid) error {
	s, err := c.begin(context.Background(), Tclunk)
	if err != nil {
		return err
	}
	defer c.end(s)
	err = c.clunk(s, fid)
	c.fids.put(fid)
	return err
}

// Release is Clunk without waiting for it, where nobody wants the answer. Half of the requests are for
// others: where as many are under way it waits, so that whoever waits for a request gets one.
func (c *Client) Release(fid Fid) {
	if !c.releases.begin() {
		_ = c.Clunk(fid)
		return
	}
	var s *slot
	select {
	case s = <-c.free:
	default:
		c.releases.end()
		_ = c.Clunk(fid)
		return
	}
	c.prepare(s, Tclunk)
	s.w.u32(uint32(fid))
	s.exchange.then = func() { c.released(s, fid) }
	if c.send(s, nil, nil) != nil {
		s.exchange.then = nil
		c.releaseEnds(s, fid)
	}
}

// released takes the answer.
func (c *Client) released(s *slot, fid Fid) {
	s.exchange.then = nil
	if err := s.exchange.err; err != nil {
		_ = c.fail(&TransportError{err})
	} else if r, err := c.reply(s); err == nil && !r.whole() {
		_ = c.broken(Tclunk, "fields where there are none")
	}
	c.releaseEnds(s, fid)
}

func (c *Client) releaseEnds(s *slot, fid Fid) {
	c.fids.put(fid)
	c.end(s)
	c.releases.end()
}

// pending counts what is under way, for one who waits until nothing is.
type pending struct {
	most int

	turn sync.Mutex // who waits

	mu      sync.Mutex // guards what follows
	n       int
	none    Exchange // is over when n is 0 and somebody waits
	waiting bool
}

// begin counts one more, unless there are as many as there may be.
func (p *pending) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n >= p.most {
		return false
	}
	p.n++
	return true
}

func (p *pending) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n--; p.n == 0 && p.waiting {
		p.waiting = false
		p.none.done <- struct{}{}
	}
}

// settle waits until nothing is released any more.
func (c *Client) settle() {
	p := &c.releases
	p.turn.Lock()
	defer p.turn.Unlock()
	p.mu.Lock()
	p.waiting = p.n > 0
	waits := p.waiting
	p.mu.Unlock()
	if waits {
		c.await(context.Background(), &p.none)
	}
}

// newFid gives a number for a file. If there seems to be none, those that are released
// now are waited for.
func (c *Client) newFid() (Fid, bool) {
	fid, ok := c.fids.get()
	if !ok {
		c.settle()
		fid, ok = c.fids.get()
	}
	return fid, ok
}

func (c *Client) clunk(s *slot, fid Fid) error {
	s.kind, s.doubt = Tclunk, false
	s.w = writer{b: s.request, n: headerSize}
	s.w.u32(uint32(fid))
	return c.simple(context.Background(), s)
}

// fidRequest begins a request whose first field is a file.
func (c *Client) fidRequest(ctx context.Context, t Type, fid Fid) (*slot, error) {
	s, err := c.begin(ctx, t)
	if err == nil {
		s.w.u32(uint32(fid))
	}
	return s, err
}

// nameRequest begins a request whose first fields are a directory and a name in it.
func (c *Client) nameRequest(ctx context.Context, t Type, dir Fid, name string) (*slot, error) {
	if e := CheckName(name); e != 0 {
		return nil, e
	}
	s, err := c.fidRequest(ctx, t, dir)
	if err == nil {
		s.w.str(name)
	}
	return s, err
}

// GetAttr gives the attributes in mask, bits Attr..., of a file.
func (c *Client) GetAttr(ctx context.Context, fid Fid, mask uint64, a *Attr) error {
	s, err := c.fidRequest(ctx, Tgetattr, fid)
	if err != nil {
		return err
	}
	defer c.end(s)
	s.w.u64(mask)
	r, err := c.call(ctx, s, nil, nil)
	if err != nil {
		return err
	}
	r.attr(a)
	if !r.whole() {
		return c.broken(Tgetattr, "its fields don't fit")
	}
	return nil
}

// SetAttr changes attributes of a file, its size among them.
func (c *Client) SetAttr(ctx context.Context, fid Fid, a *SetAttr) error {
	s, err := c.fidRequest(ctx, Tsetattr, fid)
	if err != nil {
		return err
	}
	defer c.end(s)
	s.w.u32(a.Valid)
	s.w.u32(a.Mode)
	s.w.u32(a.UID)
	s.w.u32(a.GID)
	s.w.u64(a.Size)
	s.w.u64(a.Atime.Sec)
	s.w.u64(a.Atime.Nsec)
	s.w.u64(a.Mtime.Sec)
	s.w.u64(a.Mtime.Nsec)
	return c.simple(ctx, s)
}

// StatFS gives what the server says of a file's file system.
func (c *Client) StatFS(ctx context.Context, fid Fid) (f StatFS, err error) {
	s, err := c.fidRequest(ctx, Tstatfs, fid)
	if err != nil {
		return f, err
	}
	defer c.end(s)
	r, err := c.call(ctx, s, nil, nil)
	if err != nil {
		return f, err
	}
	f = StatFS{Type: r.u32(), Bsize: r.u32(), Blocks: r.u64(), Bfree: r.u64(), Bavail: r.u64(),
		Files: r.u64(), Ffree: r.u64(), FSID: r.u64(), Namelen: r.u32()}
	if !r.whole() {
		return StatFS{}, c.broken(Tstatfs, "its fields don't fit")
	}
	return f, nil
}

// Readlink gives the target of a symbolic link.
func (c *Client) Readlink(ctx context.Context, fid Fid) (string, error) {
	s, err := c.fidRequest(ctx, Treadlink, fid)
	if err != nil {
		return "", err
	}
	defer c.end(s)
	r, err := c.call(ctx, s, nil, nil)
	if err != nil {
		return "", err
	}
	target := r.str()
	if !r.whole() || len(target) > MaxTarget || strings.ContainsRune(target, 0) {
		return "", c.broken(Treadlink, "an impossible target")
	}
	return target, nil
}

// Symlink makes a symbolic link in a directory. The target is not looked at; ENOENT it is
// empty, EINVAL it has a NUL in it, ENAMETOOLONG it is longer than MaxTarget.
func (c *Client) Symlink(ctx context.Context, dir Fid, name, target string, gid uint32) (QID, error) {
	switch {
	case target == "":
		return QID{}, abi.ENOENT
	case len(target) > MaxTarget:
		return QID{}, abi.ENAMETOOLONG
	case strings.ContainsRune(target, 0):
		return QID{}, abi.EINVAL
	}
	s, err := c.nameRequest(ctx, Tsymlink, dir, name)
	if err != nil {
		return QID{}, err
	}
	defer c.end(s)
	s.w.str(target)
	s.w.u32(gid)
	return c.identity(ctx, s, nil)
}

// Mkdir makes a directory in a directory.
func (c *Client) Mkdir(ctx context.Context, dir Fid, name string, mode, gid uint32) (QID, error) {
	s, err := c.nameRequest(ctx, Tmkdir, dir, name)
	if err != nil {
		return QID{}, err
	}
	defer c.end(s)
	s.w.u32(mode)
	s.w.u32(gid)
	return c.identity(ctx, s, nil)
}

// Link gives a file another name, in a directory. A link is not followed.
func (c *Client) Link(ctx context.Context, dir, file Fid, name string) error {
	if e := CheckName(name); e != 0 {
		return e
	}
	s, err := c.fidRequest(ctx, Tlink, dir)
	if err != nil {
		return err
	}
	defer c.end(s)
	s.w.u32(uint32(file))
	s.w.str(name)
	return c.simple(ctx, s)
}

// Rename gives what has a name in one directory a name in another, or in the same.
func (c *Client) Rename(ctx context.Context, oldDir Fid, oldName string, newDir Fid, newName string) error {
	if e := CheckName(newName); e != 0 {
		return e
	}
	s, err := c.nameRequest(ctx, Trenameat, oldDir, oldName)
	if err != nil {
		return err
	}
	defer c.end(s)
	s.w.u32(uint32(newDir))
	s.w.str(newName)
	return c.simple(ctx, s)
}

// Unlink removes a name from a directory. With FlagRemoveDir it removes an empty
// directory, otherwise anything else.
func (c *Client) Unlink(ctx context.Context, dir Fid, name string, flags uint32) error {
	s, err := c.nameRequest(ctx, Tunlinkat, dir, name)
	if err != nil {
		return err
	}
	defer c.end(s)
	s.w.u32(flags)
	return c.simple(ctx, s)
}
