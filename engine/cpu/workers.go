package cpu

import (
	"sync/atomic"
	"time"

	"github.com/imago-ml/imago/internal/kernel"
)

// A worker is one thread and the memory it works in.
type worker struct {
	id          int
	timing      bool // whether stages are measured
	scratch     []float32
	bodyArena   []float32   // arena of the body of a region
	regs        [][]float32 // the operands of a block; see loop.go
	nextArrival int64       // what pool.arrived must reach for the next barrier to open
	rows        kernel.RowsArgs
	outer       kernel.OuterArgs
	dot         kernel.DotArgs
	combine     kernel.CombineArgs
	inverse     kernel.InverseArgs
}

// pool is a fixed set of workers. Worker 0 is whoever calls run; the others are
// goroutines that spin a little between runs and then sleep.
type pool struct {
	workers  []*worker
	mem      []float32 // arena of the program that runs
	prog     atomic.Pointer[program]
	runCount atomic.Uint64 // counts runs; a change wakes the workers
	arrived  atomic.Int64  // arrivals at barriers since the pool began
	asleep   []atomic.Bool
	wake     []chan struct{}
	quit     bool // read after turn changes
}

func newPool(threads int) *pool {
	p := &pool{asleep: make([]atomic.Bool, threads), wake: make([]chan struct{}, threads)}
	for i := range threads {
		p.workers = append(p.workers, &worker{id: i})
		p.wake[i] = make(chan struct{}, 1)
	}
	for i := 1; i < threads; i++ {
		go p.workLoop(i)
	}
	return p
}

// spins is how many pauses of 40 or so cycles a worker waits for the next run
// before it sleeps: tens of microseconds, which covers the gap between the steps
// of a training loop.
const idleSpins = 2000

// A worker at a barrier pauses for some hundred microseconds, more than a level
// is ever out of balance. If the others have not come by then, their processor
// is wanted by another program, which may have this one for a moment.
const (
	barrierSpins = 8000
	barrierSleep = 30 * time.Microsecond
)

func (p *pool) workLoop(i int) {
	for seen := uint64(0); ; {
		for n := 0; p.runCount.Load() == seen; n++ {
			if n < idleSpins {
				kernel.Pause(1)
				continue
			}
			// Announce the sleep, then look once more: begin changes turn before
			// it looks at asleep, so one of the two sees the other.
			p.asleep[i].Store(true)
			if p.runCount.Load() == seen {
				<-p.wake[i]
			}
			p.asleep[i].Store(false)
		}
		seen = p.runCount.Load()
		if p.quit {
			return
		}
		p.work(p.prog.Load(), p.workers[i])
	}
}

// begin lets the workers see the next turn.
func (p *pool) startRun() {
	p.runCount.Add(1)
	for i := 1; i < len(p.workers); i++ {
		if p.asleep[i].Load() {
			select {
			case p.wake[i] <- struct{}{}:
			default: // a token from an earlier turn is there already
			}
		}
	}
}

func (p *pool) close() {
	if !p.quit {
		p.quit = true
		p.startRun()
	}
}

// run executes every level of prog and returns when all workers have finished.
func (p *pool) run(prog *program) {
	for i := range prog.levels {
		prog.levels[i].reset()
	}
	p.prog.Store(prog)
	if len(p.workers) > 1 {
		p.startRun()
	}
	p.work(prog, p.workers[0])
}

// work does the tasks of each level in turn, its own first, then waits for the
// others: a task may read what any task of an earlier level wrote.
func (p *pool) work(prog *program, w *worker) {
	n := int64(len(p.workers))
	w.timing = prog.measured
	for i := range prog.levels {
		l := &prog.levels[i]
		for k := range l.queues {
			l.queues[(w.id+k)%len(l.queues)].runTasks(w)
		}
		if n > 1 {
			w.nextArrival += n
			p.arrived.Add(1)
			for k := 0; p.arrived.Load() < w.nextArrival; k++ {
				if k < barrierSpins {
					kernel.Pause(1)
				} else {
					time.Sleep(barrierSleep)
				}
			}
		}
	}
}

// grow makes room for what a new program needs. It runs at compile time, under
// the backend's lock; programs bind their buffers anew when they run next.
func (p *pool) grow(scratch, regs, local, arena int) {
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
}

// A task is one piece of a stage.
type task struct {
	stage *stage
	index int32
}

// A queue is the tasks of a level that are dealt to one worker. Whoever has
// finished its own takes from the others'.
type queue struct {
	tasks []task
	next  atomic.Int64
	_     [lineFloats*4 - 32]byte // a cache line each
}

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

func (l *level) reset() {
	for i := range l.queues {
		l.queues[i].next.Store(0)
	}
	for _, s := range l.stages {
		s.remaining.Store(int64(s.tasks))
	}
}

// A stage is a kernel cut into tasks that may run in any order.
type stage struct {
	name      string
	tasks     int
	cost      float64 // of a task, in arbitrary units: large tasks start first
	run       func(w *worker, task int)
	shards    *shardRunner // of a region, what runs it
	finish    func()       // run by whoever ends the last task; adds partial sums in order
	cond      *buffer      // a scalar: the stage does nothing if it is 0; nil = it always runs
	remaining atomic.Int64
	reads     []*buffer
	writes    []*buffer
	temps     []*buffer // used by this stage alone
	commit    *buffer   // a state written when all else is done
	level     int
	node      nodeInfo // what it computes, for CheckFinite and for profiles

	fused           []string // primitives computed along with it
	matFlops, flops int64    // of products and convolutions; of the rest
	measured        counters
}

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
