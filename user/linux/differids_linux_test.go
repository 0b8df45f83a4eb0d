// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package linux

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"loam/abi"
	"loam/user/linux/lx"
)

// TestDifferIDs makes calls of chance about users, groups and capabilities. Those of a thread of the host's are its own,
// and it ends with the test. Who isn't user 0 may do less, and that is compared then.
func TestDifferIDs(t *testing.T) {
	differSeeds(t, 60, 12, 400, func(d *differ, w *world) {
		empty(w)
		who, whole := hostIdentity(d)
		w.processes[w.badge].become(who)
		d.steps = slices.Concat(slices.Repeat([]func(*differ) bool{stepIDs, stepIDsTold}, 10), slices.Repeat([]func(*differ) bool{stepGroups}, 5))
		if whole {
			d.steps = append(d.steps, func(d *differ) bool { return stepCapset(d, who.caps.permitted) })
		}
		if who.user.effective != 0 {
			return
		}
		d.steps = append(d.steps, stepOwned)
		var once sync.Once
		for i, f := range d.steps {
			d.steps[i] = func(d *differ) bool {
				once.Do(d.commons)
				return f(d)
			}
		}
	})
}

// hostIdentity is who the calling thread is on the host; whole: with all capabilities, if it is user 0.
func hostIdentity(d *differ) (who identity, whole bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/status", syscall.Gettid()))
	if err != nil {
		d.t.Fatal(err)
	}
	text := string(b)
	find := func(name, format string, values ...any) {
		_, rest, _ := strings.Cut(text, "\n"+name+":\t")
		if _, err := fmt.Sscanf(rest, format, values...); err != nil {
			d.t.Error(name, err)
		}
	}
	u, g, bounding := &who.user, &who.group, uint64(0)
	find("Uid", "%d\t%d\t%d\t%d", &u.real, &u.effective, &u.saved, &u.file)
	find("Gid", "%d\t%d\t%d\t%d", &g.real, &g.effective, &g.saved, &g.file)
	find("CapInh", "%x", &who.caps.inheritable)
	find("CapPrm", "%x", &who.caps.permitted)
	find("CapEff", "%x", &who.caps.effective)
	find("CapBnd", "%x", &bounding)
	groups, _ := syscall.Getgroups()
	for _, v := range groups {
		who.groups = append(who.groups, uint32(v))
	}
	return who, bounding == allCaps || who.caps.permitted == bounding
}

// someID gives an id.
func (d *differ) someID() arg {
	return num([]uint64{0, 0, 1, 2, 1000, 1<<32 - 1, 1<<64 - 1}[d.r.IntN(7)])
}

func stepIDs(d *differ) bool {
	calls := []struct{ nr, args int }{{lx.SysSetuid, 1}, {lx.SysSetgid, 1}, {lx.SysSetreuid, 2}, {lx.SysSetregid, 2},
		{lx.SysSetresuid, 3}, {lx.SysSetresgid, 3}, {lx.SysSetresuid, 3}, {lx.SysSetresgid, 3}, {lx.SysSetfsuid, 1}, {lx.SysSetfsgid, 1}}
	c := calls[d.r.IntN(len(calls))]
	var args []arg
	for range c.args {
		args = append(args, d.someID())
	}
	if c.nr == lx.SysSetuid && d.r.IntN(4) > 0 { // from which there is no way back
		args[0] = num(0)
	}
	_, _, ok := d.same(c.nr, args...)
	return ok
}

// stepIDsTold asks who the thread is.
func stepIDsTold(d *differ) bool {
	simple := []int{lx.SysGetuid, lx.SysGeteuid, lx.SysGetgid, lx.SysGetegid}
	if _, _, ok := d.same(simple[d.r.IntN(4)]); !ok {
		return false
	}
	three := []int{lx.SysGetresuid, lx.SysGetresgid}
	if _, _, ok := d.same(three[d.r.IntN(2)], mem(dataAt), mem(dataAt+4), mem(dataAt+8)); !ok {
		return false
	}
	d.both(dataAt+16, "\x22\x05\x08\x20\x00\x00\x00\x00")
	_, _, ok := d.same(lx.SysCapget, mem(dataAt+16), mem(dataAt+24))
	return ok && d.memorySame(dataAt, 48)
}

