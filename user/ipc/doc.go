// SPDX-License-Identifier: Apache-2.0

// Package ipc is calls between processes for Go programs: typed clients and servers
// over the messages of Loam's kernel (abi.CallEndpointCall and the like).
//
// A service is a Go interface, from which tools/ipcgen writes both sides:
//
//	//go:generate go run loam/tools/ipcgen Names
//
//	type Names interface {
//		Lookup(ctx context.Context, name string) (address uint64, err error)
//	}
//
// A server implements it and serves an endpoint; a client has a handle to the endpoint,
// which its creator or somebody else gave it.
//
//	server := ipc.Server{Endpoint: endpoint, Service: NamesService(implementation)}
//	err := server.Serve(ctx)
//
//	names := NewNamesClient(ipc.Endpoint(object.Given(0)))
//	address, err := names.Lookup(ctx, "console")
//
// # Waiting, goroutines and the collector
//
// Go runs goroutines on places (the runtime's Ps), usually one for each CPU, and a
// thread that enters the kernel takes its place along. A call that waits is made as
// package syscall makes its (sys.MessageWait): the collector doesn't wait for it, a
// CPU's timers and goroutines can go to another place, and if there is none free, Go's
// monitor takes this one away. The monitor looks every 20 us when there is much to
// do, but every 10 ms when little happens, and acts when it sees the same call a
// second time. With a single place that would be a ticker that is 20 ms late and more
// whenever a server waits. So a receiver counts how long its last wait was (Ticks, an
// instruction): after a long one, or when it has just started a goroutine, it gives
// its place away before it waits (sys.MessageBlock), which costs more than keeping it
// and nobody minds, since it waits; after a short one it keeps the place, since the
// next call is likely to come soon, but gives it away each ms or two all the same.
// So a server that handles call after call has the cheap way, one that idles has
// the considerate one, and what else there is to run waits for two ms at most.
//
// A receive that asks without waiting first, and waits only if nothing is there, was
// rejected: a call finds nobody waiting then, the kernel's direct way from caller
// to receiver is never taken, and each request costs two system calls.
//
// Raw calls, which keep the place for good, are there for those who know that nothing
// else wants it: Client.Short, Server.Alone. A program with one place whose methods wake goroutines, such as those of a
// network stack, lets these run before the receiver waits (Server.Yields): on the receiver's thread, without a change of
// threads. One of them may wait in the kernel itself and keep the thread; then the receiver goes on with another one, and takes
// what was bound to the first along.
//
// # Lending
//
// While a call is handled the receiving thread runs on its caller's priority and
// time (package kernel/ipc has how). A receiver is a goroutine that is locked to
// its thread and handles its requests itself, so what is lent reaches the method and
// nothing else: when the method waits for another goroutine, on a channel or a mutex, the
// thread waits, and the goroutine that it waits for runs on a thread of its own, at the
// server's own priority. The same holds for a method of Server.Async: it runs on the
// server's own priority and time from its start, and the receiver gives back
// what it was lent as soon as it receives again. A server for callers with fixed
// priorities does its work in the methods, with few and short locks, has as many receivers as
// are to be served at once, and leaves Async to what takes long and is urgent to nobody.
//
// A method that waits for something which its server will hear of anyway, as a driver does
// of its device, needs no goroutine: it keeps its request (Keep) and returns ErrKept, and
// whoever hears of it answers.
//
// # Cancelling
//
// The deadline of a client's context is the call's, and the kernel ends the call at
// it. A context that is cancelled sends its thread a signal: a call that hasn't been
// received ends; the server of one that has is told, and the request's context is
// cancelled, if some thread of the server receives meanwhile. The answer stays the
// one that counts: a method that has done its work says so, cancelled or not, and one
// that gives up returns the context's error, which comes out as the error of the
// client's own context. Another signal of the client's may cancel a request too; the client
// makes the call again then, if the method has given up, so a method that returns its context's
// error must not have done half of its work. That a client has died, or that its
// deadline has passed, the server isn't told; the answer finds nobody then.
//
// A request's context can be kept after the method has returned only if its Done
// channel was asked for; contexts that are derived from it do that.
//
// # Errors
//
// An error of the kernel's is a syscall.Errno: ECONNREFUSED nobody serves the
// endpoint; ECONNRESET the server has died, and what it did isn't known. What a method
// returns comes out at the client as far as it or what it wraps is an *Error, a
// syscall.Errno or an abi.Errno; of any other the text (Error with code 0). A method that
// panics ends its server: a supervisor starts it again, and its clients get
// ECONNRESET.
//
// # Trust
//
// Neither side trusts the other's messages. Everything that is read is checked against
// what came; what doesn't fit is ErrMalformed, for its sender, and handles that came
// with it are closed. A server holds no more for a request than twice the bytes of a message, and what
// its method makes of them.
package ipc
