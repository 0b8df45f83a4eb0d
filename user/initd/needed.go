// SPDX-License-Identifier: Apache-2.0

package initd

import (
	"loam/abi"
	"loam/internal/manifest"
)

// mostFailures is how often a service without which the program can't begin may fail before it has: more of
// it only keeps a person waiting, who gave the machine too little memory, say.
const mostFailures = 3

// markNeeded marks the services without which the program can't begin: its personality server, what
// that uses, and so on.
func markNeeded(services []*service) {
	var mark func(endpoint string)
	mark = func(endpoint string) {
		for _, s := range services {
			if !provides(s.Service, endpoint) || s.needed {
				continue
			}
			s.needed = true
			for i := range s.Grants {
				if g := &s.Grants[i]; g.Kind == manifest.GrantUses {
					mark(g.Name)
				}
			}
		}
	}
	for _, s := range services {
		if s.Name == manifest.ProgramName && s.Under != "" {
			mark(s.Under)
		}
	}
}

func provides(s *manifest.Service, endpoint string) bool {
	for _, name := range s.Provides() {
		if name == endpoint {
			return true
		}
	}
	return false
}

// failed notes a service's end that wasn't wanted.
func (s *service) failed(status abi.ExitStatus) {
	if status == (abi.ExitStatus{Kind: abi.Exited}) {
		return
	}
	s.failures++
	s.starved = s.starved || starved(status)
}

// starved reports whether a service's end looks like one for lack of memory: it could not be made, or was killed.
func starved(s abi.ExitStatus) bool {
	return s.Kind == abi.NotStarted && (s.Value == uint32(abi.ENOMEM) || s.Value == uint32(abi.EAGAIN)) ||
		s.Kind == abi.Signalled && s.Value == uint32(abi.SIGKILL)
}

// hopeless gives why the program won't begin, if it hasn't and what it needs fails again and again.
func hopeless(services []*service) (status abi.ExitStatus, why string, is bool) {
	var worst *service
	memory := false
	for _, s := range services {
		memory = memory || s.needed && s.starved
		if s.needed && s.failures >= mostFailures && worst == nil {
			worst = s
		}
	}
	switch {
	case worst == nil:
		return abi.ExitStatus{}, "", false
	case memory: // one that was killed is missed by others, which fail, too
		return abi.ExitStatus{Kind: abi.NotStarted, Value: uint32(abi.ENOMEM)}, "the machine has too little memory for its services", true
	}
	return abi.ExitStatus{Kind: abi.NotStarted, Value: uint32(abi.EINVAL)}, "the service " + worst.Name + " fails: " + worst.why(), true
}
