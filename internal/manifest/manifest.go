// SPDX-License-Identifier: Apache-2.0

// Package manifest reads the text that says what init is to run (docs/init.md). It is
// parsed and checked whole before anything starts: on the host, which refuses a
// machine with a manifest that can't be, and by init.
//
// Rejected: JSON (no comments, and errors without a line that a person understands) and
// other formats that bring a library of a size that every boot would pay for.
package manifest

import (
	"strconv"
	"time"

	"loam/abi"
)

// Names in the boot archive: of the manifest, and of the system image, whose program
// init is the first process.
const (
	File        = "manifest"
	SystemImage = "init"
)

// ProgramName is the name of the service that the machine is for: the file of that
// name, which `loam run` was given. The section "program" of a manifest is about it.
const ProgramName = "program"

// InitName is the name of the endpoint that init itself receives from: services may use
// it (package user/initd, Programs), and none provides it.
const InitName = "init"

// Version is the manifest's version, which its first line says.
const Version = 1

// Bounds of a manifest.
const (
	MaxManifest = 64 << 10 // bytes
	MaxServices = 24       // the program not counted
	MaxName     = 31       // bytes of the name of a service or an endpoint
	MaxGrants   = 96       // of all services together
	maxGrants   = abi.MaxHandOn
)

// Manifest is what init is to run.
type Manifest struct {
	Services []Service
	Program  Service // what the section "program" says; without one, the zero settings
}

// Service is a program that init keeps running.
type Service struct {
	Name      string
	Line      int           // of the manifest where it begins
	File      string        // of the boot archive
	Args      []string      // behind the program's name
	Grants    []Grant       // grant i is the service's abi.GivenHandle(i)
	Priority  uint32        // fixed, from 1 to abi.MaxPriority; 0: in the class of programs
	Nice      int32         // there
	Slack     time.Duration // of its timers; 0 the usual
	Quota     Quota
	System    bool // it is a program of the system image, the first of Args
	Limits    []Limit
	Lazy      bool // started when its endpoint is called
	Policy    Policy
	Essential bool // the machine is nothing without it
	Drain     bool // before the machine ends, its first endpoint's streams.Driver is asked to Drain, or its sandbox.Sandbox to Finish

	// Under is the endpoint of the personality server that its Linux calls go to; empty: they
	// are the kernel's.
	Under string
}

// Quota is how much CPU time a service may have in each period. The zero value is
// none.
type Quota struct{ Time, Period time.Duration }

// Limit bounds the objects of a kind, or pages (element abi.LimitPages).
type Limit struct {
	Element int // of abi.Limits
	Count   uint32
}

// Provides gives the names of the endpoints that s receives from.
func (s *Service) Provides() (names []string) {
	for _, g := range s.Grants {
		if g.Kind == GrantProvides {
			names = append(names, g.Name)
		}
	}
	return names
}

// Error is a fault of a manifest.
type Error struct {
	Line int // from 1; 0: of the whole
	Text string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return "manifest: " + e.Text
	}
	return "manifest:" + strconv.Itoa(e.Line) + ": " + e.Text
}

// parser is where a parse has come to.
type parser struct {
	m       Manifest
	s       *Service // the section that lines belong to, nil before the first
	line    int
	begun   bool // the version was there
	given   map[string]bool
	program bool // its section was there
}

// Parse reads a manifest and checks all that can be known without a machine. The
// error is an *Error about the first fault.
func Parse(text []byte) (*Manifest, error) {
	m, err := Sections(text)
	if err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return m, nil
}

// Sections is Parse, but what only the whole can tell isn't checked: sections may still
// be added.
func Sections(text []byte) (*Manifest, error) {
	if len(text) > MaxManifest {
		return nil, &Error{0, "longer than " + strconv.Itoa(MaxManifest) + " bytes"}
	}
	p := parser{m: Manifest{Program: Service{Name: ProgramName, File: ProgramName, Policy: Policy{Restart: Never}}}}
	for rest := string(text); rest != ""; {
		var line string
		line, rest = cutLine(rest)
		p.line++
		words, why := split(line)
		if why == "" && len(words) > 0 {
			why = p.take(words)
		}
		if why != "" {
			return nil, &Error{p.line, why}
		}
	}
	if !p.begun {
		return nil, &Error{0, "it begins with the line: loam-manifest 1"}
	}
	return &p.m, nil
}

