// SPDX-License-Identifier: Apache-2.0

package proglist

import (
	"reflect"
	"strings"
	"testing"
)

func TestEntries(t *testing.T) {
	list := []Entry{
		{Name: "console", State: StateBlocked, PID: 3, Threads: 4, Restarts: 5, CPU: 6, Memory: 7, Alive: 8},
		{Name: "b", State: StateStopped, Why: "killed\tby\n\x1b\xff signal 9 (SIGKILL)"},
		{Name: "c", State: StateEnded, CPU: 1<<64 - 1},
	}
	text := Encode(list, 1000)
	got, err := Decode(text)
	list[1].Why = "killed?by??? signal 9 (SIGKILL)"
	if err != nil || !reflect.DeepEqual(got, list) {
		t.Errorf("%v, %+v", err, got)
	}
	short := Encode(list, len(text)-1)
	if got, err = Decode(short); err != nil || !reflect.DeepEqual(got, list[:2]) {
		t.Errorf("cut: %v, %+v", err, got)
	}
	for _, bad := range []string{
		"x", "a\tended\t\t1\t2\t3\t4\t5\t6", "a\tended\t\t1\t2\t3\t4\t5\n", "a\tdead\t\t1\t2\t3\t4\t5\t6\n",
		"a\tended\t\t-1\t2\t3\t4\t5\t6\n", "a\tended\t\t4294967296\t2\t3\t4\t5\t6\n", "\x1b\tended\t\t1\t2\t3\t4\t5\t6\n",
		strings.Repeat("a\tended\t\t1\t2\t3\t4\t5\t6\n", 1000),
	} {
		if got, err := Decode(bad); err == nil {
			t.Errorf("%q: %+v", bad, got)
		}
	}
}

// FuzzDecode: what is accepted is written in the same way.
func FuzzDecode(f *testing.F) {
	f.Add("console\tblocked\t\t3\t4\t5\t6\t7\t8\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := Decode(text)
		if err != nil {
			return
		}
		again, err := Decode(Encode(list, len(text)))
		if err != nil || !reflect.DeepEqual(again, list) {
			t.Fatalf("%q: %v, %+v", text, err, again)
		}
	})
}
