// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Children gives the ids of the living processes whose parent is pid and whose
// name begins with name.
func Children(pid int, name string) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var out []int
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		comm, state, parent, ok := status(id)
		if ok && parent == pid && state != "Z" && strings.HasPrefix(comm, name) {
			out = append(out, id)
		}
	}
	return out, nil
}

// Alive reports whether a process runs; one that nobody has waited for doesn't.
func Alive(pid int) bool {
	_, state, _, ok := status(pid)
	return ok && state != "Z" && state != "X"
}

// status reads name, state and parent of a process (proc_pid_stat(5)).
func status(pid int) (comm, state string, parent int, ok bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", "", 0, false
	}
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || end < open {
		return "", "", 0, false
	}
	fields := strings.Fields(string(b[end+1:]))
	if len(fields) < 2 {
		return "", "", 0, false
	}
	parent, err = strconv.Atoi(fields[1])
	return string(b[open+1 : end]), fields[0], parent, err == nil
}
