// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/linux/inet"
	"loam/user/linux/lx"
	"loam/user/object"
	"loam/user/sockets"
)

// uplink is the session with the network's server. It begins when a program first wants what is beyond the
// sandbox, and again when the server has died.
type uplink struct {
	server  *Server
	sockets *sockets.SocketsClient
	note    object.Notification
	bits    uint64

	session inet.Session  // the present run's
	looks   chan struct{} // the server has said something
	pause   time.Duration // before the next try, if there is no session and somebody wants one
}

// patience is how long programs wait for the network to be there and to have an address. It comes in much less, or never.
const patience = 15 * time.Second

// firstPause and lastPause are how long a session isn't tried again that couldn't begin.
const firstPause, lastPause = time.Second, time.Minute

// attachNetwork gives the sandbox what is beyond it: the server behind an endpoint, which signals bits of a
// notification.
func attachNetwork(s *Server, to ipc.Endpoint, note object.Notification, bits uint64) *uplink {
	u := &uplink{server: s, sockets: sockets.NewSocketsClient(to), note: note, bits: bits, looks: make(chan struct{}, 1), pause: firstPause}
	u.sockets.Client.Short = true                              // nothing that it serves waits
	u.sockets.Client.Memory = make([]byte, 0, sockets.MaxData) // its calls are made under the server's lock
	s.inet.Attach(func() { go u.run() })
	return u
}

// run is a session, from its begin to its end.
func (u *uplink) run() {
	over := make(chan struct{})
	late := time.AfterFunc(patience, func() { // the server may take long to be there, too
		close(over)
		u.locked(u.server.inet.Late)
	})
	defer late.Stop()
	if u.attach() != nil {
		u.without()
		return
	}
	u.pause = firstPause
	ended := make(chan error, 1)
	number := u.session.Number // the next run's is another
	go func() {                // with a place to wait at
		watch := sockets.NewSocketsClient(u.sockets.Client.To)
		ended <- watch.Watch(context.Background(), number)
	}()
	u.follow(ended, over)
	late.Stop()
	u.locked(u.server.inet.Down)
}

// without is for who waits for a session that can't begin. Who listens asks for nothing: it is tried again for him.
func (u *uplink) without() {
	again := false
	pause := u.pause
	u.pause = min(2*pause, lastPause)
	u.locked(func() { again = u.server.inet.NoNetwork() })
	if again {
		time.AfterFunc(pause, func() { u.locked(u.server.inet.Retry) })
	}
}

// attach begins the session.
func (u *uplink) attach() error {
	const share = abi.RightTransfer | abi.RightDuplicate
	mine, err := object.Mint(object.Handle(u.note), abi.RightWrite|share, u.bits)
	if err != nil {
		return err
	}
	defer func() { _ = object.Close(mine) }()
	client := sockets.NewSocketsClient(u.sockets.Client.To) // the server may have to be started first
	for {
		events, number, err := client.Attach(context.Background(), ipc.Copy(abi.HandleProcess, abi.RightWait), ipc.Copy(mine, abi.RightWrite|share), u.bits)
		if lx.Errno(err) == abi.ECONNRESET {
			continue // it died over it
		}
		if err != nil {
			return err
		}
		u.session = inet.Session{Server: u.sockets, Number: number}
		if err = u.mapEvents(object.Memory(events.Handle)); err != nil {
			return errors.Join(err, client.Detach(context.Background(), number))
		}
		return nil
	}
}

// mapEvents maps what the server says of sockets. Each session's stays until this process ends: calls may still
// look at the last one's.
func (u *uplink) mapEvents(m object.Memory) error {
	defer m.Close()
	const size = sockets.EventsSize
	at, err := object.Here.Map(m, 0, 0, size, abi.PROT_READ)
	if err == nil {
		u.session.Events = object.Bytes(at, size)
	}
	return err
}

// follow gives the sandbox the network when it has an address, and what it is whenever that changes, until the
// session ends. over: the time is over that programs wait for an address.
func (u *uplink) follow(ended chan error, over chan struct{}) {
	server := sockets.NewSocketsClient(u.sockets.Client.To)
	up, changes := false, uint32(0)
	for {
		c, err := server.Configuration(context.Background(), u.session.Number)
		if err == nil && (!up || c.Changes != changes) {
			u.tell(up, c)
			up, changes = true, c.Changes
		}
		if err != nil && lx.Errno(err) != abi.EAGAIN {
			return
		}
		select {
		case <-u.looks:
		case <-ended:
			return
		case <-over:
			if !up {
				u.tell(up, sockets.Configuration{})
			}
			up, over = true, nil
		}
	}
}

// tell gives the sandbox what the network is.
func (u *uplink) tell(up bool, c sockets.Configuration) {
	u.locked(func() {
		if up {
			u.server.inet.Configured(c)
		} else {
			u.server.inet.Up(u.session, c)
		}
		u.server.writeResolvers()
	})
}

// locked calls f with the server's lock.
func (u *uplink) locked(f func()) {
	l := u.server.Locker()
	l.Lock()
	defer l.Unlock()
	f()
}

// heard is called when the server has signalled.
func (u *uplink) heard() {
	changed := false
	u.locked(func() { changed = u.server.inet.Heard() })
	if !changed {
		return
	}
	select {
	case u.looks <- struct{}{}:
	default:
	}
}

// waitForNetwork has a call that was inet.Unknown be made again when the network is known.
func (s *Server) waitForNetwork(t *task, f *file) uint64 {
	if f != nil {
		t.hold(f)
	}
	result := s.wait(t, never, true, s.inet.Known())
	t.w.network = true
	return result
}

// resolverFile says which servers of names there are.
const resolverFile = "/etc/resolv.conf"

// resolverText is what it says.
func resolverText(dns []netip.Addr, domain string) string {
	var b strings.Builder
	if domain != "" && !strings.ContainsAny(domain, " \n\t") {
		b.WriteString("search " + domain + "\n")
	}
	for _, a := range dns {
		b.WriteString("nameserver " + a.String() + "\n")
	}
	return b.String()
}

// writeResolvers has the file say what the network does, unless a program has changed it.
func (s *Server) writeResolvers() {
	dns, domain := s.inet.Resolvers()
	if len(dns) == 0 || s.resolvers == "" {
		return
	}
	v := s.view()
	text := make([]byte, len(s.resolvers)+1)
	_, o, e := v.OpenPath(nil, v.Root, resolverFile, abi.O_RDWR, 0)
	if e != 0 {
		return
	}
	defer o.Close()
	p := &piece{b: text, left: len(text)}
	if n, e := o.Read(nil, p, 0); e != 0 || string(text[:n]) != s.resolvers {
		s.resolvers = "" // it is the program's from now on
		return
	}
	s.resolvers = resolverText(dns, domain)
	s.writeText(resolverFile, s.resolvers)
}

// writeText writes a file anew.
func (s *Server) writeText(path, text string) {
	v := s.view()
	if _, o, e := v.OpenPath(nil, v.Root, path, abi.O_CREAT|abi.O_WRONLY|abi.O_TRUNC, 0o644); e == 0 {
		_, _, _ = o.Write(nil, &piece{b: []byte(text), left: len(text)}, 0, false)
		o.Close()
	}
}