func stepGroups(d *differ) bool {
	if d.r.IntN(2) == 0 {
		for i := range 4 {
			d.both(dataAt+4*i, string(le32(uint32([]uint64{0, 1, 2, 1000, 1<<32 - 1}[d.r.IntN(40)/9]))))
		}
		at := []arg{mem(dataAt), mem(dataAt), mem(dataAt), num(8)}[d.r.IntN(4)]
		_, _, ok := d.same(lx.SysSetgroups, num([]uint64{0, 1, 2, 4, 4, 65537, 1<<32 - 1}[d.r.IntN(7)]), at)
		return ok
	}
	_, _, ok := d.same(lx.SysGetgroups, num([]uint64{0, 1, 2, 4, 100, 1<<32 - 1}[d.r.IntN(6)]), mem(dataAt))
	return ok && d.memorySame(dataAt, 400)
}

// stepCapset takes capabilities away, seldom all, and asks for others again.
func stepCapset(d *differ, bounding uint64) bool {
	if d.r.IntN(8) > 0 {
		return true
	}
	version := []string{"\x22\x05\x08\x20", "\x22\x05\x08\x20", "\x26\x10\x07\x20", "\x30\x03\x98\x19", "\x31\x03\x98\x19"}[d.r.IntN(5)]
	d.both(dataAt, version+"\x00\x00\x00\x00")
	for i := range 6 {
		v := []uint32{1<<32 - 1, 1<<32 - 1, 0xffff_ff3f, 0x1ff, 0}[d.r.IntN(5)]
		d.both(dataAt+8+4*i, string(le32(v&uint32(bounding>>(i/3*32)))))
	}
	_, _, ok := d.same(lx.SysCapset, mem(dataAt), mem(dataAt+8))
	return ok && d.memorySame(dataAt, 8)
}

// commons makes directories where everybody may make files, which are of the directory's group in one of them.
func (d *differ) commons() {
	for i, mode := range []uint64{0o777, 0o2777} {
		d.both(pathAt, fmt.Sprintf("common%d\x00", i))
		d.same(lx.SysMkdirat, num(here), mem(pathAt), num(0o777))
		d.same(lx.SysFchownat, num(here), mem(pathAt), num(0), num(7), num(0))
		d.same(lx.SysFchmodat, num(here), mem(pathAt), num(mode))
	}
}

// stepOwned makes a file, and asks whose it is.
func stepOwned(d *differ) bool {
	d.both(pathAt, fmt.Sprintf("common%d/%d\x00", d.r.IntN(2), d.r.IntN(3)))
	d.same(lx.SysUnlinkat, num(here), mem(pathAt), num(0))
	d.same(lx.SysUnlinkat, num(here), mem(pathAt), num(abi.AT_REMOVEDIR))
	made := []func() bool{
		func() bool { _, _, ok := d.same(lx.SysMkdirat, num(here), mem(pathAt), num(0o755)); return ok },
		func() bool { _, _, ok := d.same(lx.SysSymlinkat, mem(pathAt2), num(here), mem(pathAt)); return ok },
		func() bool { _, _, ok := d.same(lx.SysMknodat, num(here), mem(pathAt), num(0o644), num(0)); return ok },
		func() bool {
			return d.open(1, lx.SysOpenat, num(here), mem(pathAt), num(abi.O_CREAT|abi.O_RDWR), num(0o644))
		},
	}
	if !made[d.r.IntN(4)]() {
		return false
	}
	const owner, mode = 0x14, 0x1c // in struct statx: two words and half of one
	_, _, ok := d.same(lx.SysStatx, num(here), mem(pathAt), num(abi.AT_SYMLINK_NOFOLLOW), num(0x1a), mem(dataAt))
	return ok && d.memorySame(dataAt+owner, mode+2-owner)
}
