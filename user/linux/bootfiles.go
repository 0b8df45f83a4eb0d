// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"strings"

	"loam/abi"
	"loam/user/linux/vfs"
)

const (
	bootFolder  = "/boot/"
	bootProgram = bootFolder + "program" // what loam run was given
	bootRoots   = bootFolder + abi.RootsFile
)

// bootFiles is /boot: of the boot archive's files those that the sandbox's first programs are started from, and the certificates.
type bootFiles struct {
	dir   *vfs.Fixed
	files map[string]bootFile // by name
}

// bootFile is the content of a file, which stays mapped, and its inode number.
type bootFile struct {
	content []byte
	ino     uint64
}

// newBootFiles makes the directory, with the program in it if there is one.
func (s *Server) newBootFiles(now abi.Timespec) vfs.Node {
	s.boot = &bootFiles{dir: &vfs.Fixed{Ino: 1, Dev: devBoot, Time: now, Kind: tmpfsMagic}, files: map[string]bootFile{}}
	s.addBootFile(bootProgram, 0o555)
	s.addBootFile(bootRoots, 0o444)
	return s.boot.dir
}

// addBootFile has a file be there, if the archive has it: a service's sandbox begins without its program.
func (s *Server) addBootFile(path string, mode uint32) {
	name, is := strings.CutPrefix(path, bootFolder)
	if _, known := s.boot.files[name]; known || !is {
		return
	}
	b := s.machine.File(name)
	if b == nil {
		return
	}
	f := bootFile{b, s.boot.dir.Ino + 1 + uint64(len(s.boot.files))}
	s.boot.files[name] = f
	s.boot.dir.Add(name, &textNode{ino: f.ino, dev: devBoot, kind: tmpfsMagic, mode: mode, time: s.boot.dir.Time,
		text: func() []byte { return b }, size: int64(len(b))})
}

// bootFile gives a program's file, if it is of the boot archive.
func (s *Server) bootFile(path string) (bootFile, bool) {
	name, is := strings.CutPrefix(path, bootFolder)
	f, known := s.boot.files[name]
	return f, is && known
}
