package buildinfo

import (
	"os"
	"regexp"
	"strings"
)

var modelName = regexp.MustCompile(`(?m)^model name\s*:(.*)$`)

// Processor returns the name of the processor's model that Linux reports, or "".
func Processor() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	return processor(b)
}

// processor returns the name in the text of /proc/cpuinfo.
func processor(cpuinfo []byte) string {
	m := modelName.FindSubmatch(cpuinfo)
	if m == nil {
		return ""
	}
	return strings.Join(strings.Fields(string(m[1])), " ")
}
