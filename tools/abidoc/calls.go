// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/ast"
	"regexp"
	"strconv"
	"strings"
)

// call is what the comment at a call's constant says. The comment is made of
// sentences, which begin so:
//
//	CallX ...              what it does; so does every sentence that begins otherwise
//	Arguments: a, b.       or Argument; none: there are none
//	The result is ...      none: zero
//	Right: ...             or Rights; "none" must be said
//	Errors: ...            all of them, each by its name, with or without a reason
//
// The number is in the comment at the end of the line.
type call struct {
	name                                 string
	number                               uint64
	does, arguments, result, right, errs string
}

var (
	sentenceEnd = regexp.MustCompile(`\. ([A-Z])`)
	errnoName   = regexp.MustCompile(`\bE[A-Z0-9]{3,}\b|\bE2BIG\b`)
	elsewhere   = regexp.MustCompile(`(?i)\b(those of|errors of|as in Call|the same as)\b`)
)

// calls reads all calls, in the order of their numbers.
func (s *source) calls() ([]call, error) {
	var all []call
	var bad error
	s.each(func(v *ast.ValueSpec) {
		name, is := strings.CutPrefix(v.Names[0].Name, "Call")
		if !is || v.Comment == nil || name == "Base" || bad != nil {
			return
		}
		number, err := strconv.ParseUint(strings.TrimSpace(v.Comment.Text()), 0, 64)
		if err != nil || v.Doc == nil {
			bad = fmt.Errorf("call %s: no number behind it, or no comment", name)
			return
		}
		c, err := parseCall(v.Names[0].Name, flat(v.Doc))
		c.name, c.number = snake(name), number
		all = append(all, c)
		bad = err
	})
	for i := range all {
		if want := all[0].number + uint64(i); bad == nil && all[i].number != want {
			bad = fmt.Errorf("%s has the number %#x, its place is that of %#x", all[i].name, all[i].number, want)
		}
	}
	return all, bad
}

// parseCall takes a comment apart.
func parseCall(name, text string) (c call, err error) {
	text = strings.TrimSuffix(text, ".")
	for _, sentence := range strings.Split(sentenceEnd.ReplaceAllString(text, "\x00$1"), "\x00") {
		head, rest, _ := strings.Cut(sentence, ": ")
		switch {
		case head == "Argument" || head == "Arguments":
			err = set(&c.arguments, rest, err)
		case head == "Right" || head == "Rights":
			err = set(&c.right, rest, err)
		case head == "Errors":
			err = set(&c.errs, rest, err)
		case strings.HasPrefix(sentence, "The result is "):
			err = set(&c.result, strings.TrimPrefix(sentence, "The result is "), err)
		default:
			sentence = capital(strings.TrimPrefix(sentence, name+" "))
			c.does = strings.TrimPrefix(c.does+" "+sentence+".", " ")
		}
	}
	switch {
	case err != nil:
	case c.does == "" || c.right == "":
		err = fmt.Errorf("nothing is said about what it does, or the right")
	case !errnoName.MatchString(c.errs):
		err = fmt.Errorf("its errors aren't named")
	case elsewhere.MatchString(c.errs):
		err = fmt.Errorf("its errors are told elsewhere: %q", c.errs)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return c, err
}

func set(field *string, text string, err error) error {
	if err == nil && *field != "" {
		err = fmt.Errorf("%q and %q", *field, text)
	}
	*field = text
	return err
}

// group is a table of calls.
type group struct {
	title   string
	members []string // names, or what they begin with
}

// groups are in the page's order. A call belongs to the one with the longest word
// that its name begins with.
var groups = []group{
	{"Handles", []string{"handle_"}},
	{"Notifications", []string{"notification_"}},
	{"Threads", []string{"thread_"}},
	{"Processes", []string{"process_", "boot_file", "spawn"}},
	{"Memory", []string{"memory_"}},
	{"Endpoints and messages", []string{"endpoint_", "message_", "thread_bind", "memory_create_paged", "memory_supply"}},
	{"Scheduling", []string{"thread_schedule", "process_quota"}},
	{"Devices", []string{"interrupt_", "ports_", "port_", "registers_", "device_", "memory_create_dma", "memory_address", "machine_"}},
	{"Timers", []string{"timer_"}},
	{"The host", []string{"host_"}},
}

// groupOf gives the index of a call's group, -1 if it has none.
func groupOf(name string) int {
	best, longest := -1, 0
	for i, g := range groups {
		for _, m := range g.members {
			if strings.HasPrefix(name, m) && len(m) > longest {
				best, longest = i, len(m)
			}
		}
	}
	return best
}

// callTables writes a table for each group.
func (s *source) callTables(calls []call) (string, error) {
	rows := make([]strings.Builder, len(groups))
	for _, c := range calls {
		i := groupOf(c.name)
		if i < 0 {
			return "", fmt.Errorf("no group for %s (tools/abidoc/calls.go)", c.name)
		}
		what := s.marked(c.does)
		if c.arguments != "" {
			what += " *Arguments:* " + s.marked(c.arguments) + "."
		}
		if c.result != "" {
			what += " *Result:* " + s.marked(c.result) + "."
		}
		right := s.marked(c.right)
		if right == "none" {
			right = ""
		}
		fmt.Fprintf(&rows[i], "| `%s` | %#x | %s | %s | %s |\n", c.name, c.number, what, right, s.marked(c.errs))
	}
	var b strings.Builder
	for i, g := range groups {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "### %s\n\n| call | number | | right | errors |\n|---|---|---|---|---|\n%s", g.title, rows[i].String())
	}
	return b.String(), nil
}
