package process

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// Birth returns when a process began, in ticks since the machine was started, and which start of the machine that was; "" if
// there is no such process.
func Birth(pid int) string {
	state, began := stat(pid)
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if state == 0 || err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + "/" + began
}

// runs reports whether there is a process of that number that has not ended: one that nobody has waited for has.
func runs(pid int) bool {
	state, _ := stat(pid)
	return state != 0 && state != 'Z' && state != 'X'
}

// stat returns the state of a process and the tick at which it began; 0 if there is none.
func stat(pid int) (state byte, began string) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, ""
	}
	// The second field is the name in parentheses, which may have any characters; the state is the third field, the start the 22nd.
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(fields) < 20 {
		return 0, ""
	}
	return fields[0][0], string(fields[19])
}
