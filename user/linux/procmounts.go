// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"fmt"
	"sort"
	"strings"

	"loam/abi"
	"loam/user/linux/vfs"
)

// mounts lists what is mounted.
func (s *Server) mounts() string {
	var lines []string
	s.eachMount(func(_ *vfs.Mount, at, mode string, m *vfs.Mount) {
		lines = append(lines, fmt.Sprintf("%s %s %s %s,relatime 0 0\n", escaped(m.Source), escaped(at), m.Type, mode))
	})
	sort.Strings(lines[1:])
	return strings.Join(lines, "")
}

// mountInfo lists them with their numbers.
func (s *Server) mountInfo() string {
	var b strings.Builder
	s.eachMount(func(above *vfs.Mount, at, mode string, m *vfs.Mount) {
		var st abi.Stat
		_, _ = m.Root.Stat(nil, &st)
		parent := 1
		if above != nil {
			parent = s.mountNumber(above)
		}
		fmt.Fprintf(&b, "%d %d %d:%d / %s %s,relatime - %s %s %s\n", s.mountNumber(m), parent, st.Dev>>8, st.Dev&0xff, escaped(at), mode, m.Type, escaped(m.Source), mode)
	})
	return b.String()
}

// eachMount calls f for what is mounted, with where that is and whether it can be written.
func (s *Server) eachMount(f func(above *vfs.Mount, at, mode string, m *vfs.Mount)) {
	v := s.view()
	for _, m := range s.root.All() {
		at, mode := "/", "rw"
		if m.Parent != nil {
			if name, e := v.Name(vfs.Path{Mount: m, Node: m.Root}); e == 0 {
				at = name
			}
		}
		if m.ReadOnly {
			mode = "ro"
		}
		f(m.Parent, at, mode, m)
	}
}

// escaped writes white space as /proc/mounts does.
var escapes = strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`)

func escaped(s string) string { return escapes.Replace(s) }
