// SPDX-License-Identifier: Apache-2.0

package initd

import (
	"testing"

	"loam/abi"
	"loam/internal/manifest"
)

// TestHopeless: a program that needs what fails again and again isn't waited for.
func TestHopeless(t *testing.T) {
	m, err := manifest.Parse([]byte(`loam-manifest 1
service other
  system disk
  provides disk
service streams
  system streams
  provides streams
  uses pci
service pci
  system pci
  provides pci
  uses linux # in a circle
service linux
  system linux
  provides linux
  uses streams
program
  under linux
`))
	if err != nil {
		t.Fatal(err)
	}
	var all []*service
	by := map[string]*service{}
	for _, s := range m.All() {
		x := &service{Service: s}
		all, by[s.Name] = append(all, x), x
	}
	markNeeded(all)
	for name, want := range map[string]bool{"other": false, "streams": true, "pci": true, "linux": true, manifest.ProgramName: false} {
		if by[name].needed != want {
			t.Errorf("%s: needed %v", name, !want)
		}
	}
	exited := abi.ExitStatus{Kind: abi.Exited, Value: 1}
	for range mostFailures {
		if status, why, is := hopeless(all); is {
			t.Fatal(status, why)
		}
		by["other"].failed(exited)
		by["linux"].failed(abi.ExitStatus{Kind: abi.Exited})
		by["streams"].failed(exited)
	}
	by["streams"].life.Status = exited
	if status, why, is := hopeless(all); !is || status != (abi.ExitStatus{Kind: abi.NotStarted, Value: uint32(abi.EINVAL)}) || why != "the service streams fails: exit code 1" {
		t.Error(status, why, is)
	}
	by["pci"].failed(abi.ExitStatus{Kind: abi.Signalled, Value: uint32(abi.SIGKILL)})
	if status, _, is := hopeless(all); !is || status.Value != uint32(abi.ENOMEM) {
		t.Error(status, is)
	}
}
