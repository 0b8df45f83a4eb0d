// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package linux

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"loam/abi"
	"loam/user/linux/lx"
)

// Slots of a pseudo terminal.
const (
	masterSlot = 1
	slaveSlot  = 2
)

// TestDifferTerminals makes calls of chance at both ends of a pseudo terminal.
func TestDifferTerminals(t *testing.T) {
	f, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	f.Close()
	n := uint64(10)
	if testing.Short() {
		n = 3
	}
	for seed := range n {
		var log string
		// Linux takes what is written from one end to the other a little later: what differs each time differs.
		for try := 0; try < 3; try++ {
			if log = differTerminal(t, seed); log == "" {
				break
			}
		}
		if log != "" {
			t.Fatalf("seed %d:\n%s", seed, log)
		}
	}
}

// differTerminal gives the calls up to one that differs, "": none does.
func differTerminal(t *testing.T, seed uint64) (log string) {
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread() // the thread ends with it
		d := newDiffer(t, seed, plantTerminal)
		defer d.close()
		if !d.steps[0](d) {
			log = strings.Join(d.log, "\n")
			return
		}
		for range 300 {
			if ok := terminalSteps[d.r.IntN(len(terminalSteps))](d); !ok || !d.settles() {
				log = strings.Join(d.log, "\n")
				return
			}
		}
	}()
	<-done
	return log
}

// plantTerminal opens a pseudo terminal on both sides.
func plantTerminal(d *differ, w *world) {
	fd, err := syscall.Open("/dev/ptmx", syscall.O_RDWR|syscall.O_NONBLOCK|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		d.t.Error(err)
		runtime.Goexit()
	}
	ours := w.call(lx.SysOpenat, here, w.put(0, "/dev/ptmx\x00"), abi.O_RDWR|abi.O_NONBLOCK)
	d.steps = []func(*differ) bool{func(d *differ) bool {
		d.drop(masterSlot)
		d.drop(slaveSlot)
		d.kind[masterSlot] = 't'
		d.host.fds[masterSlot], d.ours.fds[masterSlot], d.opened[masterSlot] = uint64(fd), ours, true
		d.words(0)
		d.same(lx.SysIoctl, slot(masterSlot), num(lx.TIOCSPTLCK), mem(dataAt))
		return stepPeer(d)
	}}
	empty(w)
}

// words puts numbers into both memories.
func (d *differ) words(v ...uint32) {
	for i, x := range v {
		for _, s := range []*side{&d.ours, &d.host} {
			binary.LittleEndian.PutUint32(s.memory[dataAt+4*i:], x)
		}
	}
}

// settles waits until Linux has taken what was written to the other end, as far as that can be seen.
func (d *differ) settles() bool {
	time.Sleep(200 * time.Microsecond)
	for end := time.Now().Add(300 * time.Millisecond); ; time.Sleep(200 * time.Microsecond) {
		same := true
		for _, i := range []uint64{slaveSlot, masterSlot} {
			if !d.opened[i] {
				continue
			}
			ours, host := d.look(&d.ours, i), d.look(&d.host, i)
			same = same && ours == host
			if !same && time.Now().After(end) {
				d.log = append(d.log, fmt.Sprintf("slot%d: %x bytes, events %x; Linux: %x, %x", i, ours[0], ours[1], host[0], host[1]))
				_ = readEnd(d, slot(i), 1000) // what there is
				return false
			}
		}
		if same {
			return true
		}
	}
}

// look is how many bytes can be read, and what poll(2) says.
func (d *differ) look(s *side, i uint64) [2]uint32 {
	le := binary.LittleEndian
	p := s.memory[pathAt2:]
	clear(p[:64])
	le.PutUint32(p, uint32(s.fds[i]))
	le.PutUint16(p[4:], 0x3ff)
	s.call(lx.SysPpoll, []arg{mem(pathAt2), num(1), mem(pathAt2 + 16), num(0), num(8)})
	s.call(lx.SysIoctl, []arg{slot(i), num(abi.FIONREAD), mem(pathAt2 + 8)})
	return [2]uint32{le.Uint32(p[8:]), uint32(le.Uint16(p[6:]))}
}

var terminalSteps = []func(*differ) bool{
	stepType, stepType, stepType, stepType, stepType, stepSignalKey, stepPrint, stepPrint, stepReadEnd, stepReadEnd, stepReadEnd, stepReadEnd, stepReadEnd,
	stepAttributes, stepAttributes, stepGetAttributes, stepEndIoctl, stepEndIoctl, stepPollEnd, stepPollEnd, stepPeer, stepFillLine,
}

// end is one of the two.
func (d *differ) end() arg { return slot(uint64(masterSlot + d.r.IntN(2))) }

// keys are what is typed: text, and what has a meaning.
const keys = "abc Zz_9 xyz\t\t\n\n\r\x04\x04\x7f\x7f\x7f\x15\x17\x16\x12\x11\x13\x00\xff\xc3\xa4\xe2\x82\xac\x01\x0f~"

