// SPDX-License-Identifier: Apache-2.0

// Command moduleserver is a module that serves HTTP by the listeners that it was given, as Go programs for wasip1 do: by
// net.FileListener. It ends when it is asked for /quit.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

func main() {
	quit := make(chan struct{})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "hello by %s", r.Proto) })
	http.HandleFunc("/length", func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n, err)
	})
	http.HandleFunc("/quit", func(http.ResponseWriter, *http.Request) { close(quit) })
	listeners, err := granted()
	if err != nil || len(listeners) == 0 {
		fmt.Println(len(listeners), "listeners,", err)
		os.Exit(1)
	}
	server := http.Server{ReadHeaderTimeout: time.Minute}
	for _, l := range listeners {
		go func() { fmt.Println(server.Serve(l)) }()
	}
	fmt.Println("ready")
	<-quit
}

// granted finds the listeners: after the folders, the first descriptor that is none is the last.
func granted() (list []net.Listener, err error) {
	for fd := uintptr(3); ; fd++ {
		l, err := net.FileListener(os.NewFile(fd, "listener"))
		switch {
		case err == nil:
			list = append(list, l)
		case errors.Is(err, syscall.EBADF):
			return list, nil
		case !errors.Is(err, syscall.ENOTSOCK):
			return list, err
		}
	}
}
