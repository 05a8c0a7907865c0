package cpu

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/imago-ml/imago/internal/kernel"
	"github.com/imago-ml/imago/internal/memory"
)

// A worker is one thread with its memory.
type worker struct {
	id          int
	timing      bool // whether the time of tasks is measured
	scratch     []float32
	bodyArena   []float32   // the arena for the bodies of regions
	regs        [][]float32 // the slots of a block: see loop.go
	nextArrival int64       // the number of arrivals at which the next barrier opens
	slept       bool        // at a barrier of this run
	rows        kernel.RowsArgs
	outer       kernel.OuterArgs
	dot         kernel.DotArgs
	combine     kernel.CombineArgs
	inverse     kernel.InverseArgs
}

// A pool is a fixed set of workers. Worker 0 is the goroutine that calls run. The others are goroutines that spin for a short
// time between runs and then sleep. A run is done by the first workers, all unless another program uses their processors:
// see share.
type pool struct {
	workers []*worker
	mem     []float32                // the arena of the program that runs
	now     atomic.Pointer[schedule] // of the last run
	// order is the number of the last run, and in the lower 16 bits that of its workers, or closed. Workers look at the rest
	// only if they are among them: only then does the run last until they have.
	order   atomic.Uint64
	barrier barrier
	asleep  []atomic.Bool
	wake    []chan struct{}
}

const (
	orderBits = 16
	closed    = 1<<orderBits - 1
)

func newPool(threads int) *pool {
	p := &pool{asleep: make([]atomic.Bool, threads), wake: make([]chan struct{}, threads)}
	p.barrier.opened.L = &p.barrier.mu
	for i := range threads {
		p.workers = append(p.workers, &worker{id: i})
		p.wake[i] = make(chan struct{}, 1)
	}
	for i := 1; i < threads; i++ {
		go p.workLoop(i)
	}
	return p
}

// idleSpins is the number of pauses, of about 40 cycles each, that a worker waits for the next run before it sleeps. These are
// tens of microseconds, longer than the gap between the steps of a training loop.
const idleSpins = 2000

// barrierSpins is the number of pauses that a worker at a barrier waits before it sleeps. These are some hundred
// microseconds, longer than the differences between the workers of a level.
const barrierSpins = 8000

// A barrier is where the workers of a run wait for one another. A worker that has waited long sleeps until the last one wakes
// it: another program uses the processor of that one, and may now use this one's.
type barrier struct {
	start    atomic.Int64 // arrived when the run began
	arrived  atomic.Int64 // the number of arrivals since the pool was made
	sleepers atomic.Int64
	mu       sync.Mutex
	opened   sync.Cond // of mu: the last worker has arrived
}

// wait returns when there were next arrivals, of which this is one, and reports whether it slept.
func (b *barrier) wait(next int64) (slept bool) {
	if b.arrived.Add(1) == next {
		// A sleeper counts itself before it looks at arrived, so one of the two sees what the other has written.
		if b.sleepers.Load() > 0 {
			b.mu.Lock()
			b.opened.Broadcast()
			b.mu.Unlock()
		}
		return false
	}
	for range barrierSpins {
		if b.arrived.Load() >= next {
			return false
		}
		kernel.Pause(1)
	}
	b.mu.Lock()
	b.sleepers.Add(1)
	for b.arrived.Load() < next {
		b.opened.Wait()
	}
	b.sleepers.Add(-1)
	b.mu.Unlock()
	return true
}

// workLoop runs the tasks of worker i for each run that it is a worker of, until the pool is closed.
func (p *pool) workLoop(i int) {
	for last := uint64(0); ; {
		for n := 0; p.order.Load() == last; n++ {
			if n < idleSpins {
				kernel.Pause(1)
				continue
			}
			// Set asleep, and then read order again. startRun changes order before it reads asleep, so one of the two
			// goroutines always reads what the other has written.
			p.asleep[i].Store(true)
			if p.order.Load() == last {
				<-p.wake[i]
			}
			p.asleep[i].Store(false)
		}
		last = p.order.Load()
		workers := int(last & closed)
		if workers == closed {
			return
		}
		if i < workers {
			p.work(p.now.Load(), p.workers[i], workers)
		}
	}
}

// startRun makes the first workers start the next run, or all of them end.
func (p *pool) startRun(workers int) {
	p.order.Store((p.order.Load()>>orderBits+1)<<orderBits | uint64(workers))
	for i := 1; i < min(workers, len(p.workers)); i++ {
		if p.asleep[i].Load() {
			select {
			case p.wake[i] <- struct{}{}:
			default: // there is a token of an earlier run
			}
		}
	}
}

// close ends the workers.
func (p *pool) close() {
	if p.order.Load()&closed != closed {
		p.startRun(closed)
	}
}

