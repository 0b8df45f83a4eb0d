// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package linux

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"testing"
	"time"

	"loam/abi"
	"loam/user/linux/inet"
	"loam/user/linux/lx"
	"loam/user/sys"
)

// TestDifferInet makes calls of chance on sockets of TCP and UDP. Linux's are in a network namespace that has a
// loopback interface and nothing else. Which of several sockets that share a port gets something is a matter of hashes
// there, so more seeds than these find differences that are none.
func TestDifferInet(t *testing.T) {
	signal.Ignore(syscall.SIGPIPE)
	needNamespace(t)
	differSeeds(t, 80, 25, 400, plantInet(t))
}

// FuzzDifferInet is TestDifferInet by seeds of the fuzzer's.
func FuzzDifferInet(f *testing.F) {
	f.Add(uint64(1000))
	f.Fuzz(func(t *testing.T, seed uint64) {
		needNamespace(t)
		differSeed(t, seed, 200, plantInet(t))
	})
}

const siocSIFFlags = 0x8914

// needNamespace skips a test where there can be no network namespace.
func needNamespace(t *testing.T) {
	done := make(chan error)
	go func() { // whose thread ends with it
		runtime.LockOSThread()
		done <- ownNetwork()
	}()
	if err := <-done; err != nil {
		t.Skipf("a network namespace can't be made (root may): %v", err)
	}
}

// ownNetwork gives the calling thread a network of its own, with loopback. A socket whose connection is over is
// forgotten there at once, as by the server, and one that was closed keeps waiting for the other end.
func ownNetwork() error {
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		return err
	}
	for file, text := range map[string]string{"tcp_max_tw_buckets": "0", "tcp_fin_timeout": "120", "tcp_autocorking": "0"} {
		if err := os.WriteFile("/proc/sys/net/ipv4/"+file, []byte(text), 0); err != nil {
			return err
		}
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	request := make([]byte, ifReqSize)
	copy(request, "lo")
	binary.LittleEndian.PutUint16(request[ifNameSize:], syscall.IFF_UP|syscall.IFF_RUNNING)
	if r := hostCall(lx.SysIoctl, [6]uint64{uint64(fd), siocSIFFlags, uint64(sys.Address(request))}); r != 0 {
		return fmt.Errorf("lo can't be made to work: %s", resultText(r))
	}
	return nil
}

func plantInet(t *testing.T) func(*differ, *world) {
	return func(d *differ, w *world) {
		if err := ownNetwork(); err != nil {
			t.Error(err)
		}
		empty(w)
		d.steps, d.quiet = inetSteps, true
		host := d.host.do
		d.host.do = func(nr uint64, args [6]uint64) uint64 {
			r := host(nr, args)
			if settles[int(nr)] {
				time.Sleep(20 * time.Microsecond) // what was sent may be delivered by another thread of the kernel's
			}
			return r
		}
	}
}

// settles are calls that send something.
var settles = map[int]bool{lx.SysConnect: true, lx.SysClose: true, lx.SysSendto: true, lx.SysSendmsg: true, lx.SysWrite: true,
	lx.SysShutdown: true, lx.SysDup3: true}

var inetSteps = []func(*differ) bool{
	stepInet, stepInet, stepInet, stepClose, stepPoll, stepPoll, stepPoll, stepPoll, stepEpollCtl, stepEpollCtl, stepEpollWait, stepEpollWait, stepEpoll,
	stepInetBind, stepInetBind, stepInetBind, stepInetConnect, stepInetConnect, stepInetConnect, stepInetConnect, stepInetConnect,
	stepInetAccept, stepInetAccept, stepInetAccept, stepInetPair, stepInetPair,
	stepSend, stepSend, stepSend, stepInetSendto, stepInetSendto, stepInetReceive, stepInetReceive, stepInetReceive, stepInetReceive,
	stepReadSocket, stepReadSocket, stepWriteSocket, stepWriteSocket, stepInetName, stepInetName, stepDup, stepFstat,
	plain(lx.SysListen, func(d *differ) []arg { return []arg{d.slot(), num(uint64(8 + d.r.IntN(8)))} }),
	plain(lx.SysListen, func(d *differ) []arg { return []arg{d.slot(), num(uint64(8 + d.r.IntN(8)))} }),
	plain(lx.SysShutdown, func(d *differ) []arg { return []arg{d.slot(), num(uint64(d.r.IntN(4)))} }),
	stepInetIoctl, stepInetOption, stepInetOption, stepInetOption, stepInetSetOption, stepInetSetOption, stepInetSetOption,
	stepInetSendmsg, stepInetRecvmsg, stepInetRecvmsg,
}

