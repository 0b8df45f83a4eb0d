// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"errors"

	"loam/user/virtio"
)

// Bits of a driver's notification. Those above are the driver's own.
const (
	BitInterrupt = 1 << iota // of the device
	BitAlarm                 // see Loop.Asked
)

// ErrSilent: the device has not answered in time.
var ErrSilent = errors.New("driver: the device does not answer")

// Loop is how a driver hears of its device. It belongs to one goroutine at a time, as
// the device does. Its fields are not to be changed.
type Loop struct {
	Device *virtio.Device
	// Interrupt is the device's, to be acknowledged.
	Interrupt interface{ Ack() error }
	// Serve takes what the device has used, and knows of a change of configuration. It
	// looks until there is none left and no more since it asked for the next interrupt
	// (Queue.Used, Queue.Arm): nothing else has it called again.
	Serve func(virtio.Cause) error
	// Alarm has BitAlarm signalled, once, when the device's time is over that begins
	// now.
	Alarm func() error

	asked    int  // and not answered
	alarmed  bool // BitAlarm will come
	answered bool // something, since the alarm was set
}

// Handle handles bits that came. After an error nothing is to be had from the device.
func (l *Loop) Handle(bits uint64) error {
	if bits&BitInterrupt != 0 { // first: it may bring the answer that the alarm is about
		if err := l.interrupted(); err != nil {
			return err
		}
	}
	if bits&BitAlarm != 0 {
		return l.over()
	}
	return nil
}

func (l *Loop) interrupted() error {
	cause, err := l.Device.Interrupt()
	if err := errors.Join(err, l.Interrupt.Ack()); err != nil {
		return err
	}
	if cause == 0 { // the predecessor's, or another device's of the same line
		return nil
	}
	return l.Serve(cause)
}

// Asked says that the device has been given something that it is to answer in time;
// Answered is to follow. A buffer that waits for what may never happen (input) is not
// asked.
//
// There is one alarm for all that is asked, not one for each: it is set
// when there is none, and when it goes off and something has been answered since, it is set
// again. So it costs one call in each period however much is asked, and silence is noticed
// after one period at least and two at most. A device that leaves out one answer
// among many is not noticed by this.
func (l *Loop) Asked() error {
	l.asked++
	if l.alarmed {
		return nil
	}
	return l.alarm()
}

// Answered says that something that was asked has been answered.
func (l *Loop) Answered() {
	l.asked--
	l.answered = true
}

func (l *Loop) alarm() error {
	l.alarmed, l.answered = true, false
	return l.Alarm()
}

// over is when the alarm has gone off.
func (l *Loop) over() error {
	l.alarmed = false
	switch {
	case l.asked == 0:
		return nil
	case l.answered:
		return l.alarm()
	}
	return ErrSilent
}
