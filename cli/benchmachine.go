package cli

import (
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/imago-ml/imago/internal/buildinfo"
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
	Threads int     `json:"threads"`
	FMA     float64 `json:"fma_gflop_per_s"` // float32 multiply-adds on registers, two operations each
	Read    float64 `json:"read_gb_per_s"`   // adding up an array in memory
	Copy    float64 `json:"copy_gb_per_s"`   // one array read, another written; both are counted
}

const (
	// benchArray is the number of elements of an array far larger than the caches: 128 MiB.
	benchArray = 32 << 20
	// benchTries is the number of measurements of a capacity. The best counts: disturbances only make a processor
	// slower.
	capacityTries = 16
	// fmaTime is about how long one try of multiply-adds takes.
	fmaTime = 20 * time.Millisecond
)

// measureMachine measures the capacity of one thread and of so many threads.
func measureMachine(threads int) *machine {
	m := &machine{CPU: buildinfo.Processor(), Processors: runtime.NumCPU()}
	a, b := make([]float32, benchArray), make([]float32, benchArray)
	kernel.Fill(a, 1) // so that the pages are in memory
	kernel.Fill(b, 1)
	counts := []int{1}
	if threads > 1 {
		counts = append(counts, threads)
	}
	for _, n := range counts {
		rounds := 1 << 10
		fma := func(int) { kernel.FMARounds(rounds, 0.75, 0.5) }
		for timeParallel(n, fma) < fmaTime {
			rounds *= 2
		}
		part := func(x []float32, i int) []float32 { return x[len(x)/n*i : len(x)/n*(i+1)] }
		bytes := float64(4 * (benchArray / n * n))
		m.Capacity = append(m.Capacity, capacity{
			Threads: n,
			FMA:     float64(n*rounds*kernel.FMARound) / leastTime(n, fma),
			Read:    bytes / leastTime(n, func(i int) { kernel.Sum(part(a, i)) }),
			Copy:    2 * bytes / leastTime(n, func(i int) { kernel.Neg(part(b, i), part(a, i)) }),
		})
	}
	debug.FreeOSMemory() // the arrays
	return m
}

// peak returns the capacity of all threads.
func (m *machine) peak() capacity { return m.Capacity[len(m.Capacity)-1] }

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
