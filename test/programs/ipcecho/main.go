// SPDX-License-Identifier: Apache-2.0

// Command ipcecho is a service and its client, to copy from: it serves Echo, starts
// itself again with a handle to call it, and ends when that has ended.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/object"
)

//go:generate go run loam/tools/ipcgen Echo

// Echo is the service.
type Echo interface {
	// Say gives text back, and how often anything was said before.
	Say(ctx context.Context, text string) (answer string, before int, err error)
}

// ErrSilence is Say's, for no text.
var ErrSilence = ipc.Errorf(1, "nothing was said")

// echo serves it. Requests come one at a time: the server has one receiver.
type echo struct{ said int }

func (e *echo) Say(_ context.Context, text string) (string, int, error) {
	if text == "" {
		return "", 0, ErrSilence
	}
	e.said++
	return strings.ToUpper(text), e.said - 1, nil
}

func main() {
	log.SetFlags(0)
	if len(os.Args) > 1 {
		client(NewEchoClient(ipc.Endpoint(object.Given(0))))
		return
	}
	endpoint, err := ipc.NewEndpoint()
	check(err)
	const badge = 1
	call, err := endpoint.Mint(badge)
	check(err)
	child, err := (&object.Program{File: "program", Args: []string{"ipcecho", "client"},
		Handles: []abi.HandOn{call.HandOn()}}).Start()
	check(err)
	server := ipc.Server{Endpoint: endpoint, Service: EchoService(new(echo))}
	go func() {
		status, err := child.Process.Wait(object.Forever)
		fmt.Println("the client:", status.Value, err)
		server.Shutdown()
	}()
	check(server.Serve(context.Background()))
}

func client(e *EchoClient) {
	for _, text := range []string{"hello", "hello again"} {
		answer, before, err := e.Say(context.Background(), text)
		check(err)
		fmt.Println(answer, before)
	}
	_, _, err := e.Say(context.Background(), "")
	fmt.Println(err)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
