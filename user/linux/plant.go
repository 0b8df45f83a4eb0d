// SPDX-License-Identifier: Apache-2.0

package linux

import "loam/abi"

// What there is at the begin, as every program may expect it.

// directories are made at the begin.
var directories = []struct {
	path string
	mode uint32
}{
	{"/boot", 0o755}, {"/dev", 0o755}, {"/etc", 0o755}, {"/home", 0o755}, {"/mnt", 0o755}, {"/proc", 0o555},
	{"/root", 0o700}, {"/run", 0o755}, {"/tmp", 0o1777}, {"/usr", 0o755}, {"/usr/bin", 0o755}, {"/usr/lib", 0o755},
	{"/usr/local", 0o755}, {"/usr/local/bin", 0o755}, {"/usr/sbin", 0o755}, {"/usr/share", 0o755},
	{"/var", 0o755}, {"/var/log", 0o755}, {"/var/tmp", 0o1777},
}

// links are made at the begin.
var links = []struct{ path, target string }{
	{"/bin", "usr/bin"}, {"/sbin", "usr/sbin"}, {"/lib", "usr/lib"}, {"/var/run", "/run"}, {"/etc/mtab", "/proc/self/mounts"},
}

// texts are the files that C libraries and Go's packages read to know users and hosts.
var texts = []struct{ path, text string }{
	{"/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"},
	{"/etc/group", "root:x:0:\nnogroup:x:65534:\n"},
	{"/etc/hostname", "loam\n"},
	{"/etc/hosts", "127.0.0.1\tlocalhost loam\n::1\tlocalhost\n"},
	{"/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"},
}

// rootsPlace is where they are looked for, by Go's crypto/x509 and OpenSSL of Debian among others.
const rootsPlace = "/etc/ssl/certs"

// plantRoots makes a link to the certificates, if there are any.
func (s *Server) plantRoots() {
	v := s.view()
	if _, e := v.Lookup(nil, v.Root, bootRoots, true); e != 0 {
		return
	}
	_ = v.Mkdir(nil, v.Root, "/etc/ssl", 0o755)
	_ = v.Mkdir(nil, v.Root, rootsPlace, 0o755)
	_ = v.Symlink(nil, bootRoots, v.Root, rootsPlace+"/"+abi.RootsFile)
}

// plant makes what there is at the begin, and mounts.
func (s *Server) plant(c Config) {
	v := s.view()
	for _, d := range directories {
		_ = v.Mkdir(nil, v.Root, d.path, d.mode)
	}
	for _, l := range links {
		_ = v.Symlink(nil, l.target, v.Root, l.path)
	}
	for _, t := range texts {
		s.writeText(t.path, t.text)
	}
	if s.resolvers = resolverText(c.Resolvers, ""); s.resolvers != "" {
		s.writeText(resolverFile, s.resolvers)
	}
	now := c.Clock()
	s.mount("/dev", s.devices(now, c.Random), "devtmpfs", "devtmpfs", false)
	pts := s.pts(now)
	s.mount("/dev/pts", pts, "devpts", "devpts", false)
	for _, m := range s.root.All() {
		if m.Root == pts {
			s.ptsMount = m
		}
	}
	s.mount("/dev/shm", s.memory.Another(0o1777), "tmpfs", "tmpfs", false)
	s.mount("/proc", s.proc(now), "proc", "proc", false)
	s.mount("/boot", s.newBootFiles(now), "boot", "bootfs", true)
	s.plantRoots()
}
