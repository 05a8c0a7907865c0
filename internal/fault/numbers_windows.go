package fault

import "syscall"

// The numbers are those of winerror.h: ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL, ERROR_DISK_QUOTA_EXCEEDED;
// ERROR_TOO_MANY_OPEN_FILES; ERROR_NOT_ENOUGH_MEMORY, ERROR_OUTOFMEMORY, ERROR_NOT_READY, ERROR_CRC, ERROR_GEN_FAILURE,
// ERROR_IO_DEVICE.
var (
	full    = []syscall.Errno{39, 112, 1295}
	tooMany = []syscall.Errno{4}
	failing = []syscall.Errno{8, 14, 21, 23, 31, 1117}
)