// take handles a line that isn't empty.
func (p *parser) take(words []string) (why string) {
	key, args := words[0], words[1:]
	if !p.begun {
		if key != "loam-manifest" || len(args) != 1 {
			return "it begins with the line: loam-manifest 1"
		}
		if args[0] != strconv.Itoa(Version) {
			return "version " + quote(args[0]) + ": this init knows " + strconv.Itoa(Version)
		}
		p.begun = true
		return ""
	}
	switch key {
	case "service":
		return p.service(args)
	case ProgramName:
		if len(args) != 0 {
			return "program takes nothing behind it"
		}
		if p.program {
			return "a second section program"
		}
		p.program, p.m.Program.Line = true, p.line
		p.open(&p.m.Program)
		return ""
	}
	if p.s == nil {
		return quote(key) + " before the first service"
	}
	return p.setting(key, args)
}

func (p *parser) open(s *Service) { p.s, p.given = s, map[string]bool{} }

// service begins a section.
func (p *parser) service(args []string) (why string) {
	switch {
	case len(args) != 1:
		return "service takes a name"
	case !isName(args[0]):
		return badName(args[0])
	case args[0] == ProgramName || args[0] == InitName:
		return quote(args[0]) + " is no name for a service: it is taken"
	case len(p.m.Services) == MaxServices:
		return "more than " + strconv.Itoa(MaxServices) + " services"
	}
	for i := range p.m.Services {
		if p.m.Services[i].Name == args[0] {
			return "a second service " + args[0] + " (the first is at line " + strconv.Itoa(p.m.Services[i].Line) + ")"
		}
	}
	p.m.Services = append(p.m.Services, Service{Name: args[0], Line: p.line, Policy: DefaultPolicy()})
	p.open(&p.m.Services[len(p.m.Services)-1])
	return ""
}

// check looks at what only the whole can tell.
func (m *Manifest) check() *Error {
	provider := map[string]string{InitName: "init itself"}
	all := m.All()
	for _, s := range all {
		if s.File == "" {
			return &Error{s.Line, "service " + s.Name + " names neither a file nor a program of the system image"}
		}
		if n := argsSize(s); n > abi.MaxProcessArgs {
			return &Error{s.Line, "service " + s.Name + ": its arguments have " + strconv.Itoa(n) + " bytes, " + strconv.Itoa(abi.MaxProcessArgs) + " at most"}
		}
		for _, name := range s.Provides() {
			if other, taken := provider[name]; taken {
				return &Error{s.Line, "service " + s.Name + " provides " + name + ", which " + other + " provides"}
			}
			provider[name] = s.Name
		}
		if s.Lazy && len(s.Provides()) == 0 {
			return &Error{s.Line, "service " + s.Name + " is to be started when it is called, but provides nothing"}
		}
		if s.Drain && len(s.Provides()) == 0 {
			return &Error{s.Line, "service " + s.Name + " is to drain, but provides nothing"}
		}
	}
	grants := 0
	for _, s := range all {
		switch who, known := provider[s.Under]; {
		case s.Under == "":
		case !known || s.Under == InitName:
			return &Error{s.Line, "no service provides " + s.Under + ", under which " + s.Name + " is to be"}
		case who == s.Name:
			return &Error{s.Line, "service " + s.Name + " is under itself"}
		}
		for _, g := range s.Grants {
			if grants++; grants > MaxGrants {
				return &Error{g.Line, "more than " + strconv.Itoa(MaxGrants) + " handles for all services together"}
			}
			if _, known := provider[g.Name]; g.Kind == GrantUses && !known {
				return &Error{g.Line, "no service provides " + g.Name}
			}
		}
	}
	return nil
}

// All gives the services and, last, the program.
func (m *Manifest) All() []*Service {
	all := make([]*Service, 0, len(m.Services)+1)
	for i := range m.Services {
		all = append(all, &m.Services[i])
	}
	return append(all, &m.Program)
}

// argsSize is how long the arguments of s are for the kernel.
func argsSize(s *Service) int {
	n := len(s.Name) + 1
	for _, a := range s.Args {
		n += len(a) + 1
	}
	return n
}
