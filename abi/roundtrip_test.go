// SPDX-License-Identifier: Apache-2.0

package abi

import "testing"

// ramp gives n different bytes.
func ramp(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + 1)
	}
	return b
}

// again checks that decoding b and encoding the result gives b back, but for
// the bytes listed as lost.
func again(t *testing.T, name string, n int, recode func(dst, src []byte), lost ...int) {
	t.Helper()
	src := ramp(n)
	dst := make([]byte, n)
	recode(dst, src)
	skip := map[int]bool{}
	for _, i := range lost {
		skip[i] = true
	}
	for i := range src {
		if want := src[i]; skip[i] && dst[i] != 0 || !skip[i] && dst[i] != want {
			t.Errorf("%s: byte %d is %#x, was %#x", name, i, dst[i], want)
		}
	}
}

func TestRoundTrips(t *testing.T) {
	again(t, "BootFile", BootFileSize, func(d, s []byte) { GetBootFile(s).Put(d) })
	again(t, "Timespec", TimespecSize, func(d, s []byte) { GetTimespec(s).Put(d) })
	again(t, "Timeval", TimevalSize, func(d, s []byte) { GetTimeval(s).Put(d) })
	again(t, "Itimerspec", ItimerspecSize, func(d, s []byte) { GetItimerspec(s).Put(d) })
	again(t, "Itimerval", ItimervalSize, func(d, s []byte) { GetItimerval(s).Put(d) })
	again(t, "Rlimit", RlimitSize, func(d, s []byte) { GetRlimit(s).Put(d) })
	again(t, "PollFD", PollFDSize, func(d, s []byte) { GetPollFD(s).Put(d) })
	again(t, "EpollEvent amd64", EpollEventSizeAMD64, func(d, s []byte) { PutEpollEventAMD64(d, GetEpollEventAMD64(s)) })
	again(t, "EpollEvent", EpollEventSizeGeneric, func(d, s []byte) { PutEpollEventGeneric(d, GetEpollEventGeneric(s)) }, 4, 5, 6, 7)
	again(t, "Sigaction amd64", SigactionSizeAMD64, func(d, s []byte) { PutSigactionAMD64(d, GetSigactionAMD64(s)) })
	again(t, "Sigaction", SigactionSizeGeneric, func(d, s []byte) { PutSigactionGeneric(d, GetSigactionGeneric(s)) })
	again(t, "SigStack", SigStackSize, func(d, s []byte) { GetSigStack(s).Put(d) }, 12, 13, 14, 15)
	again(t, "Hwprobe", HwprobeSize, func(d, s []byte) { GetHwprobe(s).Put(d) })
	lost := []int{12, 13, 14, 15}
	for i := 32; i < SiginfoSize; i++ {
		lost = append(lost, i)
	}
	again(t, "Siginfo", SiginfoSize, func(d, s []byte) { GetSiginfo(s).Put(d) }, lost...)
	if v := GetIovec(ramp(IovecSize)); v.Base != 0x322b241d160f0801 || v.Len != 0x6a635c554e474039 {
		t.Errorf("Iovec %#x", v)
	}
}

func TestSiginfoFields(t *testing.T) {
	i := SentInfo(SIGUSR1, SI_TKILL, 17, 1000)
	if i.PID() != 17 || i.UID() != 1000 || i.Signo != SIGUSR1 || i.Code != SI_TKILL {
		t.Errorf("%+v", i)
	}
	if f := FaultInfo(SIGSEGV, SEGV_ACCERR, 0xdead); f.Addr() != 0xdead || f.Code != SEGV_ACCERR {
		t.Errorf("%+v", f)
	}
}

// TestStatGeneric checks the layout of asm-generic/stat.h, which this host may
// not have.
func TestStatGeneric(t *testing.T) {
	b := make([]byte, StatSizeGeneric)
	PutStatGeneric(b, &Stat{Dev: 1, Ino: 2, Mode: 3, Nlink: 4, UID: 5, GID: 6, Rdev: 7, Size: 8, Blksize: 9, Blocks: 10, Ctim: Timespec{11, 12}})
	for off, want := range map[int]byte{0: 1, 8: 2, 16: 3, 20: 4, 24: 5, 28: 6, 32: 7, 48: 8, 56: 9, 64: 10, 104: 11, 112: 12} {
		if b[off] != want {
			t.Errorf("byte %d is %d, want %d", off, b[off], want)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	b := make([]byte, UtsnameSize)
	if n := testing.AllocsPerRun(100, func() {
		PutStat(b, &Stat{Ino: 3})
		SentInfo(SIGURG, SI_TKILL, 1, 0).Put(b)
		PutSigaction(b, GetSigaction(b))
		Utsname{Sysname: "Linux"}.Put(b)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
