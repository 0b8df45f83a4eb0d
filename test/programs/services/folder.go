//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"loam/abi"
	"loam/user/folderd"
	"loam/user/ipc"
	"loam/user/object"
	"loam/user/sys"
)

// shortFolder is the server of a folder, which is killed after some ms, if it is to be.
func shortFolder(ms int, args []string) {
	if ms > 0 {
		dieAfter(ms)
	}
	check(folderd.Run(args))
}

// fileSize is that of each file that is copied, some more than a few calls carry.
const fileSize = 100_000

// files copies files of the host's, in/0 and so on, to out/0 and so on, by a service that is
// killed as often as it likes, until all are done and it has been started again so often.
func files(restarts uint64, count int) {
	lost := 0
	for i := 0; i < count || restartsOf("folder") < restarts; i++ {
		for copyFile(i%count) != nil {
			lost++
		}
	}
	for waysOut() != nil {
		lost++
	}
	fmt.Println("copied")
	fmt.Fprintln(os.Stderr, lost, "calls were lost and made again")
}

// attach begins a session, and again if the service dies.
func attach() *folderd.FolderClient {
	to := folderd.NewFoldersClient(ipc.Endpoint(object.Given(0)))
	for {
		session, info, err := to.Attach(background, ipc.Copy(abi.HandleProcess, abi.RightWait))
		if errors.Is(err, syscall.ECONNRESET) {
			continue
		}
		check(err)
		if info.ReadOnly {
			check(errors.New("it is read-only"))
		}
		return folderd.NewFolderClient(ipc.Endpoint(session.Handle))
	}
}

// session is that of this process: it has one until the service dies, for it may not have
// many, and none ends before the process or the service does.
var session *folderd.FolderClient

// with does something in the session. An error says that the service has died.
func with(do func(f *folderd.FolderClient) error) error {
	if session == nil {
		session = attach()
	}
	err := do(session)
	if !died(err) {
		check(err)
		return err
	}
	_ = object.Close(object.Handle(session.Client.To))
	if session = nil; shared != nil {
		check(object.Here.Unmap(sys.Address(shared), uint64(len(shared))))
		shared = nil
	}
	return err
}

// shared is the session's memory, once it is wanted.
var shared []byte

// share has the session's memory mapped. The service's instances all have the same, and the one before
// may have died with a session of this process.
func share(f *folderd.FolderClient) error {
	if shared != nil {
		return nil
	}
	h, size, err := f.Share(background)
	if err != nil {
		return err
	}
	at, err := object.Here.Map(object.Memory(h.Handle), 0, 0, uint64(size), abi.PROT_READ|abi.PROT_WRITE)
	check(err)
	shared = object.Bytes(at, uint64(size))
	return object.Close(object.Handle(h.Handle))
}

// died reports whether an error says that the service has died.
func died(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.ECONNREFUSED)
}

// waysOut tries to leave the folder.
func waysOut() error {
	return with(func(f *folderd.FolderClient) error {
		_, up := f.Stat(background, folderd.Root, "../secret", true)
		_, _, link := f.Open(background, folderd.Root, "in/link", abi.O_RDONLY, 0)
		for _, err := range []error{up, link} {
			if died(err) {
				return err
			}
			if !errors.Is(err, syscall.EXDEV) {
				return fmt.Errorf("a way out: %v", err)
			}
		}
		return nil
	})
}

// copyFile copies a file.
func copyFile(i int) error {
	return with(func(f *folderd.FolderClient) error {
		var by ways = f
		if i%2 == 1 {
			if err := share(f); err != nil {
				return err
			}
			by = sharing{f}
		}
		return copyBy(f, by, fmt.Sprint("in/", i), fmt.Sprint("out/", i))
	})
}

// ways are how data goes: in messages, or by the session's memory.
type ways interface {
	Read(ctx context.Context, file uint32, offset int64, n uint32) ([]byte, error)
	Write(ctx context.Context, file uint32, offset int64, data []byte) (uint32, error)
}

type sharing struct{ f *folderd.FolderClient }

const sharedAt = 3 // no multiple of anything

func (s sharing) Read(ctx context.Context, file uint32, offset int64, n uint32) ([]byte, error) {
	got, err := s.f.ReadTo(ctx, file, offset, sharedAt, n)
	return bytes.Clone(shared[sharedAt:][:got]), err
}

func (s sharing) Write(ctx context.Context, file uint32, offset int64, data []byte) (uint32, error) {
	return s.f.WriteFrom(ctx, file, offset, sharedAt, uint32(copy(shared[sharedAt:], data)))
}

func copyBy(f *folderd.FolderClient, by ways, from, to string) error {
	in, _, err := f.Open(background, folderd.Root, from, abi.O_RDONLY, 0)
	if err != nil {
		return err
	}
	out, _, err := f.Open(background, folderd.Root, to, abi.O_RDWR|abi.O_CREAT|abi.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	var all []byte
	for {
		p, err := by.Read(background, in, int64(len(all)), folderd.MaxData)
		if err != nil {
			return err
		}
		if len(p) == 0 {
			break
		}
		if _, err := by.Write(background, out, int64(len(all)), p); err != nil {
			return err
		}
		all = append(all, p...)
	}
	back, err := f.Read(background, out, fileSize-100, 200)
	if err == nil && (len(all) != fileSize || !bytes.Equal(back, all[fileSize-100:])) {
		check(fmt.Errorf("%s: %d bytes, of which %d came back", from, len(all), len(back)))
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Close(background, in), f.Close(background, out))
}