func stepInet(d *differ) bool {
	i := 1 + d.r.IntN(slots-1)
	family := []uint64{2, 2, 10}[d.r.IntN(3)]
	what := []uint64{1, 1, 2}[d.r.IntN(3)]
	protocol := uint64(0)
	if d.r.IntN(12) == 0 {
		what = []uint64{0, 1, 2, 4, 7, 11}[d.r.IntN(6)]
		protocol = []uint64{0, 6, 17, 1, 300, ^uint64(0)}[d.r.IntN(6)]
	}
	return d.openInet(i, family, what, protocol)
}

// openInet makes a socket that sends at once what it is given.
func (d *differ) openInet(i int, family, what, protocol uint64) bool {
	ok := d.open(i, lx.SysSocket, num(family), num(what|abi.O_NONBLOCK), num(protocol))
	d.kind[i] = 's'
	if !ok || what != 1 {
		return ok
	}
	d.both(pathAt, "\x01\x00\x00\x00")
	_, _, ok = d.same(lx.SysSetsockopt, slot(uint64(i)), num(6), num(1), mem(pathAt), num(4))
	return ok
}

var (
	inetAddresses4 = []string{"127.0.0.1", "127.0.0.1", "127.0.0.1", "0.0.0.0", "127.0.0.2", "10.1.2.3", "255.255.255.255", "127.255.255.255", "224.0.0.7"}
	inetAddresses6 = []string{"::1", "::1", "::", "::ffff:127.0.0.1", "::ffff:127.0.0.1", "::ffff:0.0.0.0", "2001:db8::1", "::ffff:10.1.2.3"}
)

// inetAddress puts an address into both memories, and gives where it is and its length: mostly one of a few, or that
// of a socket, whose port needn't be the same.
func (d *differ) inetAddress(at int) (arg, arg) {
	if d.r.IntN(3) == 0 {
		if n, ok := d.nameOf(d.slot(), at); ok {
			return mem(uint64(at)), num(n)
		}
	}
	text, six := inetAddresses4[d.r.IntN(len(inetAddresses4))], false
	if d.r.IntN(3) == 0 {
		text, six = inetAddresses6[d.r.IntN(len(inetAddresses6))], true
	}
	number := uint16(7000 + d.r.IntN(3))
	if d.r.IntN(6) == 0 {
		number = 0
	}
	b := inet.AppendAddress(nil, six, netip.AddrPortFrom(netip.MustParseAddr(text), number))
	switch d.r.IntN(25) {
	case 0:
		b = b[:d.r.IntN(len(b))]
	case 1:
		b[0] = []byte{0, 1, 2, 10}[d.r.IntN(4)]
	case 2:
		b = append(b, make([]byte, d.r.IntN(110))...)
	}
	d.both(at, string(b))
	d.log = append(d.log, fmt.Sprintf("  address % x", b))
	return mem(uint64(at)), num(uint64(len(b)))
}

// nameOf asks both for the address of a slot's socket.
func (d *differ) nameOf(i arg, at int) (n uint64, ok bool) {
	for _, s := range []*side{&d.ours, &d.host} {
		clear(s.memory[at : at+140])
		binary.LittleEndian.PutUint32(s.memory[at+130:], 128)
		if s.call(lx.SysGetsockname, []arg{i, mem(uint64(at)), mem(uint64(at + 130))}) != 0 {
			return 0, false
		}
		n = uint64(binary.LittleEndian.Uint32(s.memory[at+130:]))
	}
	d.log = append(d.log, fmt.Sprintf("  address of slot%d", i.v))
	return n, true
}

// inetSame compares addresses, of which ports that were given by chance needn't be the same.
func (d *differ) inetSame(at, n int) bool {
	a, b := d.ours.memory[at+2:at+4], d.host.memory[at+2:at+4]
	if a[0] >= 0x80 && b[0] >= 0x80 {
		clear(a)
		clear(b)
	}
	return d.memorySame(at, n)
}

