// SPDX-License-Identifier: Apache-2.0

package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"loam/host/exit"
	"loam/host/program"
	"loam/host/vm"
)

// Folder is a folder of the host's that the machine has. The service that serves it is
// folder0, folder1 and so on.
type Folder struct {
	Host     string // its path here
	Guest    string // its path there
	ReadOnly bool
}

// ParseFolder reads HOST[::GUEST][:ro]. Without GUEST the folder has the same path in the
// machine as here.
func ParseFolder(text string) (Folder, error) {
	var f Folder
	text, f.ReadOnly = strings.CutSuffix(text, ":ro")
	at := strings.LastIndex(text, "::")
	if at >= 0 {
		f.Host, f.Guest = text[:at], text[at+2:]
	} else {
		f.Host = text
	}
	if f.Host == "" {
		return Folder{}, errors.New("the folder's path is missing")
	}
	if at < 0 {
		absolute, err := filepath.Abs(f.Host)
		if err != nil {
			return Folder{}, err
		}
		f.Guest = filepath.ToSlash(absolute)
	}
	return f, f.checkGuest()
}

// own are folders of the machine's own (package user/linux), where nothing else can be.
var own = []string{"/boot", "/dev", "/proc"}

// rootMount is where a folder is that a module calls "/". The machine's own root is no folder.
const rootMount = "/mnt/root"

// mount is where the folder is in the machine: where programs see it, but modules have names of their own.
func (f *Folder) mount() string {
	if f.Guest == "/" {
		return rootMount
	}
	return f.Guest
}

// Possible reports whether a machine for any kind of program can have the folder at its path.
func (f *Folder) Possible() bool { return f.Guest != "/" && f.checkGuest() == nil }

func (f *Folder) checkGuest() error {
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	switch {
	case !path.IsAbs(f.Guest):
		return fmt.Errorf("the path in the machine, %q, does not begin with /", f.Guest)
	case path.Clean(f.Guest) != f.Guest:
		return fmt.Errorf("the path in the machine, %q, is %q in short", f.Guest, path.Clean(f.Guest))
	case slices.Contains(own, "/"+strings.Split(f.Guest, "/")[1]):
		return fmt.Errorf("the path in the machine, %s, is one of the machine's own: HOST::GUEST gives the folder another", f.Guest)
	case strings.ContainsFunc(f.Guest, control):
		return fmt.Errorf("the path in the machine, %q, has control characters", f.Guest)
	}
	return nil
}

// checkRoot refuses a folder as the root of a program that isn't a module.
func checkRoot(folders []Folder, kind program.Kind) error {
	for _, f := range folders {
		if f.Guest == "/" && kind != program.Wasm {
			return exit.Errorf(exit.Loam, "--dir: the path in the machine, /, is one of the machine's own but for modules: HOST::GUEST gives the folder another")
		}
	}
	return nil
}

// checkFolders looks at the folders, and at what only all of them can tell.
func checkFolders(folders []Folder) error {
	at := map[string]string{}
	for _, f := range folders {
		if err := f.checkGuest(); err != nil {
			return exit.Errorf(exit.Loam, "--dir: %v", err)
		}
		if other, taken := at[f.mount()]; taken {
			return exit.Errorf(exit.Loam, "--dir: %s and %s are both to be %s in the machine", other, f.Host, f.mount())
		}
		at[f.mount()] = f.Host
		info, err := os.Stat(f.Host)
		var p *fs.PathError
		switch {
		case errors.As(err, &p):
			return exit.Errorf(exit.Loam, "--dir: %s: %v", f.Host, p.Err)
		case err != nil:
			return exit.Errorf(exit.Loam, "--dir: %s: %v", f.Host, err)
		case !info.IsDir():
			return exit.Errorf(exit.Loam, "--dir: %s is not a folder", f.Host)
		}
	}
	return nil
}

// folderData is memory for the device of a folder: for small messages. folderShare
// is memory that the service shares with who it serves (package user/folderd).
const (
	folderData  = "1M"
	folderShare = "4M"
)

// device is that of folder number i. QEMU opens the folder by its path: there is no other way
// for a -fsdev local.
func (f *Folder) device(i int) (device, error) {
	host, err := filepath.Abs(f.Host)
	if err != nil {
		return device{}, exit.Errorf(exit.Loam, "--dir: %v", err)
	}
	name := folderName(i)
	// Device numbers of the host's are made one, lest two files seem to be the same.
	text := "local,id=" + name + ",security_model=none,multidevs=remap,path=" + strings.ReplaceAll(host, ",", ",,")
	args := []string{"tag=" + name}
	if f.ReadOnly {
		text += ",readonly=on"
		args = append(args, "ro")
	}
	return device{
		flag: "--dir", service: name, program: "folder", args: args, granted: true, dma: []string{folderData, folderShare}, lines: []string{slackLine},
		attach: func() (vm.Device, error) {
			return vm.Device{Model: "virtio-9p", Props: "fsdev=" + name + ",mount_tag=" + name,
				Needs: []vm.Arg{{Option: "-fsdev", Value: text}}}, nil
		},
	}, nil
}

func folderName(i int) string { return fmt.Sprintf("folder%d", i) }

// slackLine is in the sections of servers whose threads hold up no goroutine while they wait: what is urgent comes to them
// by messages and notifications, and the monitor that Go's runtime has in each would else take the CPU thousands of times a
// second from who works.
const slackLine = "slack 10ms"

// personality is the service that has the program's files: it mounts the folders.
const personality = "linux"

// workingFolder is where the program's paths begin: where loam's do, if that is in one of the
// folders, the innermost, else at "/".
func workingFolder(folders []Folder) string {
	here, err := os.Getwd()
	if err != nil {
		return "/"
	}
	cwd, longest := "/", 0
	for _, f := range folders {
		host, err := filepath.Abs(f.Host)
		if err != nil {
			continue
		}
		below, err := filepath.Rel(host, here)
		if err != nil || below == ".." || strings.HasPrefix(below, ".."+string(filepath.Separator)) || len(host) <= longest {
			continue
		}
		cwd, longest = path.Join(f.mount(), filepath.ToSlash(below)), len(host)
	}
	return cwd
}

// personalitySection is the section of the personality, for a program with folders. One whose path
// is below another's is mounted after that.
func (o *Options) personalitySection() string {
	folders := o.Folders
	var b, uses strings.Builder
	b.WriteString("service " + personality + "\n  system " + personality + "\n  args")
	order := make([]int, len(folders))
	for i := range folders {
		order[i] = i
		uses.WriteString("  uses " + folderName(i) + "\n")
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(folders[a].mount(), folders[b].mount()) })
	for _, i := range order {
		mount := fmt.Sprintf("mount=%d:%s", i, folders[i].mount())
		if folders[i].ReadOnly {
			mount += ":ro"
		}
		b.WriteString(" " + word(mount))
	}
	if cwd := workingFolder(folders); cwd != "/" {
		b.WriteString(" " + word("cwd="+cwd))
	}
	if o.ownStreams {
		b.WriteString(" streams")
		uses.WriteString("  uses streams\n")
	}
	if o.network {
		b.WriteString(" net dns=" + resolver)
		uses.WriteString("  uses " + networkName + "\n")
	}
	if o.Syscalls {
		b.WriteString(" syscalls")
		uses.WriteString("  drain\n")
	}
	if o.Trace != nil {
		b.WriteString(" trace")
	}
	b.WriteString("\n  provides " + personality + "\n" + uses.String() + "  " + slackLine + "\n")
	return b.String()
}
