// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import (
	"context"

	"github.com/tetratelabs/wazero/api"
)

// function is one of WASI's. p are its parameters; those of 32 bits have nothing above them.
type function struct {
	name   string
	params string // i: i32, I: i64
	call   func(s *System, m memory, p []uint64) Errno
	ends   func(ctx context.Context, m api.Module, p []uint64) // instead, if the module may end in it
}

// results is how many results the function has.
func (f function) results() int {
	if f.name == "proc_exit" {
		return 0
	}
	return 1
}

// functions are all of them, by name.
var functions = []function{
	{name: "args_get", params: "ii", call: argsGet},
	{name: "args_sizes_get", params: "ii", call: argsSizesGet},
	{name: "clock_res_get", params: "ii", call: clockResGet},
	{name: "clock_time_get", params: "iIi", call: clockTimeGet},
	{name: "environ_get", params: "ii", call: environGet},
	{name: "environ_sizes_get", params: "ii", call: environSizesGet},
	{name: "fd_advise", params: "iIIi", call: fdAdvise},
	{name: "fd_allocate", params: "iII", call: fdAllocate},
	{name: "fd_close", params: "i", call: fdClose},
	{name: "fd_datasync", params: "i", call: fdDatasync},
	{name: "fd_fdstat_get", params: "ii", call: fdFdstatGet},
	{name: "fd_fdstat_set_flags", params: "ii", call: fdFdstatSetFlags},
	{name: "fd_fdstat_set_rights", params: "iII", call: fdFdstatSetRights},
	{name: "fd_filestat_get", params: "ii", call: fdFilestatGet},
	{name: "fd_filestat_set_size", params: "iI", call: fdFilestatSetSize},
	{name: "fd_filestat_set_times", params: "iIIi", call: fdFilestatSetTimes},
	{name: "fd_pread", params: "iiiIi", call: fdPread},
	{name: "fd_prestat_dir_name", params: "iii", call: fdPrestatDirName},
	{name: "fd_prestat_get", params: "ii", call: fdPrestatGet},
	{name: "fd_pwrite", params: "iiiIi", call: fdPwrite},
	{name: "fd_read", params: "iiii", call: fdRead},
	{name: "fd_readdir", params: "iiiIi", call: fdReaddir},
	{name: "fd_renumber", params: "ii", call: fdRenumber},
	{name: "fd_seek", params: "iIii", call: fdSeek},
	{name: "fd_sync", params: "i", call: fdSync},
	{name: "fd_tell", params: "ii", call: fdTell},
	{name: "fd_write", params: "iiii", call: fdWrite},
	{name: "path_create_directory", params: "iii", call: pathCreateDirectory},
	{name: "path_filestat_get", params: "iiiii", call: pathFilestatGet},
	{name: "path_filestat_set_times", params: "iiiiIIi", call: pathFilestatSetTimes},
	{name: "path_link", params: "iiiiiii", call: pathLink},
	{name: "path_open", params: "iiiiiIIii", call: pathOpen},
	{name: "path_readlink", params: "iiiiii", call: pathReadlink},
	{name: "path_remove_directory", params: "iii", call: pathRemoveDirectory},
	{name: "path_rename", params: "iiiiii", call: pathRename},
	{name: "path_symlink", params: "iiiii", call: pathSymlink},
	{name: "path_unlink_file", params: "iii", call: pathUnlinkFile},
	{name: "poll_oneoff", params: "iiii", call: pollOneoff},
	{name: "proc_exit", params: "i", ends: procExit},
	{name: "proc_raise", params: "i", ends: procRaise},
	{name: "random_get", params: "ii", call: randomGet},
	{name: "sched_yield", params: "", call: schedYield},
	{name: "sock_accept", params: "iii", call: sockAccept},
	{name: "sock_recv", params: "iiiiii", call: sockRecv},
	{name: "sock_send", params: "iiiii", call: sockSend},
	{name: "sock_shutdown", params: "ii", call: sockShutdown},
}
