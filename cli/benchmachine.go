package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/imago-ml/imago/internal/buildinfo"
	"github.com/imago-ml/imago/internal/cpuid"
	"github.com/imago-ml/imago/internal/kernel"
)

// A machine is the processor, and the speed that timings are compared with.
type machine struct {
	CPU        string     `json:"cpu,omitempty"` // the name of the model, where the system reports it
	Processors int        `json:"processors"`
	Capacity   []capacity `json:"capacity"` // with one thread, then with all
}

// A capacity is the highest speed of so many threads.
type capacity struct {
	Threads int        `json:"threads"`
	Units   []unitRate `json:"units"`           // each unit of vectors that kernels may use
	FMA     float64    `json:"fma_gflop_per_s"` // of the fastest of them
	Levels  []level    `json:"levels"`          // of the memory, from the fastest on
	Copy    float64    `json:"copy_gb_per_s"`   // one array in memory read, another written; both are counted
}

// A unitRate is the rate of float32 multiply-adds on registers, two operations each.
type unitRate struct {
	Name string  `json:"name"` // of the instructions: "avx512"
	FMA  float64 `json:"fma_gflop_per_s"`
}

// A level is a cache of each processor, or one that all share, or memory.
type level struct {
	Name  string  `json:"name"`                  // "L1", "L2", "L3" or "memory"
	Bytes int     `json:"holds_bytes,omitempty"` // that it holds; 0 for memory
	Read  float64 `json:"read_gb_per_s"`         // adding up an array that it holds

	shared bool // by all threads; otherwise each has its own
}

const (
	// benchArray is the number of elements of an array far larger than the caches: 128 MiB.
	benchArray = 32 << 20
	// benchTries is the number of measurements of a capacity. The best counts: disturbances only make a processor
	// slower.
	capacityTries = 16
	// fmaTime is about how long one try of work on registers or in a cache takes.
	fmaTime = 20 * time.Millisecond
)

// measureMachine measures the capacity of one thread and of so many threads.
func measureMachine(threads int) *machine {
	m := &machine{CPU: buildinfo.Processor(), Processors: runtime.NumCPU()}
	a, b := make([]float32, benchArray), make([]float32, benchArray)
	kernel.Fill(a, 1) // so that the pages are in memory
	kernel.Fill(b, 1)
	unit := kernel.FMAUnit()
	counts := []int{1}
	if threads > 1 {
		counts = append(counts, threads)
	}
	for _, n := range counts {
		part := func(x []float32, i int) []float32 { return x[len(x)/n*i : len(x)/n*(i+1)] }
		bytes := float64(4 * (benchArray / n * n))
		c := capacity{Threads: n, Copy: 2 * bytes / leastTime(n, func(i int) { kernel.Neg(part(b, i), part(a, i)) })}
		for _, u := range kernel.FMAUnits() {
			rate := rateOf(n, float64(u.Round), func(_, rounds int) { u.Rounds(rounds, 0.75, 0.5) })
			c.Units = append(c.Units, unitRate{u.Name, rate})
			c.FMA = max(c.FMA, rate)
		}
		for _, l := range cacheLevels() {
			size := l.Bytes / 2 / 4 // half of it, so that nothing else drives the array out
			if l.shared {
				size /= n
			}
			size = min(size, benchArray/n)
			size -= size % (unit.Round / 2)
			l.Read = rateOf(n, float64(4*size), func(i, rounds int) {
				for range rounds {
					unit.Read(part(a, i)[:size])
				}
			})
			c.Levels = append(c.Levels, l)
		}
		c.Levels = append(c.Levels, level{Name: memoryLevel, shared: true, Read: bytes / leastTime(n, func(i int) { unit.Read(part(a, i)) })})
		m.Capacity = append(m.Capacity, c)
	}
	debug.FreeOSMemory() // the arrays
	return m
}

// memoryLevel is the name of the last level.
const memoryLevel = "memory"

// cacheLevels returns the caches of the processor that are known, and much smaller than the array.
func cacheLevels() []level {
	var all []level
	for i, bytes := range cpuid.Caches() {
		if bytes > 0 && bytes <= 2*benchArray {
			all = append(all, level{Name: fmt.Sprint("L", i+1), Bytes: bytes, shared: i == 2})
		}
	}
	return all
}

// rateOf returns how much work so many threads do in a nanosecond, where f(i, rounds) does the work of rounds on thread i.
func rateOf(threads int, work float64, f func(i, rounds int)) float64 {
	rounds := 1
	run := func(i int) { f(i, rounds) }
	for timeParallel(threads, run) < fmaTime {
		rounds *= 2
	}
	return float64(threads*rounds) * work / leastTime(threads, run)
}

// peak returns the capacity of all threads.
func (m *machine) peak() capacity { return m.Capacity[len(m.Capacity)-1] }

// bound returns what bounds a kernel of so many operations on so many bytes of operands and results, and the least time in ms
// by it: its arithmetic at the peak, or reading the bytes from the smallest cache that holds them all, or from memory,
// whichever takes longer (the roofline of Williams, Waterman and Patterson, 2009). Each thread has a part of the bytes in the
// caches of its own.
func (c capacity) bound(flops, bytes float64) (name string, least float64) {
	name, least = "arithmetic", flops/c.FMA*1e-6
	for _, l := range c.Levels {
		own := bytes
		if !l.shared {
			own /= float64(c.Threads)
		}
		if l.Bytes > 0 && own > float64(l.Bytes) {
			continue
		}
		if t := bytes / l.Read * 1e-6; t > least {
			name, least = l.Name, t
		}
		break
	}
	return name, least
}

// leastTime returns the least time of several runs of f on so many threads, in nanoseconds.
func leastTime(threads int, f func(i int)) float64 {
	best := timeParallel(threads, f)
	for range capacityTries - 1 {
		best = min(best, timeParallel(threads, f))
	}
	return float64(best)
}

// timeParallel runs f(0) … f(n−1) at the same time, each on a thread of its own, and returns the time until all have
// ended.
func timeParallel(n int, f func(i int)) time.Duration {
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			ready.Done()
			<-begin
			f(i)
		})
	}
	ready.Wait()
	start := time.Now()
	close(begin)
	done.Wait()
	return time.Since(start)
}
