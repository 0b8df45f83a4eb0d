// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

type text = wrapperspb.StringValue

// words is a service of every kind of method, described by hand: what protoc would generate.
var words = grpc.ServiceDesc{
	ServiceName: "loam.Words", HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Upper", Handler: upper}},
	Streams: []grpc.StreamDesc{
		{StreamName: "Split", Handler: split, ServerStreams: true},
		{StreamName: "Join", Handler: join, ClientStreams: true},
		{StreamName: "Chat", Handler: chat, ServerStreams: true, ClientStreams: true},
	},
}

func serveRPC(certificate *tls.Certificate) error {
	l, err := net.Listen("tcp", ":50051")
	if err != nil {
		return err
	}
	s := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(certificate)))
	s.RegisterService(&words, nil)
	h := health.NewServer()
	h.SetServingStatus("loam.Words", grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(s, h)
	return s.Serve(l)
}

// upper is a call with one answer: an error of a code that is asked for, or one that comes too late, or the text.
func upper(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	var in text
	if err := decode(&in); err != nil {
		return nil, err
	}
	switch in.Value {
	case "refuse":
		return nil, status.Error(codes.PermissionDenied, "not for you")
	case "panic":
		return nil, errors.New("some error")
	case "wait":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	given, _ := metadata.FromIncomingContext(ctx)
	_ = grpc.SetTrailer(ctx, metadata.Pairs("given", strings.Join(given.Get("given"), "+")))
	return wrapperspb.String(strings.ToUpper(in.Value)), nil
}

func split(_ any, s grpc.ServerStream) error {
	var in text
	if err := s.RecvMsg(&in); err != nil {
		return err
	}
	for w := range strings.FieldsSeq(in.Value) {
		if err := s.SendMsg(wrapperspb.String(w)); err != nil {
			return err
		}
	}
	return nil
}

func join(_ any, s grpc.ServerStream) error {
	var all []string
	for {
		var in text
		switch err := s.RecvMsg(&in); err {
		case nil:
			all = append(all, in.Value)
		case io.EOF:
			return s.SendMsg(wrapperspb.String(strings.Join(all, " ")))
		default:
			return err
		}
	}
}

func chat(_ any, s grpc.ServerStream) error {
	for {
		var in text
		switch err := s.RecvMsg(&in); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case in.Value == "enough":
			return status.Error(codes.ResourceExhausted, "enough")
		}
		if err := s.SendMsg(wrapperspb.String("you say " + in.Value)); err != nil {
			return err
		}
	}
}

// askRPC calls every method, with what goes wrong for calls.
func askRPC(roots *x509.CertPool, at string) error {
	c, err := grpc.NewClient(at, grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(roots, "")))
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for _, service := range []string{"", "loam.Words", "nobody"} {
		r, err := grpc_health_v1.NewHealthClient(c).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: service})
		fmt.Printf("health of %q: %v %v\n", service, r.GetStatus(), status.Code(err))
	}
	calls(ctx, c)
	for _, method := range []string{"Split", "Join", "Chat"} {
		if err := stream(ctx, c, method); err != nil {
			return err
		}
	}
	return nil
}

// calls makes calls of the method that answers once.
func calls(ctx context.Context, c *grpc.ClientConn) {
	for _, in := range []string{"text", "refuse", "panic", strings.Repeat("x", 1<<20), strings.Repeat("x", 5<<20)} {
		var out text
		var trailer metadata.MD
		err := c.Invoke(metadata.AppendToOutgoingContext(ctx, "given", "a", "given", "b"), "/loam.Words/Upper", wrapperspb.String(in), &out,
			grpc.Trailer(&trailer), grpc.UseCompressor(gzip.Name))
		fmt.Printf("upper: %.20q, %d bytes, %v, %v\n", out.Value, len(out.Value), trailer.Get("given"), err)
	}
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	err := c.Invoke(short, "/loam.Words/Upper", wrapperspb.String("wait"), &text{})
	fmt.Println("too late:", status.Code(err))
	fmt.Println("no such method:", c.Invoke(ctx, "/loam.Words/Lower", wrapperspb.String(""), &text{}))
	canceled, cancel := context.WithCancel(ctx)
	time.AfterFunc(100*time.Millisecond, cancel)
	err = c.Invoke(canceled, "/loam.Words/Upper", wrapperspb.String("wait"), &text{})
	fmt.Println("canceled:", status.Code(err))
}

// stream sends words to a method that streams, and prints what comes until the end.
func stream(ctx context.Context, c *grpc.ClientConn, method string) error {
	s, err := c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/loam.Words/"+method)
	if err != nil {
		return err
	}
	sent := []string{"one", "two", "three"}
	if method == "Split" {
		sent = []string{strings.Join(sent, " ")}
	}
	if method == "Chat" {
		sent = append(sent, "enough")
	}
	for _, w := range sent {
		if err := s.SendMsg(wrapperspb.String(w)); err != nil {
			return err
		}
	}
	if err := s.CloseSend(); err != nil {
		return err
	}
	for {
		var out text
		if err := s.RecvMsg(&out); err != nil {
			fmt.Printf("%s ends: %v\n", method, err)
			return nil
		}
		fmt.Printf("%s: %s\n", method, out.Value)
	}
}