func (d *differ) typed(most int) (n int) {
	n = d.r.IntN(most)
	for i := range n {
		c := keys[d.r.IntN(len(keys))]
		d.ours.memory[dataAt+i], d.host.memory[dataAt+i] = c, c
	}
	return n
}

func stepType(d *differ) bool {
	n := d.typed(40)
	_, _, ok := d.same(lx.SysWrite, slot(masterSlot), mem(dataAt), num(uint64(n)))
	d.logBytes(n)
	return ok
}

// stepSignalKey types a key that sends a signal, and nothing else: it throws away what is on its way to the other end, which is more
// or less on Linux.
func stepSignalKey(d *differ) bool {
	c := "\x03\x1a\x1c"[d.r.IntN(3)]
	d.ours.memory[dataAt], d.host.memory[dataAt] = c, c
	_, _, ok := d.same(lx.SysWrite, slot(masterSlot), mem(dataAt), num(1))
	d.logBytes(1)
	return ok
}

func (d *differ) logBytes(n int) {
	d.log = append(d.log, strings.ReplaceAll(string(appendQuoted(d.ours.memory[dataAt:dataAt+n])), "\n", ""))
}

func appendQuoted(p []byte) []byte {
	const hex = "0123456789abcdef"
	b := []byte("  ")
	for _, c := range p[:min(len(p), 200)] {
		if c > ' ' && c < 127 {
			b = append(b, c)
		} else {
			b = append(b, '<', hex[c>>4], hex[c&15], '>')
		}
	}
	return b
}

func stepPrint(d *differ) bool {
	n := d.typed(60)
	_, _, ok := d.same(lx.SysWrite, slot(slaveSlot), mem(dataAt), num(uint64(n)))
	d.logBytes(n)
	return ok
}

// stepFillLine types a line that is too long, at times.
func stepFillLine(d *differ) bool {
	if d.r.IntN(6) > 0 {
		return true
	}
	for range 5 {
		for i := range 1000 {
			c := byte('a' + i%26)
			d.ours.memory[dataAt+i], d.host.memory[dataAt+i] = c, c
		}
		if _, _, ok := d.same(lx.SysWrite, slot(masterSlot), mem(dataAt), num(1000)); !ok || !d.settles() {
			return false
		}
		if !drainEnd(d, masterSlot) {
			return false
		}
	}
	if d.r.IntN(2) == 0 && !drainEnd(d, slaveSlot) {
		return false
	}
	// Of what waits behind it for room, keys that stop output are looked for, when depends on Linux's threads.
	for range 3 {
		for _, i := range []uint64{slaveSlot, masterSlot} {
			if _, _, ok := d.same(lx.SysIoctl, slot(i), num(lx.TCFLSH), num(2)); !ok || !d.settles() {
				return false
			}
		}
	}
	return true
}

func drainEnd(d *differ, i uint64) bool {
	for range 4 {
		if !readEnd(d, slot(i), 4000) || !d.settles() {
			return false
		}
	}
	return true
}

func stepReadEnd(d *differ) bool { return readEnd(d, d.end(), uint64(d.r.IntN(150))) }

func readEnd(d *differ, end arg, n uint64) bool {
	ours, host, ok := d.same(lx.SysRead, end, mem(dataAt), num(n))
	if !ok && int64(ours) >= 0 && int64(host) >= 0 {
		d.log = append(d.log, string(appendQuoted(d.ours.memory[dataAt:dataAt+ours])), string(appendQuoted(d.host.memory[dataAt:dataAt+host])))
	}
	if _, bad := abi.Failed(ours); bad || !ok {
		return ok
	}
	d.logBytes(int(ours))
	return d.memorySame(dataAt, int(ours))
}

// stepAttributes changes some of them.
func stepAttributes(d *differ) bool {
	if !stepGetAttributes(d) {
		return false
	}
	le := binary.LittleEndian
	p := d.host.memory[dataAt:]
	flip := func(at int, bits ...uint32) {
		if bit := bits[d.r.IntN(len(bits))]; d.r.IntN(3) == 0 {
			le.PutUint32(p[at:], le.Uint32(p[at:])^bit)
		}
	}
	flip(0, 0o10, 0o40, 0o100, 0o200, 0o400, 0o1000, 0o2000, 0o4000, 0o40000)
	flip(4, 1, 2, 4, 0o10, 0o20, 0o40, 0o14000)
	flip(8, 0o60, 0o400, 1, 0o20000)
	flip(12, 1, 2, 2, 2, 0o10, 0o20, 0o40, 0o100, 0o200, 0o1000, 0o2000, 0o4000, 0o100000)
	if d.r.IntN(4) == 0 {
		p[17+6] = byte(d.r.IntN(4)) // VMIN
	}
	if d.r.IntN(4) == 0 {
		p[17+5] = byte(d.r.IntN(2)) // VTIME
	}
	if d.r.IntN(6) == 0 {
		p[17+11] = "\x00;x"[d.r.IntN(3)] // VEOL
	}
	copy(d.ours.memory[dataAt:], p[:44])
	d.log = append(d.log, string(appendQuoted(p[:36])))
	_, _, ok := d.same(lx.SysIoctl, d.end(), num([]uint64{lx.TCSETS, lx.TCSETSW, lx.TCSETSF}[d.r.IntN(3)]), mem(dataAt))
	return ok
}

