// Package process knows a process of this machine again, also after the number that it has was given to another one.
//
//	birth := process.Birth(os.Getpid()) // to be kept with the number
//	...
//	if process.Is(pid, birth) { // it is still the one, and runs
//
// The package starts and ends no process, and must not know what one does.
package process

// Is reports whether the process of that number runs and is the one that was born then, as Birth had it. Where the system does
// not tell births apart, birth is "" and every process of the number is the one.
func Is(pid int, birth string) bool {
	if pid <= 0 || !runs(pid) {
		return false
	}
	return birth == "" || Birth(pid) == birth
}
