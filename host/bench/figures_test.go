// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	got, err := Parse([]byte("# comment\n\nnull_call 141.25 ns\r\n  gc_cycle\t7 us\n#x\nsha256_16mib 0 ms"))
	want := Figures{{"null_call", 141.3, "ns"}, {"gc_cycle", 7, "us"}, {"sha256_16mib", 0, "ms"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%v %v", got, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, say := range map[string]string{
		"a 1":                            "line 1: 2 words",
		"\n\na 1 ns more":                "line 3: 4 words",
		"a 1 ns\nb 2 ns\na 3 ns":         "line 3: a a second time",
		"A 1 ns":                         "no name",
		"1a 1 ns":                        "no name",
		"a-b 1 ns":                       "no name",
		"a -1 ns":                        "no value",
		"a +1 ns":                        "no value",
		"a NaN ns":                       "no value",
		"a Inf ns":                       "no value",
		"a .5 ns":                        "no value",
		"a 1e99 ns":                      "no value",
		"a 1x ns":                        "no value",
		"a 1 %":                          "no unit",
		"a 1 " + strings.Repeat("n", 13): "no unit",
		strings.Repeat("a", 201):         "longer",
		strings.Repeat("a", 61) + " 1 s": "no name",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%.40q: %v, want %q", text, err, say)
		}
	}
	var many strings.Builder
	for i := range maxFigures + 1 {
		many.WriteString("a" + strings.Repeat("b", i%50) + string(rune('a'+i%26)) + " 1 ns\n")
	}
	if _, err := Parse([]byte(many.String())); err == nil {
		t.Error("a file without end was taken")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("null_call 141.2 ns\n# x\ngc_cycle 7 us\n"))
	f.Add([]byte("a 1e3 ns\nb 0.05 s"))
	f.Add([]byte("linux a 1 ns"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := ParseRivals(text); err == nil && len(r) > maxFigures {
			t.Fatal("too many systems")
		}
		got, err := Parse(text)
		if err != nil {
			return
		}
		once := got.Format()
		again, err := Parse(once)
		if err != nil || !slices.Equal(got, again) || !bytes.Equal(again.Format(), once) {
			t.Fatalf("%q: %v, %v (%v)", text, got, again, err)
		}
	})
}

func TestParseRivals(t *testing.T) {
	r, err := ParseRivals([]byte("# x\nlinux null_call 365 ns\nnanos null_call 1083 ns\nlinux gc_cycle 2 us\n"))
	want := Rivals{"linux": {{"null_call", 365, "ns"}, {"gc_cycle", 2, "us"}}, "nanos": {{"null_call", 1083, "ns"}}}
	if err != nil || !reflect.DeepEqual(r, want) {
		t.Fatalf("%v %v", r, err)
	}
	for _, bad := range []string{"linux a 1", "Linux a 1 ns", "linux a 1 ns\nlinux a 2 ns", "a 1 ns"} {
		if _, err := ParseRivals([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestMetrics(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range Metrics {
		if !isName(m.Name) || !isUnit(m.Unit) || m.What == "" || seen[m.Name] {
			t.Errorf("%+v", m)
		}
		seen[m.Name] = true
	}
	given := map[string]bool{}
	for _, s := range steps {
		for _, f := range s.figures {
			if metric(f) == nil || given[f] {
				t.Errorf("step %q gives %q: no metric, or given twice", s.name, f)
			}
			given[f] = true
		}
	}
	for _, m := range Metrics {
		if !given[m.Name] {
			t.Errorf("no step gives %s", m.Name)
		}
	}
}
