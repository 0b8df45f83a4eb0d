// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"encoding/binary"
	"fmt"
	"syscall"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

const page = abi.PageSize

func memoryCases() []cases.Case {
	return []cases.Case{
		{Name: "registers are mapped", Run: registersMapped},
		{Name: "registers are no memory", Run: registersNoMemory},
		{Name: "device_memory errors", Run: deviceMemoryErrors},
		{Name: "DMA memory has no gaps", Run: dmaMemory},
		{Name: "DMA memory stays as it is", Run: dmaStays},
		{Name: "memory_create_dma errors", Run: dmaErrors},
		{Name: "memory_address errors", Run: addressErrors},
	}
}

// mapped maps an object and runs f with where it is.
func mapped(m object.Memory, size uint64, f func(addr uint64, b []byte) error) error {
	addr, err := object.Here.Map(m, 0, 0, size, syscall.PROT_READ|syscall.PROT_WRITE)
	if err != nil {
		return fmt.Errorf("map: %w", err)
	}
	err = f(addr, object.Bytes(addr, size))
	return first(err, object.Here.Unmap(addr, size))
}

// registersNoMemory has the kernel asked to go where it may not.
func registersNoMemory() error {
	m, err := machine.DeviceMemory(registers, page)
	if err != nil {
		return err
	}
	defer m.Close()
	info, err := m.Info()
	if err != nil || info.Size != page || info.Backed != 0 {
		return fmt.Errorf("%+v, %v", info, err)
	}
	if at, err := m.Address(4); err != nil || at != registers+4 {
		return fmt.Errorf("address %#x, %v", at, err)
	}
	const prot = syscall.PROT_READ | syscall.PROT_WRITE
	_, private := object.Here.MapPrivate(m, 0, 0, page, prot)
	_, executed := object.Here.Map(m, 0, 0, page, syscall.PROT_READ|syscall.PROT_EXEC)
	_, behind := object.Here.Map(m, 0, page, page, prot)
	_, cloned := m.Clone(0, page)
	err = first(
		want("mapped privately", syscall.EINVAL, private),
		want("mapped to be executed", syscall.EINVAL, executed),
		want("mapped behind its end", syscall.EINVAL, behind),
		want("cloned", syscall.EINVAL, cloned),
		want("resized", syscall.EINVAL, m.Resize(2*page)),
		want("decommitted", syscall.EINVAL, m.Decommit(0, page)),
	)
	if err != nil {
		return err
	}
	return mapped(m, page, func(addr uint64, b []byte) error {
		_, _, write := syscall.RawSyscall(syscall.SYS_WRITE, 1, uintptr(addr), 8)
		_, _, uname := syscall.RawSyscall(syscall.SYS_UNAME, uintptr(addr), 0, 0)
		_, _, protect := syscall.RawSyscall(syscall.SYS_MPROTECT, uintptr(addr), page, syscall.PROT_READ)
		_, _, futex := syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(addr), 1, 1, 0, 0, 0)
		info := second(sys.ObjectCall(abi.CallHandleInfo, uint64(m), addr))
		for what, got := range map[string]error{"write": write, "uname": uname, "handle info": info, "futex": futex} {
			if err := want(what, syscall.EFAULT, got); err != nil {
				return err
			}
		}
		return want("mprotect", syscall.EACCES, protect)
	})
}

func deviceMemoryErrors() error {
	create := func(m, addr, size uint64) error {
		v, err := sys.ObjectCall(abi.CallDeviceMemory, m, addr, size)
		if err == nil {
			object.Close(object.Handle(v))
		}
		return err
	}
	m := uint64(machine)
	err := first(
		want("no handle", syscall.EBADF, create(0, registers, page)),
		want("another kind", syscall.ENOTSUP, create(uint64(abi.HandleThread), registers, page)),
		narrowed(abi.RightManage, func(h object.Handle) error {
			return want("no right", syscall.EACCES, create(uint64(h), registers, page))
		}),
		want("half a page", syscall.EINVAL, create(m, registers, page/2)),
		want("not at a page", syscall.EINVAL, create(m, registers+8, page)),
		want("nothing", syscall.EINVAL, create(m, registers, 0)),
		want("beyond all addresses", syscall.EINVAL, create(m, 1<<63, page)),
		want("around the end", syscall.EINVAL, create(m, ^uint64(page-1), 2*page)),
		want("at 0", syscall.EINVAL, create(m, 0, page)),
		want("too much", syscall.EINVAL, create(m, registers, 1<<62)),
	)
	for _, r := range taken {
		err = first(err, want(r.what, syscall.EBUSY, create(m, r.addr&^(page-1), page)))
	}
	return err
}