func stepInetBind(d *differ) bool {
	a, n := d.inetAddress(pathAt)
	_, _, ok := d.same(lx.SysBind, d.slot(), a, n)
	return ok
}

func stepInetConnect(d *differ) bool {
	a, n := d.inetAddress(pathAt)
	_, _, ok := d.same(lx.SysConnect, d.slot(), a, n)
	return ok
}

// stepInetPair makes a connection of two slots by a third that listens.
func stepInetPair(d *differ) bool {
	i := 1 + d.r.IntN(slots-3)
	family := []uint64{2, 10}[d.r.IntN(2)]
	for k := range 2 {
		if !d.openInet(i+k, family, 1, 0) {
			return false
		}
	}
	if _, _, ok := d.same(lx.SysListen, slot(uint64(i)), num(10)); !ok {
		return false
	}
	n, ok := d.nameOf(slot(uint64(i)), pathAt)
	if !ok {
		return true
	}
	if _, _, ok := d.same(lx.SysConnect, slot(uint64(i+1)), mem(pathAt), num(n)); !ok {
		return false
	}
	if !d.open(i+2, lx.SysAccept4, slot(uint64(i)), num(0), num(0), num(abi.O_NONBLOCK)) {
		return false
	}
	d.kind[i+2] = 's'
	return true
}

func stepInetAccept(d *differ) bool {
	d.room(pathAt)
	i := 1 + d.r.IntN(slots-1)
	from := d.slot()
	ok := d.open(i, lx.SysAccept4, from, mem(pathAt+8), mem(pathAt), num(abi.O_NONBLOCK|d.flags(abi.O_CLOEXEC)))
	d.kind[i] = 's'
	return ok && d.inetSame(pathAt+8, 130) && d.memorySame(pathAt, 4)
}

func stepInetSendto(d *differ) bool {
	return d.sendTo((*differ).inetAddress)
}

func stepInetReceive(d *differ) bool {
	return d.receiveFrom() && d.inetSame(pathAt+8, 130) && d.memorySame(pathAt, 4)
}

func stepInetName(d *differ) bool {
	nr := lx.SysGetsockname
	if d.r.IntN(2) == 0 {
		nr = lx.SysGetpeername
	}
	d.room(pathAt)
	_, _, ok := d.same(nr, d.slot(), mem(pathAt+8), mem(pathAt))
	return ok && d.inetSame(pathAt+8, 130) && d.memorySame(pathAt, 4)
}

func stepInetIoctl(d *differ) bool {
	request := []uint64{abi.FIONREAD, abi.TCGETS, siocAtMark, siocGIFName, siocGIFConf, siocGIFFlags, siocGIFAddr, siocGIFNetmask, siocGIFBrdAddr,
		siocGIFMTU, siocGIFHWAddr, siocGIFIndex, siocGIFMetric, siocGIFTxQLen}[d.r.IntN(14)]
	i := d.slot()
	if !d.sockets(i) {
		return true
	}
	for _, s := range []*side{&d.ours, &d.host} {
		b := s.memory[dataAt : dataAt+256]
		clear(b)
		switch request {
		case siocGIFConf:
			binary.LittleEndian.PutUint32(b, uint32(len(d.log)%3)*40)
			binary.LittleEndian.PutUint64(b[8:], s.base+dataAt+100)
		case siocGIFName:
			binary.LittleEndian.PutUint32(b[ifNameSize:], uint32(1+len(d.log)%2))
		default:
			copy(b, []string{"lo", "lo", "eth0"}[len(d.log)%3])
		}
	}
	_, _, ok := d.same(lx.SysIoctl, i, num(request), mem(dataAt))
	clear(d.ours.memory[dataAt+8 : dataAt+16])
	if request == siocGIFConf {
		clear(d.host.memory[dataAt+8 : dataAt+16])
	}
	return ok && d.memorySame(dataAt, 256)
}

type inetOption struct{ level, option uint64 }

