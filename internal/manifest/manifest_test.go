// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"loam/abi"
)

// example has each kind of line once.
const example = `# what this machine runs
loam-manifest 1

service console            # the driver
  args "a b" "say \"hi\\\"" ""
  system console
  provides console
  interrupt 4 level low
  ports 0x3f8 8
  memory 0x10000000 4K
  registers 0xfeb00e00 0x200
  dma 64K 32
  machine read
  priority 20
  slack 10ms
  quota 2ms per 10ms
  limit pages 16M
  limit thread 12
  start lazy
  restart always after 10ms to 1s at most 5 in 30s
  essential
  drain
service log
	file	log
  provides log
  uses console
  nice -5
  restart never
program
  uses log
  uses console
  nice 3
  under log
`

func TestParse(t *testing.T) {
	m, err := Parse([]byte(strings.ReplaceAll(example, "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	on := handOnRights
	want := &Manifest{
		Services: []Service{{
			Name: "console", Line: 4, File: "init", System: true, Args: []string{"console", "a b", `say "hi\"`, ""},
			Grants: []Grant{
				{Kind: GrantProvides, Line: 7, Name: "console", Rights: on | abi.RightWait},
				{Kind: GrantInterrupt, Line: 8, First: 4, Flags: abi.InterruptLevel | abi.InterruptLow, Rights: on | abi.RightManage},
				{Kind: GrantPorts, Line: 9, First: 0x3f8, Size: 8, Rights: on | abi.RightRead | abi.RightWrite},
				{Kind: GrantMemory, Line: 10, First: 0x10000000, Size: 4096, Rights: on | abi.RightRead | abi.RightWrite | abi.RightManage},
				{Kind: GrantRegisters, Line: 11, First: 0xfeb00e00, Size: 512, Rights: on | abi.RightRead | abi.RightWrite},
				{Kind: GrantDMA, Line: 12, Size: 64 << 10, Flags: abi.DMA32, Rights: on | abi.RightRead | abi.RightWrite | abi.RightManage},
				{Kind: GrantMachine, Line: 13, Rights: on | abi.RightRead},
			},
			Priority: 20, Slack: 10 * time.Millisecond, Quota: Quota{2 * time.Millisecond, 10 * time.Millisecond},
			Limits: []Limit{{abi.LimitPages, 4096}, {int(abi.KindThread) - 1, 12}}, Lazy: true, Essential: true, Drain: true,
			Policy: Policy{Always, 10 * time.Millisecond, time.Second, 5, 30 * time.Second},
		}, {
			Name: "log", Line: 23, File: "log", Nice: -5,
			Grants: []Grant{
				{Kind: GrantProvides, Line: 25, Name: "log", Rights: on | abi.RightWait},
				{Kind: GrantUses, Line: 26, Name: "console", Rights: on | abi.RightWrite},
			},
			Policy: Policy{Never, 100 * time.Millisecond, 10 * time.Second, 10, time.Minute},
		}},
		Program: Service{
			Name: "program", Line: 29, File: "program", Nice: 3, Under: "log",
			Grants: []Grant{
				{Kind: GrantUses, Line: 30, Name: "log", Rights: on | abi.RightWrite},
				{Kind: GrantUses, Line: 31, Name: "console", Rights: on | abi.RightWrite},
			},
		},
	}
	if !reflect.DeepEqual(m, want) {
		t.Errorf("got  %+v\nwant %+v", m, want)
	}
}

// TestParseErrors: the line and the words of each fault.
func TestParseErrors(t *testing.T) {
	const s = "loam-manifest 1\nservice a\nfile f\n"
	for _, c := range []struct {
		text string
		line int
		want string
	}{
		{"", 0, "it begins with the line: loam-manifest 1"},
		{"# nothing\n", 0, "it begins with the line"},
		{"service a\n", 1, "it begins with the line"},
		{"loam-manifest\n", 1, "it begins with the line"},
		{"\nloam-manifest 2\n", 2, `version "2": this init knows 1`},
		{"loam-manifest 1\nfile f\n", 2, `"file" before the first service`},
		{"loam-manifest 1\nservice\n", 2, "service takes a name"},
		{"loam-manifest 1\nservice A\n", 2, `"A" is no name`},
		{"loam-manifest 1\nservice " + strings.Repeat("a", 32) + "\n", 2, "is no name"},
		{"loam-manifest 1\nservice init\n", 2, "it is taken"},
		{"loam-manifest 1\nservice a\n", 2, "service a names neither a file nor a program of the system image"},
		{s + "service a\n", 4, "a second service a (the first is at line 2)"},
		{s + "file g\n", 4, "a second file"},
		{s + "system g\n", 4, "file and system: a service is one of them"},
		{"loam-manifest 1\nservice a\nsystem b\nfile f\n", 4, "file and system: a service is one of them"},
		{"loam-manifest 1\nservice a\nsystem B\n", 3, "system takes the name of a program"},
		{s + "fiel g\n", 4, `nothing is called "fiel"`},
		{s + "args \"a\n", 4, `a " is missing`},
		{s + "args \"a\"b\n", 4, `white space is missing behind a "`},
		{s + "args a\"b\n", 4, `a " inside of a word`},
		{s + `args "\n"`, 4, `\ stands before " and \ only`},
		{s + "args \x01\n", 4, "a control character (byte 1)"},
		{s + "args " + strings.Repeat("x", 4096) + "\n", 2, "its arguments have 4099 bytes, 4096 at most"},
		{s + "provides\n", 4, "provides takes the name of an endpoint"},
		{s + "provides 1\n", 4, "is no name"},
		{s + "uses b\n", 4, "no service provides b"},
		{s + "provides e\nservice b\nfile f\nprovides e\n", 5, "service b provides e, which a provides"},
		{s + "interrupt\n", 4, "interrupt takes a line"},
		{s + "interrupt x\n", 4, `"x" is no line`},
		{s + "interrupt 4 level level\n", 4, "interrupt takes a line"},
		{s + "ports 0x3f8\n", 4, "ports takes the first one and how many"},
		{s + "ports 0xffff 2\n", 4, "ports are from 0 to 0xffff"},
		{s + "memory 0x1000 100\n", 4, "memory is whole pages"},
		{s + "memory 0xfffffffffffff000 4K\n", 4, "memory is whole pages"},
		{s + "registers 0x1000\n", 4, "registers takes the address and the size"},
		{s + "registers 0x1e00 513\n", 4, "registers are from a multiple of 4"},
		{s + "registers 0x1e02 4\n", 4, "registers are from a multiple of 4"},
		{s + "registers 0x1e00 516\n", 4, "within a page"},
		{s + "registers 0x1000 0\n", 4, "within a page"},
		{s + "registers 0x1000 8K\n", 4, "within a page"},
		{s + "registers 0x10000000000000 4\n", 4, "below 2^52"},
		{s + "dma 8M\n", 4, "dma is whole pages of 4096 bytes, at most 4M"},
		{s + "dma 4K 64\n", 4, "dma takes a size"},
		{s + "machine write\n", 4, "machine takes nothing, or read"},
		{s + "under A\n", 4, "under takes the name"},
		{s + "under b\n", 2, "no service provides b, under which a is to be"},
		{s + "under init\n", 2, "no service provides init, under which"},
		{s + "provides b\nunder b\n", 2, "service a is under itself"},
		{s + "priority 32\n", 4, "priority takes a number from 1 to 31"},
		{s + "nice 20\n", 4, "nice takes a number from -20 to 19"},
		{s + "slack\n", 4, "slack takes a time up to 1s"},
		{s + "slack 2s\n", 4, "slack takes a time up to 1s"},
		{s + "slack 0s\n", 4, "slack takes a time up to 1s"},
		{s + "quota 1ms 10ms\n", 4, "quota takes a time of the CPU and a period"},
		{s + "quota 1ms per 11s\n", 4, "its period from 1ms to 10s"},
		{s + "limit pages 5\n", 4, "a limit of pages is a size in whole pages"},
		{s + "limit frames 5\n", 4, `no objects of the kind "frames"`},
		{s + "limit thread x\n", 4, `"x" is no limit`},
		{s + "limit thread 1\nlimit thread 1\n", 5, "a second limit of thread"},
		{s + "start now\n", 4, "start takes boot or lazy"},
		{s + "start lazy\n", 2, "is to be started when it is called, but provides nothing"},
		{s + "restart\n", 4, "restart takes never, failure or always"},
		{s + "restart always after 2s to 1s\n", 4, "the second not less than the first"},
		{s + "restart always at most 0 in 1s\n", 4, "a limit of restarts is from 1 to 1000"},
		{s + "restart always sometimes\n", 4, "restart takes never, failure or always"},
		{s + "drain all\n", 4, "drain takes nothing"},
		{s + "drain\n", 2, "service a is to drain, but provides nothing"},
		{"loam-manifest 1\nprogram\ndrain\n", 3, "drain: what the program is"},
		{s + "essential no\n", 4, "essential takes nothing"},
		{s + "program a\n", 4, "program takes nothing"},
		{s + "program\nprogram\n", 5, "a second section program"},
		{s + "program\nfile x\n", 5, "file: what the program is"},
		{strings.Repeat("#", MaxManifest+1), 0, "longer than 65536 bytes"},
		{s + strings.Repeat("interrupt 1\n", 65), 68, "more than 64 handles"},
		{s + strings.Repeat("interrupt 1\n", 64) + "service b\nfile f\n" + strings.Repeat("interrupt 1\n", 64), 102, "more than 96 handles for all"},
	} {
		_, err := Parse([]byte(c.text))
		var e *Error
		if !errors.As(err, &e) || e.Line != c.line || !strings.Contains(e.Text, c.want) {
			t.Errorf("%.60q: %v, want line %d: %s", c.text, err, c.line, c.want)
		}
	}
}

func TestErrorText(t *testing.T) {
	if got := (&Error{3, "x"}).Error() + "|" + (&Error{0, "y"}).Error(); got != "manifest:3: x|manifest: y" {
		t.Error(got)
	}
}

// FuzzParse: whatever the text, a manifest that is accepted is within all bounds.
func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte("loam-manifest 1\nprogram\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := Parse(text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Text == "" || e.Line < 0 || e.Line > 1+strings.Count(string(text), "\n") {
				t.Fatalf("%#v", err)
			}
			return
		}
		if len(m.Services) > MaxServices {
			t.Fatal("too many services")
		}
		for _, s := range m.All() {
			args := s.Name + "\x00"
			for _, a := range s.Args {
				args += a + "\x00"
			}
			if !isName(s.Name) || s.File == "" || len(s.Grants) > abi.MaxHandOn || len(args) > abi.MaxProcessArgs ||
				strings.Count(args, "\x00") != 1+len(s.Args) || s.Priority > abi.MaxPriority || s.Nice < -20 || s.Nice > 19 {
				t.Fatalf("%+v", s)
			}
			for _, g := range s.Grants {
				if g.Rights&^(handOnRights|abi.RightRead|abi.RightWrite|abi.RightWait|abi.RightManage) != 0 || g.Rights == 0 {
					t.Fatalf("%+v", g)
				}
			}
			if p := s.Policy; p.First < 0 || p.Most < p.First || p.Count < 0 || p.Count > maxCount {
				t.Fatalf("%+v", p)
			}
		}
	})
}
