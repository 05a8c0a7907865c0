package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/imago-ml/imago/internal/disk"
)

const (
	fullDiskEnv = "ATOMICFILE_FULL_DISK" // in the child: the folder to mount on
	exitNoMount = 77
)

// TestFullDisk fills a real file system of 64 KiB, which a copy of this test mounts in its own namespaces. It is skipped where
// the system does not allow this, as in many containers.
func TestFullDisk(t *testing.T) {
	if dir := os.Getenv(fullDiskEnv); dir != "" {
		fillDisk(t, dir)
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^TestFullDisk$", "-test.v")
	cmd.Env = append(os.Environ(), fullDiskEnv+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	switch ee := (*exec.ExitError)(nil); {
	case err == nil:
	case !errors.As(err, &ee) || ee.ExitCode() == exitNoMount:
		t.Skipf("this system does not allow tests to mount a file system: %v\n%s", err, out)
	default:
		t.Errorf("%v\n%s", err, out)
	}
}

func fillDisk(t *testing.T, dir string) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		fmt.Println(err)
		os.Exit(exitNoMount)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	name := filepath.Join(dir, "a.bin")
	if err := WriteBytes(name, []byte("old")); err != nil {
		t.Fatal(err)
	}
	err := WriteBytes(name, make([]byte, 1<<20))
	if want := "write " + name + ": no space left on device"; !errors.Is(err, syscall.ENOSPC) || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if got := read(t, name); got != "old" {
		t.Errorf("the file holds %d bytes, want old", len(got))
	}
	wantOnlyFile(t, name)

	log, _, err := OpenJSONL(disk.At(dir), "a.binl", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if err := log.Append(row{Step: 1}); err != nil {
		t.Fatal(err)
	}
	if err := log.Append(row{Pad: strings.Repeat("x", 1<<20)}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("append: %v, want no space left", err)
	}
	if err := log.Append(row{Step: 2}); err != nil {
		t.Errorf("append after the failed one: %v", err)
	}
	if got, want := read(t, name+"l"), string(sealed([]byte(`{"step":1}`)))+string(sealed([]byte(`{"step":2}`))); got != want {
		t.Errorf("log holds %.60q, want %q", got, want)
	}
}
