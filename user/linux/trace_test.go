// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"regexp"
	"strings"
	"testing"

	"loam/abi"
	"loam/user/linux/lx"
)

// TestTrace looks at a few calls, of which one waits.
func TestTrace(t *testing.T) {
	w := newWorld(t)
	var lines []string
	w.Trace(true, func(line string) { lines = append(lines, line) })
	path := w.put(0, "/tmp/fi\"le\x00")
	fd := w.call(lx.SysOpenat, here, path, abi.O_CREAT|abi.O_RDWR|abi.O_CLOEXEC, 0o644)
	w.want(5, lx.SysWrite, fd, w.put(100, "text\n"), 5)
	w.want(abi.EBADF, lx.SysClose, 99)
	w.want(0, lx.SysPipe2, fakeBase+200, 0)
	w.begin(lx.SysRead, 4, fakeBase+300, 10)
	w.want(3, lx.SysWrite, 5, w.put(400, strings.Repeat("x", 100)), 3)
	w.begin(lx.SysRead, 4, fakeBase+300, 10)
	w.Table()
	want := []string{
		`[pid 42] openat(AT_FDCWD, "/tmp/fi\"le", O_RDWR|O_CREAT|O_CLOEXEC, 0644) = 3 <0.000000>`,
		`[pid 42] write(3, "text\n", 5) = 5 <0.000000>`,
		`[pid 42] close(99) = -1 EBADF (bad file descriptor) <0.000000>`,
		`[pid 42] pipe2(0x100c8, 0) = 0 <0.000000>`,
		`[pid 42] write(5, "xxx", 3) = 3 <0.000000>`,
		`[pid 42] read(4, 0x1012c, 10) = 3 <0.000000>`,
		`[pid 42] read(4, 0x1012c, 10) <unfinished ...>`,
	}
	if len(lines) < len(want) || strings.Join(lines[:len(want)], "\n") != strings.Join(want, "\n") {
		t.Fatalf("%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	table := strings.Join(lines[len(want):], "\n")
	for _, line := range []string{` 2 +write\n`, ` 1 +1 close\n`, ` 6 +1 total$`} {
		if !regexp.MustCompile(line).MatchString(table) {
			t.Errorf("%q isn't in\n%s", line, table)
		}
	}
}
