// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"fmt"
	"strconv"
)

// /proc/sys: what Go's packages and C libraries look for. Nothing can be changed there.

// settings are files with a number or a word.
var settings = []struct{ folder, name, value string }{
	{"kernel", "hostname", "loam"}, {"kernel", "domainname", "(none)"}, {"kernel", "osrelease", release}, {"kernel", "ostype", "Linux"},
	{"kernel", "version", "#1 SMP Loam"}, {"kernel", "pid_max", "32768"}, {"kernel", "threads-max", "4096"},
	{"kernel", "cap_last_cap", "40"}, {"kernel", "ngroups_max", "65536"}, {"kernel", "randomize_va_space", "2"},
	{"kernel", "core_pattern", "core"}, {"kernel", "rtsig-max", "32"},
	{"vm", "overcommit_memory", "1"}, {"vm", "max_map_count", "65530"}, {"vm", "mmap_min_addr", "65536"}, {"vm", "swappiness", "0"},
	{"fs", "file-max", "9223372036854775807"}, {"fs", "nr_open", strconv.Itoa(MaxFiles)}, {"fs", "pipe-max-size", "1048576"},
}

// nested are those one folder further down.
var nested = []struct{ folder, below, name, value string }{
	{"fs", "inotify", "max_queued_events", strconv.Itoa(mostInEvents)}, {"fs", "inotify", "max_user_instances", "128"},
	{"fs", "inotify", "max_user_watches", strconv.Itoa(mostWatched)},
	{"net", "core", "somaxconn", "4096"}, {"net", "unix", "max_dgram_qlen", "10"},
}

func (s *Server) procSystem(d *procFolder) {
	folders := map[string]*procFolder{}
	in := func(of *procFolder, path, name string) *procFolder {
		f := folders[path]
		if f == nil {
			f = of.folder(name)
			folders[path] = f
		}
		return f
	}
	add := func(to *procFolder, name, value string) { to.text(name, func() string { return value + "\n" }) }
	for _, v := range settings {
		add(in(d, v.folder, v.folder), v.name, v.value)
	}
	for _, v := range nested {
		above := in(d, v.folder, v.folder)
		add(in(above, v.folder+"/"+v.below, v.below), v.name, v.value)
	}
	random := folders["kernel"].folder("random")
	boot := s.uuid()
	random.text("boot_id", func() string { return boot + "\n" })
	random.text("uuid", func() string { return s.uuid() + "\n" })
	add(random, "entropy_avail", "256")
	add(random, "poolsize", "256")
}

// uuid makes a random one (RFC 9562, version 4).
func (s *Server) uuid() string {
	var b [16]byte
	s.random(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