// inetOptions are those whose values are the same whatever was done.
var inetOptions = []inetOption{
	{1, soReuseAddr}, {1, soReusePort}, {1, soType}, {1, soError}, {1, soError}, {1, soError}, {1, soKeepAlive}, {1, soLinger}, {1, soRcvLowat},
	{1, soRcvTimeo}, {1, soAcceptConn}, {1, soProtocol}, {1, soDomain}, {1, soBroadcast}, {1, 197}, {1, soPeerCred}, {1, soPassCred},
	{0, 1}, {0, 2}, {0, 8}, {0, 11}, {0, 12}, {0, 13}, {0, 34}, {0, 100},
	{6, 1}, {6, 3}, {6, 4}, {6, 5}, {6, 6}, {6, 7}, {6, 18}, {6, 25}, {6, 200},
	{41, 16}, {41, 25}, {41, 26}, {41, 26}, {41, 49}, {41, 51}, {41, 66}, {41, 67}, {41, 19},
}

func stepInetOption(d *differ) bool {
	o := inetOptions[d.r.IntN(len(inetOptions))]
	d.room(pathAt)
	i := d.slot()
	if d.ours.memory[pathAt+3] != 0 { // less than nothing: which error comes first isn't the same
		return true
	}
	if !d.sockets(i) {
		return true
	}
	_, _, ok := d.same(lx.SysGetsockopt, i, num(o.level), num(o.option), mem(pathAt+8), mem(pathAt))
	return ok && d.memorySame(pathAt, 40)
}

func stepInetSetOption(d *differ) bool {
	o := inetOptions[d.r.IntN(len(inetOptions))]
	if d.r.IntN(3) == 0 {
		o = []inetOption{{1, soReuseAddr}, {1, soReuseAddr}, {1, soReusePort}, {1, soLinger}, {41, 26}, {1, soBroadcast}}[d.r.IntN(6)]
	}
	i := d.slot()
	if !d.sockets(i) || o == (inetOption{6, 1}) || o == (inetOption{6, 3}) { // these two have Linux send later
		return true
	}
	v := []uint32{1, 1, 1, 0, 5, 300, ^uint32(0)}[d.r.IntN(7)]
	for _, s := range []*side{&d.ours, &d.host} {
		b := s.memory[pathAt : pathAt+16]
		clear(b)
		binary.LittleEndian.PutUint32(b, v)
	}
	n := []uint64{4, 4, 4, 8, 16, 1, 0, 3, ^uint64(0)}[d.r.IntN(9)]
	_, _, ok := d.same(lx.SysSetsockopt, i, num(o.level), num(o.option), mem(pathAt), num(n))
	d.log = append(d.log, fmt.Sprintf("  value %#x", v))
	return ok
}

// stepInetSendmsg sends a message, some with the address that it is to come from.
func stepInetSendmsg(d *differ) bool {
	d.data()
	a, n := d.inetAddress(pathAt)
	room := d.r.IntN(3) * 14
	if room > 0 {
		room = cmsgSize + infoSize4
	}
	d.message(a.kind == 'p', int(n.v), room)
	from := []byte{127, 0, 0, []byte{0, 1, 1, 3}[d.r.IntN(4)]}
	if from[3] == 0 {
		from = make([]byte, 4)
	}
	for _, s := range []*side{&d.ours, &d.host} {
		b := s.memory[pathAt2+200:]
		clear(b[:64])
		binary.LittleEndian.PutUint64(b, uint64(cmsgSize+infoSize4))
		binary.LittleEndian.PutUint32(b[12:], ipPacketInfo)
		copy(b[cmsgSize+4:], from)
	}
	_, _, ok := d.same(lx.SysSendmsg, d.slot(), mem(pathAt2), d.sendFlags())
	return ok
}

func stepInetRecvmsg(d *differ) bool {
	room := d.r.IntN(120)
	d.message(true, d.r.IntN(60), room)
	for _, s := range []*side{&d.ours, &d.host} {
		clear(s.memory[dataAt : dataAt+300])
		clear(s.memory[pathAt : pathAt+140])
		clear(s.memory[pathAt2+200 : pathAt2+400])
	}
	_, _, ok := d.same(lx.SysRecvmsg, d.slot(), mem(pathAt2), num(msgDontWait|d.flags(msgPeek, msgTrunc)))
	for _, s := range []*side{&d.ours, &d.host} {
		h := s.memory[pathAt2:]
		clear(h[headName:8])
		clear(h[headIovec:24])
		clear(h[headControl:40])
		clear(h[100:132])
	}
	return ok && d.memorySame(dataAt, 300) && d.inetSame(pathAt, 140) && d.memorySame(pathAt2, 400)
}
