// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"loam/host/run"
	"loam/host/vm"
)

// sizeFlag is an amount of memory in MiB.
type sizeFlag int

func (s *sizeFlag) String() string {
	if *s == 0 {
		return "" // not given, and no default
	}
	return fmt.Sprintf("%dM", int(*s))
}
func (s *sizeFlag) Type() string { return "SIZE" }

// Set takes a whole number with a unit, K, M, G or T (powers of 1024), with
// "B" or "iB" behind it or not.
func (s *sizeFlag) Set(v string) error {
	text := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(v), "B"), "I")
	if text == "" {
		return errors.New("no number")
	}
	number, unit := text[:len(text)-1], text[len(text)-1]
	n, err := strconv.ParseUint(number, 10, 40)
	if err != nil {
		if _, err := strconv.ParseUint(text, 10, 64); err == nil {
			return fmt.Errorf("%s of what? say %sM", v, v)
		}
		return errors.New("not a size such as 64M or 1G")
	}
	switch unit {
	case 'K':
		if n%1024 != 0 {
			return errors.New("not a whole number of MiB")
		}
		n /= 1024
	case 'M':
	case 'G':
		n *= 1 << 10
	case 'T':
		n *= 1 << 20
	default:
		if unit >= '0' && unit <= '9' {
			return fmt.Errorf("%s of what? say %sM", v, v)
		}
		return errors.New("not a size such as 64M or 1G")
	}
	if n < vm.MinMemory || n > vm.MaxMemory {
		return fmt.Errorf("%dM to %dG are possible", vm.MinMemory, vm.MaxMemory>>10)
	}
	*s = sizeFlag(n)
	return nil
}

// durationFlag is a time limit: a Go duration, or a number of seconds.
type durationFlag struct{ time.Duration }

func (d *durationFlag) String() string {
	if d.Duration == 0 {
		return ""
	}
	return d.Duration.String()
}
func (d *durationFlag) Type() string { return "TIME" }

func (d *durationFlag) Set(v string) error {
	if _, err := strconv.ParseFloat(v, 64); err == nil {
		v += "s"
	}
	t, err := time.ParseDuration(v)
	if err != nil {
		return errors.New("not a time such as 10s or 1m30s")
	}
	if t <= 0 {
		return errors.New("must be more than nothing")
	}
	d.Duration = t
	return nil
}

// paramFlag collects words of the kernel's command line.
type paramFlag []vm.Param

func (p *paramFlag) String() string { return "" }
func (p *paramFlag) Type() string   { return "K=V" }

func (p *paramFlag) Set(v string) error {
	name, value, given := strings.Cut(v, "=")
	if !given {
		return errors.New("not K=V")
	}
	*p = append(*p, vm.Param{Key: name, Value: value})
	return nil
}

// diskFlag collects disks.
type diskFlag []run.Disk

func (d *diskFlag) String() string { return "" }
func (d *diskFlag) Type() string   { return "FILE[:ro]" }

func (d *diskFlag) Set(v string) error {
	disk, err := run.ParseDisk(v)
	if err == nil {
		*d = append(*d, disk)
	}
	return err
}

// folderFlag collects folders.
type folderFlag []run.Folder

func (d *folderFlag) String() string { return "" }
func (d *folderFlag) Type() string   { return "HOST[::GUEST][:ro]" }

func (d *folderFlag) Set(v string) error {
	folder, err := run.ParseFolder(v)
	if err == nil {
		*d = append(*d, folder)
	}
	return err
}

// portFlag collects ports.
type portFlag []run.Port

func (p *portFlag) String() string { return "" }
func (p *portFlag) Type() string   { return "[ADDR:]HOST:GUEST[/udp]" }

func (p *portFlag) Set(v string) error {
	port, err := run.ParsePort(v)
	if err == nil {
		*p = append(*p, port)
	}
	return err
}

// listenFlag collects ports at which a module has listeners.
type listenFlag struct{ ports *portFlag }

func (l listenFlag) String() string { return "" }
func (l listenFlag) Type() string   { return "[ADDR:]PORT" }

func (l listenFlag) Set(v string) error {
	port, err := run.ParseListener(v)
	if err == nil {
		*l.ports = append(*l.ports, port)
	}
	return err
}

// envFlag collects variables; a later one replaces an earlier of its name.
type envFlag struct{ values []string }

func (e *envFlag) String() string { return "" }
func (e *envFlag) Type() string   { return "K[=V]" }

func (e *envFlag) Set(v string) error {
	name, _, given := strings.Cut(v, "=")
	if name == "" {
		return errors.New("a variable without a name")
	}
	if !given {
		value, ok := os.LookupEnv(name)
		if !ok {
			return nil // as docker: what is not set here is not set there
		}
		v = name + "=" + value
	}
	for i, old := range e.values {
		if strings.HasPrefix(old, name+"=") {
			e.values[i] = v
			return nil
		}
	}
	e.values = append(e.values, v)
	return nil
}
