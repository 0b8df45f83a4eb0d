// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"syscall"

	"loam/abi"
	"loam/test/programs/smp/low"
	"loam/user/object"
)

// notifications sets a bit and takes it.
func notifications() error {
	n, err := object.NewNotification()
	if err != nil {
		return err
	}
	defer n.Close()
	for range count {
		if err := n.Signal(1); err != nil {
			return err
		}
		if bits, err := n.Wait(1, object.Now); bits != 1 || err != nil {
			return fmt.Errorf("%#x: %w", bits, err)
		}
	}
	return nil
}

// notificationTurns has two threads wake each other.
func notificationTurns() error {
	var n [2]object.Notification
	for i := range n {
		var err error
		if n[i], err = object.NewNotification(); err != nil {
			return err
		}
		defer n[i].Close()
	}
	if err := n[0].Signal(1); err != nil {
		return err
	}
	return both(func(side uint32) error {
		for range seldom {
			if _, err := n[side].Wait(1, object.Forever); err != nil {
				return err
			}
			if err := n[1-side].Signal(1); err != nil {
				return err
			}
		}
		return nil
	})
}

func objects() error {
	for range seldom {
		n, err := object.NewNotification()
		if err != nil {
			return err
		}
		if err := n.Close(); err != nil {
			return err
		}
	}
	return nil
}

func handles() error {
	for range seldom {
		h, err := object.Duplicate(abi.HandleProcess, abi.RightRead)
		if err != nil {
			return err
		}
		if err := object.Close(h); err != nil {
			return err
		}
	}
	return nil
}

const readWrite = syscall.PROT_READ | syscall.PROT_WRITE

// mappings maps a memory object, touches it and unmaps it.
func mappings() error {
	m, err := object.NewMemory(low.Page)
	if err != nil {
		return err
	}
	defer m.Close()
	for range seldom {
		at, err := object.Here.Map(m, 0, 0, low.Page, readWrite)
		if err != nil {
			return err
		}
		low.Store(uintptr(at), 1)
		if err := object.Here.Unmap(at, low.Page); err != nil {
			return err
		}
	}
	return nil
}

// clones makes a memory object and a clone of it, and closes both.
func clones() error {
	for range seldom {
		m, err := object.NewMemory(4 * low.Page)
		if err != nil {
			return err
		}
		c, err := m.Clone(0, 4*low.Page)
		if err != nil {
			return err
		}
		if err := c.Close(); err != nil {
			return err
		}
		if err := m.Close(); err != nil {
			return err
		}
	}
	return nil
}

// processes starts this program as a child that ends at once.
func processes() error {
	for range min(count, 1000) {
		c, err := (&object.Program{File: "program", Args: []string{"steady", "child"}}).Start()
		if err != nil {
			return err
		}
		status, err := c.Process.Wait(object.Forever)
		if err != nil || status != (abi.ExitStatus{}) {
			return fmt.Errorf("%v: %w", status, err)
		}
		if err := c.Close(); err != nil {
			return err
		}
	}
	return nil
}
