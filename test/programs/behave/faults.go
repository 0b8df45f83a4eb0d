// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
)

// recovered runs f, which must panic with a runtime error that says want.
func recovered(want string, f func()) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
			err = fmt.Errorf("no panic")
		case runtime.Error:
			if !strings.Contains(r.Error(), want) {
				err = fmt.Errorf("%v, want %q", r, want)
			}
		default:
			err = fmt.Errorf("%T: %v", r, r)
		}
	}()
	f()
	return nil
}

const nilText = "invalid memory address or nil pointer dereference"

var (
	nilArray    *[4000]byte
	nilMethods  fmt.Stringer
	nilCallback func()
	zero        int
	sink        int
)

func nilRecovered() error {
	for name, f := range map[string]func(){
		"read":      func() { sink = int(nilArray[123]) },
		"write":     func() { nilArray[3999] = 1 },
		"interface": func() { _ = nilMethods.String() },
	} {
		if err := recovered(nilText, f); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// nilRecoveredOften has many goroutines take faults at the same time.
func nilRecoveredOften() error {
	errs := make(chan error)
	for range 20 {
		go func() {
			for range 100 {
				if err := recovered(nilText, func() { nilArray[0] = 1 }); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	var err error
	for range 20 {
		if e := <-errs; e != nil {
			err = e
		}
	}
	return err
}

func nilFunction() error {
	return recovered(nilText, func() { nilCallback() })
}

// badAddress reads where nothing is mapped, under SetPanicOnFault: the address
// in the panic is the signal's.
func badAddress() error {
	old := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(old)
	for _, address := range []uintptr{0x7000_0000_0000, 0x8000} {
		err := recovered("invalid memory address", func() { sink = int(*at(address)) })
		if err != nil {
			return fmt.Errorf("%#x: %w", address, err)
		}
		if got, ok := faultAddress(address); !ok || got != address {
			return fmt.Errorf("the fault's address is %#x, want %#x", got, address)
		}
	}
	return nil
}

func faultAddress(address uintptr) (got uintptr, ok bool) {
	defer func() {
		if e, is := recover().(interface{ Addr() uintptr }); is {
			got, ok = e.Addr(), true
		}
	}()
	sink = int(*at(address))
	return 0, false
}

func divisionRecovered() error {
	var wg sync.WaitGroup
	var errs [8]error
	for i := range errs {
		wg.Go(func() {
			for range 20 {
				errs[i] = recovered("integer divide by zero", func() { sink = 1 / zero })
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func indexRecovered() error {
	return recovered("index out of range [5] with length 3", func() { sink = make([]int, 3)[5+zero] })
}
