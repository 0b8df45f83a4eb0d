// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"go/ast"
	"strings"

	"loam/abi"
)

// registers writes the drawing of a message's registers, which is a comment of
// its own in message.go.
func (s *source) registers() (string, error) {
	for _, f := range s.files {
		for _, c := range f.Comments {
			text := c.Text()
			if !strings.HasPrefix(text, "A message is ") {
				continue
			}
			var b strings.Builder
			b.WriteString("```\n")
			for line := range strings.Lines(text) {
				if drawn, is := strings.CutPrefix(line, "\t"); is {
					b.WriteString(drawn)
				}
			}
			b.WriteString("```\n")
			return b.String(), nil
		}
	}
	return "", errors.New("no comment draws the registers of a message")
}

// constants writes the table of bounds and flags that the calls' comments name.
func (s *source) constants() (string, error) {
	meaning := s.constantComments()
	var b strings.Builder
	b.WriteString("| constant | value | |\n|---|---|---|\n")
	for _, c := range []struct {
		name  string
		value uint64
		show  string
	}{
		{"MaxHandles", abi.MaxHandles, "%d"},
		{"MaxWaiters", abi.MaxWaiters, "%d"},
		{"NotificationBits", abi.NotificationBits, "%#x"},
		{"WaitForever", abi.WaitForever, "%#x"},
		{"MaxHandOn", abi.MaxHandOn, "%d"},
		{"MaxProcessName", abi.MaxProcessName, "%d"},
		{"MaxProcessArgs", abi.MaxProcessArgs, "%d"},
		{"ProcessHeld", abi.ProcessHeld, "%d"},
		{"ProcessEmpty", abi.ProcessEmpty, "%d"},
		{"ProcessEssential", abi.ProcessEssential, "%d"},
		{"HandOnMove", abi.HandOnMove, "%d"},
		{"MapPrivate", abi.MapPrivate, "%#x"},
		{"MemoryNameSize", abi.MemoryNameSize, "%d"},
		{"MessageWords", abi.MessageWords, "%d"},
		{"MaxMessageBytes", abi.MaxMessageBytes, "%d"},
		{"MaxMessageHandles", abi.MaxMessageHandles, "%d"},
		{"ReceivedCall", abi.ReceivedCall, "%d"},
		{"ReceivedBits", abi.ReceivedBits, "%d"},
		{"ReceivedCancel", abi.ReceivedCancel, "%d"},
		{"ReceivedPage", abi.ReceivedPage, "%d"},
		{"ReceivedForwarded", abi.ReceivedForwarded, "%d"},
		{"ReceivedInterrupted", abi.ReceivedInterrupted, "%d"},
		{"MessageCancel", abi.MessageCancel, "%d"},
		{"MessageInterrupted", abi.MessageInterrupted, "%d"},
		{"MaxPriority", abi.MaxPriority, "%d"},
		{"InterruptLevel", abi.InterruptLevel, "%d"},
		{"InterruptLow", abi.InterruptLow, "%d"},
		{"MessageAddress", abi.MessageAddress, "%d"},
		{"MessageData", abi.MessageData, "%d"},
		{"MaxDMA", abi.MaxDMA, "%d"},
		{"DMA32", abi.DMA32, "%d"},
		{"MinTimerPeriod", abi.MinTimerPeriod, "%d"},
		{"MaxHostAnswer", abi.MaxHostAnswer, "%d"},
		{"MachineCommandLine", abi.MachineCommandLine, "%d"},
		{"MachineDeviceTree", abi.MachineDeviceTree, "%d"},
		{"MachineFlags", abi.MachineFlags, "%d"},
		{"MachineMemory", abi.MachineMemory, "%d"},
		{"MachineBootMode", abi.MachineBootMode, "%d"},
		{"MachineLogSize", abi.MachineLogSize, "%d"},
	} {
		if meaning[c.name] == "" {
			return "", fmt.Errorf("%s: no comment of its own says what it is", c.name)
		}
		fmt.Fprintf(&b, "| `%s` | "+c.show+" | %s |\n", c.name, c.value, s.marked(meaning[c.name]))
	}
	return b.String(), nil
}

// constantComments gives the comment of each constant: behind it, above it, or
// above its declaration if it stands alone there.
func (s *source) constantComments() map[string]string {
	all := map[string]string{}
	for _, g := range s.consts {
		for _, spec := range g.Specs {
			v := spec.(*ast.ValueSpec)
			said := v.Comment
			if said == nil {
				said = v.Doc
			}
			if said == nil && len(g.Specs) == 1 {
				said = g.Doc
			}
			for _, id := range v.Names {
				if said != nil {
					all[id.Name] = ownWords(id.Name, flat(said))
				}
			}
		}
	}
	return all
}

// ownWords takes the name away that a comment begins with.
func ownWords(name, text string) string {
	for _, then := range []string{" is ", " are ", ": ", ", "} {
		if rest, is := strings.CutPrefix(text, name+then); is {
			return strings.TrimSuffix(rest, ".")
		}
	}
	return strings.TrimSuffix(text, ".")
}
