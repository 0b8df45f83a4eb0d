// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command pager tries memory objects whose pages come from a pager: from a child of
// this program that serves them (serve.go), to threads of this one and of others
// (touch.go) and to calls that are given such memory (calls.go); and pagers that
// fail (fail.go). "role costs MODE" tells what a page costs.
package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == "role" {
		if err := play(os.Args[2], os.Args[3:]); err != nil {
			fmt.Fprintf(os.Stderr, "pager: %s: %v\n", strings.Join(os.Args[2:], " "), err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	cases.Main(slices.Concat(touchCases(), callCases(), failCases(), errorCases(),
		[]cases.Case{{Name: "nothing is left", Run: nothingLeft}}))
}

// play is what a child does.
func play(role string, args []string) error {
	switch role {
	case "serve":
		return serve(args[0])
	case "touch":
		return touchAll(args[0])
	case "stuck":
		return stuck()
	case "costs":
		costs(args[0])
		return nil
	}
	return errors.New("no such role")
}

// nothingLeft wants all that the cases took to be given back.
func nothingLeft() error {
	for range 100 {
		info, err := object.Self.Info()
		if err != nil {
			return err
		}
		u := info.Used
		if u.Of(abi.KindMemory)|u.Of(abi.KindEndpoint)|u.Of(abi.KindProcess) == 0 {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	info, _ := object.Self.Info()
	return fmt.Errorf("charged for %v", info.Used)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func try(err error) {
	if err != nil {
		panic(err)
	}
}

// paged is a memory object with its pager, a child.
type paged struct {
	memory   object.Memory
	endpoint abi.Handle
	pager    object.Child
	source   []byte // what the pager supplies
	board    []byte // what it tells

	sourceMemory, boardMemory object.Memory
}

// key is what the pager of these is told.
const key = 0x6b6579_0000_0001

// newPaged makes one of that many bytes. mode is what the pager does (serve.go).
func newPaged(size uint64, mode string) *paged {
	p := &paged{}
	p.endpoint = abi.Handle(must(sys.ObjectCall(abi.CallEndpointCreate)))
	p.memory = must(object.NewPagedMemory(size, p.endpoint, key))
	p.sourceMemory = must(object.NewMemory(size))
	p.boardMemory = must(object.NewMemory(abi.PageSize))
	p.source = mapped(p.sourceMemory, abi.PROT_READ|abi.PROT_WRITE)
	p.board = mapped(p.boardMemory, abi.PROT_READ|abi.PROT_WRITE)
	for i := 0; i < len(p.source); i += 8 {
		putWord(p.source[i:], contentAt(uint64(i)))
	}
	p.start(mode)
	// Without a handle to receive by here, the pager's death is noticed.
	p.endpoint = must(object.Replace(p.endpoint, abi.RightWrite|abi.RightDuplicate|abi.RightTransfer))
	return p
}

// start starts a pager.
func (p *paged) start(mode string) {
	copyOf := func(h abi.Handle, r abi.Rights) abi.HandOn { return abi.HandOn{Handle: h, Rights: r} }
	p.pager = must((&object.Program{File: "program", Args: []string{"pager", "role", "serve", mode}, Handles: []abi.HandOn{
		copyOf(p.endpoint, abi.RightWait),
		copyOf(abi.Handle(p.memory), abi.RightManage|abi.RightRead),
		copyOf(abi.Handle(p.sourceMemory), abi.RightRead),
		copyOf(abi.Handle(p.boardMemory), abi.RightRead|abi.RightWrite),
	}}).Start())
}

// end ends the pager and gives all back.
func (p *paged) end() {
	_ = p.pager.Process.Kill()
	must(p.pager.Process.Wait(object.Forever))
	unmap(p.source)
	unmap(p.board)
	for _, h := range []abi.Handle{p.endpoint, abi.Handle(p.memory), abi.Handle(p.sourceMemory), abi.Handle(p.boardMemory)} {
		try(object.Close(h))
	}
	try(p.pager.Close())
}

// here maps all of it.
func (p *paged) here(prot uint64) []byte { return mapped(p.memory, prot) }

func mapped(m object.Memory, prot uint64) []byte {
	size := must(m.Info()).Size
	return object.Bytes(must(object.Here.Map(m, 0, 0, size, prot)), size)
}

func unmap(b []byte) { try(object.Here.Unmap(addressOf(&b[0]), uint64(len(b)))) }

// contentAt is the word at an offset of each object, a multiple of 8.
func contentAt(offset uint64) uint64 {
	x := (offset + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9
	return x ^ x>>29
}

func putWord(b []byte, v uint64) { word(b).Store(v) }

func getWord(b []byte) uint64 { return word(b).Load() }

// The board: what a pager tells.
const (
	asks       = 0  // how often it was asked
	lastOffset = 8  // the last page
	lastAccess = 16 // and for what
	calls      = 24 // it has answered
)

func (p *paged) told(at int) uint64 { return getWord(p.board[at:]) }
