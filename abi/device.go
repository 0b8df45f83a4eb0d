// SPDX-License-Identifier: Apache-2.0

package abi

import "encoding/binary"

// HandleMachine is the machine object's, in the first process alone, which has all
// rights to it.
var HandleMachine = GivenHandle(0)

// MaxPriority is the highest fixed priority of a thread.
const MaxPriority = 31

// TimerSlack is how many ns later than asked for a thread's wait may end, as on Linux (prctl(2), PR_SET_TIMERSLACK), and
// MaxTimerSlack is the most that can be set with CallThreadSchedule. Sleeps shorter than ShortSleep end TimerSlack late at
// most whatever is set.
const (
	TimerSlack    = 50_000
	MaxTimerSlack = 1_000_000_000
	ShortSleep    = 10_000
)

// Flags of CallInterruptCreate: how the device signals. Without InterruptLevel it
// does by edges; without InterruptLow the line is high, or rises.
const (
	InterruptLevel = 1 // the device signals by the line's level, not by edges
	InterruptLow   = 2 // the line is low, or falls
)

// What CallInterruptMessage tells.
const (
	MessageAddress = 0 // where the device writes
	MessageData    = 1 // what
)

// Bounds and flags of memory for devices.
const (
	MaxDMA = 4 << 20 // bytes of an object of memory for a device
	DMA32  = 1       // the object is below 4 GiB
)

// MinTimerPeriod is the least period of a timer in ns.
const MinTimerPeriod = 100_000

// MaxHostAnswer is the most bytes that CallHostSend takes.
const MaxHostAnswer = 16 << 10

// What CallMachineInfo describes.
const (
	MachineCommandLine = iota // the kernel's command line
	MachineDeviceTree         // the flattened devicetree (riscv64)
	MachineFlags              // a word: MachineBootMode
	MachineMemory             // words: bytes that were usable at boot, that are free, and that the kernel's own heap, its tables and its objects have
)

// MachineBootMode, in the word of MachineFlags: people watch the consoles. Standard
// input is empty, and what programs write to their standard streams goes to the
// kernel's log.
const MachineBootMode = 1

// MachineLogSize is how many bytes the kernel's log keeps.
const MachineLogSize = 8192

// ThreadInfoSize is the size of ThreadInfo in bytes.
const ThreadInfoSize = 48

// ThreadInfo is what CallThreadInfo answers.
type ThreadInfo struct {
	State    ThreadState // 0 running, 1 ready, 2 waiting, 3 stopped, 4 not started
	Priority uint32      // fixed, 0: in the class of programs
	Nice     int32       // its nice value in that class
	CPU      uint32      // on which it runs or ran last
	Time     uint64      // of the CPU, ns
	Switches uint64      // how often it was given up
	ID       uint32      // as gettid(2) gives it
}

// ThreadState is what a thread does.
type ThreadState uint32

// The states of a thread.
const (
	ThreadRunning ThreadState = iota // it has a CPU
	ThreadReady                      // it waits for a CPU
	ThreadWaiting                    // it waits for something else
	ThreadStopped                    // by CallThreadStop, or with its process
	ThreadNew                        // it has not been started
)

// Put writes i's layout to the first ThreadInfoSize bytes of b.
func (i ThreadInfo) Put(b []byte) {
	_ = b[ThreadInfoSize-1]
	for at, v := range [4]uint32{uint32(i.State), i.Priority, uint32(i.Nice), i.CPU} {
		binary.LittleEndian.PutUint32(b[4*at:], v)
	}
	binary.LittleEndian.PutUint64(b[16:], i.Time)
	binary.LittleEndian.PutUint64(b[24:], i.Switches)
	binary.LittleEndian.PutUint64(b[32:], uint64(i.ID))
	binary.LittleEndian.PutUint64(b[40:], 0)
}

// GetThreadInfo reads a ThreadInfo from the first ThreadInfoSize bytes of b.
func GetThreadInfo(b []byte) ThreadInfo {
	_ = b[ThreadInfoSize-1]
	word := func(at int) uint32 { return binary.LittleEndian.Uint32(b[4*at:]) }
	return ThreadInfo{
		State: ThreadState(word(0)), Priority: word(1), Nice: int32(word(2)), CPU: word(3),
		Time: binary.LittleEndian.Uint64(b[16:]), Switches: binary.LittleEndian.Uint64(b[24:]), ID: word(8),
	}
}
