package cli

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// A load is the counters of processor time at one moment. They are unknown on a system without the /proc of Linux.
type load struct {
	known       bool
	at          time.Time
	busy, steal float64 // seconds of all processors: of this system; taken by the host of a virtual machine
	own         float64 // seconds of this process
}

// A noise is the processor time of others during a timing, in percent of one processor.
type noise struct {
	Others float64 `json:"other_cpu_percent"` // other processes
	Steal  float64 `json:"steal_percent"`     // other virtual machines of the host
}

// ticks is the unit of the counters in /proc: USER_HZ, the same on every Linux.
const ticks = 100

// readLoad returns the counters at this moment.
func readLoad() load {
	l := load{at: time.Now()}
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return l
	}
	self, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return l
	}
	return parseLoad(l, string(stat), string(self))
}

// parseLoad adds the counters to l: it reads the first line of /proc/stat (cpu user nice system idle iowait irq
// softirq steal …) and the 14th and 15th field of /proc/self/stat, whose second one is a name in brackets. See
// proc(5).
func parseLoad(l load, stat, self string) load {
	line, _, _ := strings.Cut(stat, "\n")
	all := strings.Fields(line)
	mine := strings.Fields(self[strings.LastIndex(self, ")")+1:])
	if len(all) < 9 || len(mine) < 13 {
		return l
	}
	sum := func(fields ...string) (s float64) {
		for _, f := range fields {
			n, _ := strconv.ParseFloat(f, 64) // the kernel writes whole numbers
			s += n / ticks
		}
		return s
	}
	l.known = true
	l.busy = sum(all[1], all[2], all[3], all[6], all[7])
	l.steal, l.own = sum(all[8]), sum(mine[11], mine[12])
	return l
}

// since returns the noise since l, without the time of this process and ours, the time of its children that have
// ended. It returns nil if the counters are unknown.
func (l load) since(ours time.Duration) *noise {
	now := readLoad()
	seconds := now.at.Sub(l.at).Seconds()
	if !l.known || !now.known || seconds < 5./ticks { // the counters are too coarse
		return nil
	}
	others := now.busy - l.busy - (now.own - l.own) - ours.Seconds()
	return &noise{Others: 100 * max(0, others) / seconds, Steal: 100 * (now.steal - l.steal) / seconds}
}

// noiseThreshold is the least noise that is printed, in percent of one processor.
const noiseThreshold = 3

// String formats the noise, or returns "" if it is small or unknown.
func (n *noise) String() string {
	if n == nil || n.Others < noiseThreshold && n.Steal < noiseThreshold {
		return ""
	}
	return fmt.Sprintf("%.0f%% others, %.0f%% stolen", n.Others, n.Steal)
}

// max returns the larger of each kind of noise.
func (n *noise) max(m *noise) *noise {
	switch {
	case n == nil:
		return m
	case m == nil:
		return n
	}
	return &noise{max(n.Others, m.Others), max(n.Steal, m.Steal)}
}

// peakMemory returns the peak memory of a process so far, in bytes, or 0 where the system does not report it; pid may
// be "self". The peak that wait4 reports is not used: it starts from the memory of the parent.
func peakMemory(pid string) int64 {
	b, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kb, _ := strconv.ParseInt(fields[0], 10, 64)
	return kb << 10
}