// run executes every level of s and returns when all workers of the run have finished.
func (p *pool) run(s *schedule) {
	for i := range s.levels {
		s.levels[i].reset()
	}
	prog := s.prog
	if len(p.workers) == 1 {
		p.work(s, p.workers[0], 1)
		return
	}
	w, workers := p.workers[0], prog.share.workers(len(p.workers))
	w.slept = false
	began := time.Now()
	p.now.Store(s)
	p.barrier.start.Store(p.barrier.arrived.Load())
	p.startRun(workers)
	p.work(s, w, workers)
	now := time.Now()
	prog.share.ran(now, now.Sub(began), w.slept, len(p.workers))
}

// work runs tasks level by level: those of its own queue first, and then those of other queues. After each level it waits
// for the other workers of the run, because a task may read what any task of an earlier level has written.
func (p *pool) work(s *schedule, w *worker, workers int) {
	w.timing = s.prog.measured
	w.nextArrival = p.barrier.start.Load()
	for i := range s.levels {
		l := &s.levels[i]
		for k := range l.queues {
			l.queues[(w.id+k)%len(l.queues)].runTasks(w)
		}
		if workers > 1 {
			w.nextArrival += int64(workers)
			if p.barrier.wait(w.nextArrival) {
				w.slept = true
			}
		}
	}
}

// grow enlarges the memory of the pool for a new program. It runs at compile time, with the lock of the backend. Programs bind
// their buffers to the new memory when they run next. It returns a *memory.Error, and changes nothing, if there is none.
func (p *pool) grow(scratch, regs, local, arena int) error {
	need := 0
	if len(p.mem) < arena {
		need += arena
	}
	for _, w := range p.workers {
		if len(w.scratch) < scratch {
			need += scratch
		}
		if len(w.bodyArena) < local {
			need += local
		}
	}
	if err := memory.Check(4*int64(need), "the intermediate values of a batch"); err != nil {
		return err
	}
	if len(p.mem) < arena {
		p.mem = newAligned(arena)
	}
	for _, w := range p.workers {
		if len(w.scratch) < scratch {
			w.scratch = newAligned(scratch)
		}
		if len(w.bodyArena) < local {
			w.bodyArena = newAligned(local)
		}
		if len(w.regs) < regs {
			w.regs = make([][]float32, regs)
		}
	}
	return nil
}

// A task is a part of a stage that one worker runs.
type task struct {
	stage *stage
	index int32
}

// A queue holds the tasks of a level that belong to one worker. A worker that has finished its own tasks takes tasks from the
// queues of others.
type queue struct {
	tasks []task
	next  atomic.Int64
	_     [lineFloats*4 - 32]byte // fills a cache line
}

// runTasks runs the tasks of the queue that no worker has taken.
func (q *queue) runTasks(w *worker) {
	for q.next.Load() < int64(len(q.tasks)) {
		t := int(q.next.Add(1)) - 1
		if t >= len(q.tasks) {
			return
		}
		q.tasks[t].stage.runTask(w, int(q.tasks[t].index))
	}
}

// A level is a set of stages that do not depend on each other.
type level struct {
	queues []queue
	stages []*stage
}

// reset prepares the level for a run.
func (l *level) reset() {
	for i := range l.queues {
		l.queues[i].next.Store(0)
	}
	for _, s := range l.stages {
		s.remaining.Store(int64(s.tasks))
	}
}

// A stage is a computation that is divided into tasks, which may run in any order.
type stage struct {
	name      string
	tasks     int
	cost      float64 // of a task, without a unit: large tasks start first
	run       func(w *worker, task int)
	shards    *shardRunner // not nil if the stage runs a region
	finish    func()       // is called after the last task; it adds partial sums in order
	cond      *buffer      // a scalar, or nil: the stage does nothing if the scalar is 0
	remaining atomic.Int64 // the number of tasks that have not ended
	reads     []*buffer
	writes    []*buffer
	temps     []*buffer // the buffers that only this stage uses
	commit    *buffer   // a state that is written after all other stages
	level     int
	node      nodeInfo // of the result, for CheckFinite and profiles

	fused           []string // the other primitives that the stage computes
	matFlops, flops int64    // of products and convolutions, and of all other primitives
	executed        int64    // operations for matFlops; 0 = as many
	measured        counters
}

// runTask executes a task.
func (s *stage) runTask(w *worker, task int) {
	switch {
	case s.cond != nil && s.cond.data[0] == 0:
	case w.timing:
		s.runTimed(w, task)
	default:
		s.run(w, task)
	}
	if s.remaining.Add(-1) == 0 && s.finish != nil {
		s.finish()
	}
}