func dmaMemory() error {
	for _, size := range []uint64{page, 2 * page, 5 * page, 512 * page, abi.MaxDMA} {
		for _, flags := range []uint64{0, abi.DMA32} {
			if err := dmaOf(size, flags); err != nil {
				return fmt.Errorf("%d bytes: %w", size, err)
			}
		}
	}
	return nil
}

func dmaOf(size, flags uint64) error {
	m, err := machine.NewDMA(size, flags)
	if err != nil {
		return err
	}
	defer m.Close()
	info, err := m.Info()
	if err != nil || info.Size != size || info.Backed < size {
		return fmt.Errorf("%+v, %v", info, err)
	}
	start, err := m.Address(0)
	if err != nil || start%page != 0 || flags != 0 && start+size > 1<<32 {
		return fmt.Errorf("at %#x, %v", start, err)
	}
	for off := uint64(0); off < size; off += page / 2 {
		if at, err := m.Address(off + 7); err != nil || at != start+off+7 {
			return fmt.Errorf("byte %d at %#x, from %#x on: %v", off+7, at, start, err)
		}
	}
	return mapped(m, size, func(_ uint64, b []byte) error {
		for off := uint64(0); off < size; off += 8 {
			if v := binary.LittleEndian.Uint64(b[off:]); v != 0 {
				return fmt.Errorf("byte %d: %#x", off, v)
			}
		}
		for off := uint64(0); off < size; off += page {
			binary.LittleEndian.PutUint64(b[off:], off+1)
		}
		// A second mapping, from the end to the beginning.
		return mapped(m, size, func(_ uint64, c []byte) error {
			for off := size; off > 0; off -= page {
				if v := binary.LittleEndian.Uint64(c[off-page:]); v != off-page+1 {
					return fmt.Errorf("byte %d: %#x in another mapping", off-page, v)
				}
			}
			return nil
		})
	})
}

func dmaStays() error {
	m, err := machine.NewDMA(4*page, 0)
	if err != nil {
		return err
	}
	defer m.Close()
	_, cloned := m.Clone(0, page)
	return first(
		want("cloned", syscall.EINVAL, cloned),
		want("larger", syscall.EINVAL, m.Resize(5*page)),
		want("smaller", syscall.EINVAL, m.Resize(page)),
		want("decommitted", syscall.EINVAL, m.Decommit(0, page)),
	)
}

func dmaErrors() error {
	create := func(m, size, flags uint64) error {
		v, err := sys.ObjectCall(abi.CallMemoryCreateDMA, m, size, flags)
		if err == nil {
			object.Close(object.Handle(v))
		}
		return err
	}
	m := uint64(machine)
	return first(
		want("no handle", syscall.EBADF, create(0, page, 0)),
		want("another kind", syscall.ENOTSUP, create(uint64(abi.HandleThread), page, 0)),
		narrowed(abi.RightManage, func(h object.Handle) error {
			return want("no right", syscall.EACCES, create(uint64(h), page, 0))
		}),
		want("nothing", syscall.EINVAL, create(m, 0, 0)),
		want("half a page", syscall.EINVAL, create(m, page/2, 0)),
		want("too much", syscall.EINVAL, create(m, abi.MaxDMA+page, 0)),
		want("all", syscall.EINVAL, create(m, ^uint64(page-1), 0)),
		want("unknown flags", syscall.EINVAL, create(m, page, 2)),
	)
}

func addressErrors() error {
	m, err1 := machine.NewDMA(page, 0)
	plain, err2 := object.NewMemory(page)
	if err := first(err1, err2); err != nil {
		return err
	}
	defer m.Close()
	defer plain.Close()
	weak, err := object.Duplicate(object.Handle(m), abi.RightRead)
	if err != nil {
		return err
	}
	defer object.Close(weak)
	address := func(h object.Handle, off uint64) error { return second(object.Memory(h).Address(off)) }
	return first(
		want("no handle", syscall.EBADF, address(0, 0)),
		want("another kind", syscall.ENOTSUP, address(abi.HandleThread, 0)),
		want("no right", syscall.EACCES, address(weak, 0)),
		want("behind the end", syscall.EINVAL, address(object.Handle(m), page)),
		want("far behind the end", syscall.EINVAL, address(object.Handle(m), ^uint64(0))),
		want("memory that may lie anywhere", syscall.EINVAL, address(object.Handle(plain), 0)),
	)
}
