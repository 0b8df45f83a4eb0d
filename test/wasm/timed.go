// SPDX-License-Identifier: Apache-2.0

package wasm

import "slices"

// TimedParts is how often a module of Timed does its calls; the first time is to warm up.
const TimedParts = 6

// TimedCalls are what Timed knows.
var TimedCalls = []string{"fd_write", "fd_write_null", "path_open", "clock_time_get", "random_get"}

// Where a module of Timed has what. The times are two for each part, before and behind it.
const (
	timedText   = 0  // an iovec of what is written
	timedAnswer = 8  // an iovec of the times
	timedResult = 16 // what a call leaves
	timedFD     = 20 // of the file
	timedPath   = 24
	timedBuffer = 64
	timedTimes  = 256
)

// TimedSize is how many bytes are written and got by a call.
const TimedSize = 64

// Timed is a module that makes a call of WASI n times in each part, and writes to stderr what the monotonic clock said
// before and behind it, 16 bytes a part. It exits with the error number of a call that fails.
//
//   - fd_write and fd_write_null write 64 bytes: to a file in the first folder, and to stdout
//   - path_open opens a file of that folder, and closes it
//   - random_get gets 64 bytes
func Timed(what string, n int) []byte {
	if !slices.Contains(TimedCalls, what) {
		panic("wasm: nothing to time: " + what)
	}
	m := &Builder{}
	write, clock := m.WASI("fd_write", four), m.WASI("clock_time_get", string([]byte{I32, I64, I32}))
	open, closes := m.WASI("path_open", string([]byte{I32, I32, I32, I32, I32, I64, I64, I32, I32})), m.WASI("fd_close", string(I32))
	random, exit := m.WASI("random_get", string([]byte{I32, I32})), m.Import("wasi_snapshot_preview1", "proc_exit", string(I32), "")
	check := m.Func(string(I32), "", 0, opLocalGet, 0, 0x04, noType, opLocalGet, 0, call(exit), opEnd)
	const name = "file"
	m.Memory(1).Data(timedText, iovec(timedBuffer, TimedSize)).Data(timedAnswer, iovec(timedTimes, 16*TimedParts)).Data(timedPath, []byte(name))

	const create, canWrite, canRead, int64Const = 1, 1 << 6, 1 << 1, 0x42
	openFile := func(how, rights int64) []byte {
		return Cat(Const(3), Const(0), Const(timedPath), Const(int64(len(name))), Const(how), int64Const, S64(rights), int64Const, 0,
			Const(0), Const(timedFD), call(open), call(check))
	}
	fd := Cat(Const(timedFD), load)
	var one []byte
	switch what {
	case "fd_write":
		one = Cat(fd, Const(timedText), Const(1), Const(timedResult), call(write))
	case "fd_write_null":
		one = Cat(Const(1), Const(timedText), Const(1), Const(timedResult), call(write))
	case "path_open":
		one = Cat(openFile(0, canRead), fd, call(closes))
	case "clock_time_get":
		one = Cat(Const(1), int64Const, 1, Const(timedBuffer), call(clock))
	case "random_get":
		one = Cat(Const(timedBuffer), Const(TimedSize), call(random))
	}
	const part, left = 0, 1 // local variables: where its times go; calls to do
	now := func(at int64) []byte {
		return Cat(Const(1), int64Const, 1, opLocalGet, part, Const(at), opAdd, call(clock), call(check))
	}
	return m.Start(2, openFile(create, canWrite), Const(timedTimes), opLocalSet, part,
		opLoop, noType,
		now(0), Const(int64(n)), opLocalSet, left,
		opLoop, noType, one, call(check), opLocalGet, left, Const(-1), opAdd, 0x22, left, opBrIf, 0, opEnd, // local.tee
		now(8), opLocalGet, part, Const(16), opAdd, 0x22, part, Const(timedTimes+16*TimedParts), opLtU, opBrIf, 0, opEnd,
		Const(2), Const(timedAnswer), Const(1), Const(timedResult), call(write), call(check)).Bytes()
}
