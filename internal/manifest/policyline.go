// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"strconv"
	"time"

	"loam/abi"
)

// setting reads a line of a section.
func (p *parser) setting(key string, args []string) (why string) {
	for kind, name := range grantKeys {
		if key == name {
			return p.grant(GrantKind(kind), args)
		}
	}
	if p.given[key] && key != "limit" {
		return "a second " + key
	}
	p.given[key] = true
	if p.s == &p.m.Program && (key == "file" || key == "system" || key == "args" || key == "start" || key == "restart" || key == "drain") {
		return key + ": what the program is, and that it runs once, is said by who starts the machine"
	}
	s := p.s
	switch key {
	case "file":
		if len(args) != 1 || args[0] == "" || len(args[0]) > abi.MaxProcessName {
			return "file takes the name of a file of the boot archive"
		}
		if s.System {
			return "file and system: a service is one of them"
		}
		s.File = args[0]
	case "system":
		if len(args) != 1 || !isName(args[0]) {
			return "system takes the name of a program of the system image"
		}
		if s.File != "" {
			return "file and system: a service is one of them"
		}
		s.System, s.File, s.Args = true, SystemImage, append([]string{args[0]}, s.Args...)
	case "args":
		s.Args = append(s.Args, args...)
	case "under":
		if len(args) != 1 || !isName(args[0]) {
			return "under takes the name of the endpoint of a personality server"
		}
		s.Under = args[0]
	case "priority":
		return s.priority(args)
	case "nice":
		return s.nice(args)
	case "slack":
		return s.slack(args)
	case "quota":
		return s.quota(args)
	case "limit":
		return s.limit(args)
	case "start":
		return s.start(args)
	case "restart":
		return s.Policy.parse(args)
	case "essential":
		if len(args) != 0 {
			return "essential takes nothing behind it"
		}
		s.Essential = true
	case "drain":
		if len(args) != 0 {
			return "drain takes nothing behind it"
		}
		s.Drain = true
	default:
		return "nothing is called " + quote(key)
	}
	return ""
}

func (s *Service) priority(args []string) (why string) {
	const usage = "priority takes a number from 1 to " // and the highest
	if len(args) == 1 {
		if n, ok := number(args[0]); ok && n >= 1 && n <= abi.MaxPriority {
			s.Priority = uint32(n)
			return ""
		}
	}
	return usage + strconv.Itoa(abi.MaxPriority)
}

func (s *Service) nice(args []string) (why string) {
	if len(args) == 1 {
		if n, err := strconv.ParseInt(args[0], 10, 32); err == nil && n >= -20 && n <= 19 {
			s.Nice = int32(n)
			return ""
		}
	}
	return "nice takes a number from -20 to 19"
}

func (s *Service) slack(args []string) (why string) {
	if len(args) == 1 {
		if t, ok := duration(args[0]); ok && t > 0 && t <= abi.MaxTimerSlack {
			s.Slack = t
			return ""
		}
	}
	return "slack takes a time up to " + time.Duration(abi.MaxTimerSlack).String() + ", as in: slack 10ms"
}

// quota reads the words TIME per PERIOD.
func (s *Service) quota(args []string) (why string) {
	const (
		leastTime   = 100 * time.Microsecond
		leastPeriod = time.Millisecond
		mostPeriod  = 10 * time.Second
	)
	if len(args) != 3 || args[1] != "per" {
		return "quota takes a time of the CPU and a period, as in: quota 2ms per 10ms"
	}
	t, ok := duration(args[0])
	period, ok2 := duration(args[2])
	if !ok || !ok2 || t < leastTime || period < leastPeriod || period > mostPeriod {
		return "a quota is at least 100us, its period from 1ms to 10s"
	}
	s.Quota = Quota{t, period}
	return ""
}

// limit reads a kind of objects and a number, or memory and a size.
func (s *Service) limit(args []string) (why string) {
	if len(args) != 2 {
		return "limit takes a kind of objects and a number, or pages and a size"
	}
	l := Limit{Element: -1}
	n, ok := number(args[1])
	if args[0] == "pages" {
		if n, ok = size(args[1]); !ok || n%abi.PageSize != 0 {
			return "a limit of pages is a size in whole pages, such as 16M"
		}
		l.Element, n = abi.LimitPages, n/abi.PageSize
	}
	for kind := abi.Kind(1); kind <= abi.NumKinds; kind++ {
		if args[0] == kind.String() {
			l.Element = int(kind) - 1
		}
	}
	switch {
	case l.Element < 0:
		return "there are no objects of the kind " + quote(args[0])
	case !ok || n >= abi.LimitDefault:
		return quote(args[1]) + " is no limit"
	}
	for _, other := range s.Limits {
		if other.Element == l.Element {
			return "a second limit of " + args[0]
		}
	}
	l.Count = uint32(n)
	s.Limits = append(s.Limits, l)
	return ""
}

func (s *Service) start(args []string) (why string) {
	if len(args) != 1 || args[0] != "boot" && args[0] != "lazy" {
		return "start takes boot or lazy"
	}
	s.Lazy = args[0] == "lazy"
	return ""
}

// restarts are the policies by their words.
var restarts = map[string]Restart{"never": Never, "failure": OnFailure, "always": Always}

// parse reads WHEN [after TIME [to TIME]] [at most N in TIME | without limit].
func (p *Policy) parse(args []string) (why string) {
	const usage = "restart takes never, failure or always, then perhaps: after 100ms to 10s, then perhaps: at most 10 in 1m, or: without limit"
	if len(args) == 0 {
		return usage
	}
	when, known := restarts[args[0]]
	if !known {
		return usage
	}
	p.Restart, args = when, args[1:]
	if len(args) >= 2 && args[0] == "after" {
		first, ok := duration(args[1])
		most, ok2 := max(first, p.Most), true
		if args = args[2:]; len(args) >= 2 && args[0] == "to" {
			most, ok2 = duration(args[1])
			args = args[2:]
		}
		if !ok || !ok2 || most < first || most > maxDelay {
			return "a delay is a time such as 100ms, the second not less than the first, at most " + maxDelay.String()
		}
		p.First, p.Most = first, most
	}
	switch {
	case len(args) == 0:
	case len(args) == 2 && args[0] == "without" && args[1] == "limit":
		p.Count = 0
	case len(args) == 5 && args[0] == "at" && args[1] == "most" && args[3] == "in":
		n, ok := number(args[2])
		window, ok2 := duration(args[4])
		if !ok || !ok2 || n == 0 || n > maxCount || window <= 0 || window > maxDelay {
			return "a limit of restarts is from 1 to " + strconv.Itoa(maxCount) + " in a time of at most " + maxDelay.String()
		}
		p.Count, p.Window = int(n), window
	default:
		return usage
	}
	return ""
}
