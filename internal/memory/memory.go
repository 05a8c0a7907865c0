// Package memory holds the memory budget of the process: how many bytes of memory imago may use.
//
// A file says how large an array is before it has a byte of it, and a line of a command how large a network is. So who
// allocates by what a file or a user says asks here first:
//
//	if err := memory.Check(n, "the labels of %s", name); err != nil {
//		return err // *Error: what was to be allocated, the budget, and how to raise it
//	}
//	b := make([]byte, n)
//
// A request is compared with the budget less what Go's heap holds now, as the runtime measures it. So nothing has to be
// given back, and what the rest of the program holds counts too. Work that many goroutines do at once, such as decoding
// images, calls Take, which waits until the others have finished where there is no room for all. Bytes that are
// unpacked are read by ReadFull, which asks as they come and does not believe the header that says how many there are.
//
// The budget is 80 % of the smaller of the memory that the machine has available when it is first asked for and the
// limit of the control group (a container), or what SetLimit says. It is what is available and not what is installed,
// because what other programs use is not there to be used: a file that asks for more than that would make the system
// end one of them. GOMEMLIMIT is an upper bound of it.
//
// Requests below Small are not counted. Memory that Go does not manage, such as mapped files, is not either.
package memory

import (
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// Small is the number of bytes of a request that is granted without being counted, 1 MiB.
const Small = 1 << 20

const (
	share = 0.8 // of what there is

	// unknown is the memory in bytes that a machine is taken to have if it does not tell.
	unknown = 8 << 30

	// slack is how much more than the budget Go may use before it collects garbage at any price.
	slack = 1.1
)

// An Error is a request that the budget has no room for. Test with errors.As.
type Error struct {
	What   string // what was to be allocated
	Bytes  int64  // of the request
	InUse  int64  // held by the process
	Budget int64
	Most   int64 // the greatest budget that makes sense: what there is
}

// Error returns the message for a program.
func (e *Error) Error() string { return e.Text(func(field string) string { return field }) }

// Text returns the message with the option Memory, which raises the budget, as name calls it; option.Text uses it.
func (e *Error) Text(name func(field string) string) string {
	text := fmt.Sprintf("%s takes %s of memory, and imago may use %s", e.What, Bytes(e.Bytes), Bytes(e.Budget))
	if e.InUse >= e.Budget/100 {
		text += fmt.Sprintf(", of which %s are in use", Bytes(e.InUse))
	}
	if need := e.InUse + e.Bytes; need <= e.Most {
		return fmt.Sprintf("%s: allow more, as %s %s", text, name("Memory"), Size(min(need+need/8, e.Most)))
	}
	return fmt.Sprintf("%s of the %s that there are (%s sets another limit)", text, Bytes(e.Most), name("Memory"))
}

var (
	mu    sync.Mutex
	done  = sync.NewCond(&mu) // broadcast when work gives its share back
	limit int64               // 0 = not asked for yet
	taken int64               // by work in progress
)

// Limit returns the budget in bytes.
func Limit() int64 {
	mu.Lock()
	defer mu.Unlock()
	return budget()
}

// budget returns the budget in bytes. The caller holds mu.
func budget() int64 {
	if limit == 0 {
		limit = preset()
	}
	return limit
}

// preset returns the budget that there is without SetLimit.
func preset() int64 { return min(max(int64(share*float64(there())), 64*Small), goLimit) }

// there returns the bytes of memory that there are for the process.
func there() int64 {
	have := machine()
	if have <= 0 {
		have = unknown
	}
	if g := group(); g > 0 {
		have = min(have, g)
	}
	return have
}

// goLimit is GOMEMLIMIT in bytes, or the greatest number.
var goLimit = debug.SetMemoryLimit(-1)

// SetLimit sets the budget in bytes; 0 is what the machine has. It makes Go's collector keep to the budget too, whose
// limit is then a tenth above.
func SetLimit(bytes int64) {
	mu.Lock()
	defer mu.Unlock()
	limit = bytes
	debug.SetMemoryLimit(min(goLimit, int64(slack*min(float64(budget()), math.MaxInt64/2))))
	done.Broadcast()
}

// Check returns an *Error unless n bytes more fit into the budget. The format and its arguments say what they are for,
// as the subject of a sentence: "the array x_train of [60000,784]".
func Check(n int64, format string, args ...any) error {
	if n < Small {
		return nil
	}
	mu.Lock()
	defer mu.Unlock()
	return check(n, format, args...)
}

// check does the work of Check. The caller holds mu.
func check(n int64, format string, args ...any) error {
	if n <= budget()-InUse() {
		return nil
	}
	runtime.GC()
	if used := InUse(); n > budget()-used {
		return &Error{What: fmt.Sprintf(format, args...), Bytes: n, InUse: used, Budget: budget(), Most: used + there()}
	}
	return nil
}

// Take returns when n bytes are free for the work of one of many goroutines, whose share they are until it calls
// release. It waits while others hold shares without which there would be room. It returns an *Error if there is no
// room though nobody holds one. A goroutine that holds a share must not take another.
func Take(n int64, format string, args ...any) (release func(), err error) {
	if n < Small {
		return func() {}, nil
	}
	mu.Lock()
	defer mu.Unlock()
	for taken > 0 && n > budget()-InUse()-taken {
		done.Wait()
	}
	if taken == 0 {
		if err := check(n, format, args...); err != nil {
			return nil, err
		}
	}
	taken += n
	return func() {
		mu.Lock()
		defer mu.Unlock()
		taken -= n
		done.Broadcast()
	}, nil
}

// InUse returns the bytes that the heap holds: values in use, and garbage that is not collected yet.
func InUse() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return int64(min(s[0].Value.Uint64(), math.MaxInt64))
}