func stepGetAttributes(d *differ) bool {
	request, n := uint64(abi.TCGETS), 36
	if d.r.IntN(3) == 0 {
		request, n = lx.TCGETS2, 44
	}
	_, _, ok := d.same(lx.SysIoctl, d.end(), num(request), mem(dataAt))
	return ok && d.memorySame(dataAt, n)
}

// stepEndIoctl makes another request.
func stepEndIoctl(d *differ) bool {
	r := d.r
	d.words(uint32(r.IntN(3)), uint32(r.IntN(3)))
	end := d.end()
	switch r.IntN(9) {
	case 0:
		_, _, ok := d.same(lx.SysIoctl, end, num(lx.TCFLSH), num(uint64(r.IntN(4))))
		return ok
	case 1:
		_, _, ok := d.same(lx.SysIoctl, end, num(lx.TCXONC), num(uint64(r.IntN(5))))
		return ok
	case 2:
		_, _, ok := d.same(lx.SysIoctl, end, num(lx.TIOCPKT), mem(dataAt))
		return ok
	case 3:
		_, _, ok := d.same(lx.SysIoctl, end, num(lx.TIOCSWINSZ), mem(dataAt))
		return ok
	case 4, 5:
		request := []uint64{abi.TIOCGWINSZ, lx.TIOCGPKT, lx.TIOCGPTLCK, lx.TIOCOUTQ, lx.TIOCGETD, lx.TIOCGPGRP, lx.TIOCGSID, lx.TIOCGEXCL}[r.IntN(8)]
		_, _, ok := d.same(lx.SysIoctl, end, num(request), mem(dataAt))
		return ok && d.memorySame(dataAt, 8)
	case 6:
		_, _, ok := d.same(lx.SysIoctl, end, num(lx.TIOCSIG), num([]uint64{2, 3, 20, 9, 0}[r.IntN(5)]))
		return ok
	case 7:
		request := []uint64{lx.TCSBRK, lx.TCSBRKP, lx.TIOCSETD, lx.TIOCNOTTY, lx.TIOCSPGRP, 0x5499, abi.FIONREAD, lx.TIOCGPTPEER}[r.IntN(7)]
		ours, host, ok := d.same(lx.SysIoctl, end, num(request), mem(dataAt))
		return ok || request == lx.TIOCGPTPEER && int64(ours) >= 0 && int64(host) >= 0
	default:
		_, _, ok := d.same(lx.SysIoctl, end, num([]uint64{abi.TCGETS, lx.TCSETS, lx.TIOCSWINSZ, lx.TIOCPKT, lx.TIOCSPTLCK}[r.IntN(5)]), num(8))
		return ok
	}
}

func stepPollEnd(d *differ) bool { return pollEnd(d, d.end()) }

func pollEnd(d *differ, end arg) bool {
	for _, s := range []*side{&d.ours, &d.host} {
		clear(s.memory[pathAt2 : pathAt2+64])
		binary.LittleEndian.PutUint32(s.memory[pathAt2:], uint32(s.fds[end.v]))
		binary.LittleEndian.PutUint16(s.memory[pathAt2+4:], 0x3ff)
	}
	_, _, ok := d.same(lx.SysPpoll, mem(pathAt2), num(1), mem(pathAt2+16), num(0), num(8))
	return ok && d.memorySame(pathAt2+4, 4)
}

// stepPeer closes the slave and opens it again, at times.
func stepPeer(d *differ) bool {
	if d.opened[slaveSlot] {
		if d.r.IntN(8) > 0 {
			return true
		}
		d.drop(slaveSlot)
		for range d.r.IntN(4) { // as it is without
			n := d.typed(20)
			if _, _, ok := d.same(lx.SysWrite, slot(masterSlot), mem(dataAt), num(uint64(n))); !ok {
				return false
			}
			d.logBytes(n)
			time.Sleep(time.Millisecond)
			if !readEnd(d, slot(masterSlot), uint64(d.r.IntN(100))) {
				return false
			}
			if !pollEnd(d, slot(masterSlot)) {
				return false
			}
		}
	}
	return d.open(slaveSlot, lx.SysIoctl, slot(masterSlot), num(lx.TIOCGPTPEER), num(abi.O_RDWR|abi.O_NONBLOCK|abi.O_NOCTTY))
}
