package memory

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// machine returns the bytes of memory that programs can have now without swapping, MemAvailable of /proc/meminfo, or
// those installed if the kernel does not tell (before 3.14); 0 if neither is known.
func machine() int64 {
	b, _ := os.ReadFile("/proc/meminfo") // without it, nothing is known
	return meminfo(string(b))
}

func meminfo(text string) int64 {
	total := int64(0)
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 3 || f[2] != "kB" {
			continue
		}
		n, err := strconv.ParseInt(f[1], 10, 53)
		switch {
		case err != nil:
		case f[0] == "MemAvailable:":
			return n << 10
		case f[0] == "MemTotal:":
			total = n << 10
		}
	}
	return total
}

// group returns the least limit of memory of the control groups that the process is in, in bytes; 0 if there is none.
func group() int64 {
	b, _ := os.ReadFile("/proc/self/cgroup") // without it, there are none
	return groupLimit("/sys/fs/cgroup", string(b))
}

// groupLimit returns the least limit of the groups that the lines of text name, and of the groups that these are in.
// A line is "0::/path" of version 2, "N:controllers:/path" of version 1, whose memory controller has a tree of its own.
// In a container a path may be that on the host, which is not there: then the root is the group of the container.
func groupLimit(root, text string) int64 {
	least := int64(0)
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		tree, file := root, "memory.max"
		switch {
		case f[0] == "0" && f[1] == "":
		case strings.Contains(","+f[1]+",", ",memory,"):
			tree, file = filepath.Join(root, "memory"), "memory.limit_in_bytes"
		default:
			continue
		}
		for dir := filepath.Join("/", f[2]); ; dir = filepath.Dir(dir) {
			b, err := os.ReadFile(filepath.Join(tree, dir, file))
			if n, bad := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && bad == nil && n > 0 && (least == 0 || n < least) {
				least = n // a group without a limit says max, or a number beyond all memory
			}
			if dir == "/" {
				break
			}
		}
	}
	return least
}
