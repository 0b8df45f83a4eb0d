// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"loam/test/vm/vmtest"
)

const webModule = "test/realprograms/web"

// TestRealServers runs servers as people write and use them, on the host and in the machine: clients on the host must hear the same
// of both, and so must a client in the machine of the host's.
func TestRealServers(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for name, test := range map[string]func(t *testing.T, dir string){"web": testWeb, "caddy": testCaddy} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if os.Getenv(programsVariable) == "" {
				t.Skip("not quick: ./x programs")
			}
			dir := t.TempDir()
			writeAuthority(t, dir)
			test(t, dir)
		})
	}
}

// testWeb has test/realprograms/web ask itself: host to host, host to machine, machine to host.
func testWeb(t *testing.T, dir string) {
	p := realProgram{name: "web", module: webModule, pkgs: []string{"."}}
	host, guest := filepath.Join(builtPrograms(t, p, runtime.GOARCH), "web"), filepath.Join(builtPrograms(t, p, vmtest.Arch()), "web")
	ask := func(secure, rpc string) string { return output(t, host, "ask", dir, secure, rpc) }
	onHost(t, host, "serve", dir)
	want := ask("127.0.0.1:8443", "127.0.0.1:50051")
	if part := "Chat: you say three\n"; !strings.Contains(want, part) {
		t.Fatalf("on the host there is no %q:\n%s", part, want)
	}
	secure, rpc := freePort(t), freePort(t)
	start(t, "run", "-m", "1G", "-p", secure+":8443", "-p", rpc+":50051", "--dir", dir+"::/web:ro", guest, "serve", "/web")
	if got := ask(secure, rpc); got != want {
		t.Errorf("the machine's says\n%s\nthe host's\n%s", got, want)
	}
	c := vmtest.Command{Served: true, Dir: dir, Limit: 10 * time.Minute,
		Args: []string{"run", "-m", "1G", "--dir", dir + "::/web:ro", guest, "ask", "/web", "10.0.2.2:8443", "10.0.2.2:50051"}}
	c.Do(t).WantStdout(t, 0, want)
}

// testCaddy has Caddy serve files and what is behind a proxy by HTTPS to curl.
func testCaddy(t *testing.T, dir string) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("no curl here")
	}
	const config = "{\n\tadmin off\n\tauto_https off\n\tpersist_config off\n}\nhttps://localhost:8444 {\n\ttls cert.pem key.pem\n\tencode gzip\n" +
		"\thandle /back/* {\n\t\treverse_proxy 127.0.0.1:8081\n\t}\n\thandle {\n\t\troot * files\n\t\tfile_server browse\n\t}\n}\n" +
		"http://:8081 {\n\tbind 127.0.0.1\n\trespond \"behind: {path}\"\n}\n"
	if err := os.WriteFile(filepath.Join(dir, "Caddyfile"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	p := realProgram{name: "caddy", module: webModule, pkgs: []string{"github.com/caddyserver/caddy/v2/cmd/caddy"}}
	host, guest := filepath.Join(builtPrograms(t, p, runtime.GOARCH), "caddy"), filepath.Join(builtPrograms(t, p, vmtest.Arch()), "caddy")
	cmd := exec.Command(host, "run")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+t.TempDir())
	began(t, cmd)
	want := asked(t, curl, dir, "8444")
	if part := "behind: /back/one/two\n2 200 "; !strings.Contains(want, part) {
		t.Fatalf("on the host there is no %q:\n%s", part, want)
	}
	port := freePort(t)
	machine := exec.Command(vmtest.Loam(t), "run", "-m", "1G", "-p", port+":8444", "--dir", dir+"::/web:ro", "-e", "HOME=/tmp", guest,
		"run", "--config", "/web/Caddyfile")
	machine.Dir = dir
	t.Cleanup(vmtest.Slot())
	began(t, machine)
	if got := asked(t, curl, dir, strings.TrimPrefix(port, "127.0.0.1:")); got != want {
		t.Errorf("the machine's says\n%s\nthe host's\n%s", got, want)
	}
}

// asked gives what curl gets from a server at a port, as soon as that is there.
func asked(t *testing.T, curl, dir, port string) string {
	t.Helper()
	base := "https://localhost:" + port
	get := func(args ...string) (string, error) {
		args = append([]string{"-sS", "-4", "-m", "60", "--cacert", "ca.pem", "-H", "Host: localhost:8444",
			"-w", "\n%{http_version} %{http_code} %{content_type} %{size_download} %{ssl_verify_result}\n"}, args...)
		cmd := exec.Command(curl, args...)
		cmd.Dir = dir
		b, err := cmd.Output()
		return string(b), err
	}
	var all strings.Builder
	for _, args := range [][]string{
		{base + "/a.txt"}, {"-I", base + "/a.txt"}, {"--http1.1", base + "/a.txt"}, {"-r", "2-4", base + "/a.txt"}, {base + "/large"},
		{"--compressed", base + "/large"}, {base + "/none"}, {base + "/back/one/two"}, {"-H", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT", base + "/a.txt"},
	} {
		text, err := get(args...)
		for until := time.Now().Add(2 * time.Minute); err != nil && all.Len() == 0 && time.Now().Before(until); text, err = get(args...) {
			time.Sleep(100 * time.Millisecond)
		}
		if err != nil {
			t.Fatalf("curl %q: %v", args, err)
		}
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(strings.ToLower(line), "date:") {
				all.WriteString(line)
			}
		}
	}
	return all.String()
}

// onHost starts a server on the host that says "ready".
func onHost(t *testing.T, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	began(t, cmd)
	line := make([]byte, len("ready\n"))
	if _, err := out.Read(line); err != nil {
		t.Fatalf("%s on the host: %v", program, err)
	}
}

// began starts a command that the end of the test ends.
func began(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
}

func output(t *testing.T, program string, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stderr = &stderr
	b, err := cmd.Output()
	if err != nil {
		t.Errorf("%s %q: %v\n%s%s", program, args, err, b, &stderr)
	}
	return string(b)
}

// freePort gives an address of the host that nobody listens at.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// writeAuthority writes an authority's certificate, one that it has signed for the host's addresses, and files to serve.
func writeAuthority(t *testing.T, dir string) {
	t.Helper()
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	about := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: authority.NotBefore, NotAfter: authority.NotAfter, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 0, 2, 2)}, KeyUsage: x509.KeyUsageDigitalSignature}
	authority.Subject.CommonName = "an authority"
	signing, signed := newKey(t), newKey(t)
	root, err := x509.CreateCertificate(rand.Reader, authority, authority, &signing.PublicKey, signing)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.CreateCertificate(rand.Reader, about, authority, &signed.PublicKey, signing)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(signed)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "files"), 0o755); err != nil {
		t.Fatal(err)
	}
	var large bytes.Buffer
	for i := range 200_000 {
		fmt.Fprintln(&large, "line", i)
	}
	for name, b := range map[string][]byte{
		"ca.pem":      pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}),
		"cert.pem":    pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf}),
		"key.pem":     pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		"files/a.txt": []byte("hello there\n"), "files/large": large.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
