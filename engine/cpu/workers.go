package cpu

import (
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
	nextArrival int64       // the value of pool.arrived at which the next barrier opens
	rows        kernel.RowsArgs
	outer       kernel.OuterArgs
	dot         kernel.DotArgs
	combine     kernel.CombineArgs
	inverse     kernel.InverseArgs
}

// A pool is a fixed set of workers. Worker 0 is the goroutine that calls run. The others are goroutines that spin for a short
// time between runs and then sleep.
type pool struct {
	workers  []*worker
	mem      []float32 // the arena of the program that runs
	prog     atomic.Pointer[program]
	runCount atomic.Uint64 // the number of runs; workers start when it changes
	arrived  atomic.Int64  // the number of arrivals at barriers since the pool was made
	asleep   []atomic.Bool
	wake     []chan struct{}
	quit     bool // workers read it after runCount has changed
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

// idleSpins is the number of pauses, of about 40 cycles each, that a worker waits for the next run before it sleeps. These are
// tens of microseconds, longer than the gap between the steps of a training loop.
const idleSpins = 2000

// A worker at a barrier pauses for some hundred microseconds, which is longer than the differences between the workers of a
// level. If the other workers have not arrived then, another program uses their processors, and this worker sleeps for a
// moment to let it run.
const (
	barrierSpins = 8000
	barrierSleep = 30 * time.Microsecond
)

// workLoop runs the tasks of worker i for each run until the pool is closed.
func (p *pool) workLoop(i int) {
	for lastRun := uint64(0); ; {
		for n := 0; p.runCount.Load() == lastRun; n++ {
			if n < idleSpins {
				kernel.Pause(1)
				continue
			}
			// Set asleep, and then read runCount again. startRun changes runCount before it reads asleep, so one of the
			// two goroutines always reads what the other has written.
			p.asleep[i].Store(true)
			if p.runCount.Load() == lastRun {
				<-p.wake[i]
			}
			p.asleep[i].Store(false)
		}
		lastRun = p.runCount.Load()
		if p.quit {
			return
		}
		p.work(p.prog.Load(), p.workers[i])
	}
}

// startRun makes the workers start the next run.
func (p *pool) startRun() {
	p.runCount.Add(1)
	for i := 1; i < len(p.workers); i++ {
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

// work runs tasks level by level: those of its own queue first, and then those of other queues. After each level it waits
// for the other workers, because a task may read what any task of an earlier level has written.
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
