package transport

import (
	"syscall"
	"unsafe"
)

// sysRead and sysWrite are the system calls on descriptors that never block. The
// runtime is not told of them: it would take them for ones that may last, and while a
// broadcast makes thousands in a row, its monitor would hand the processor to another
// thread again and again. That cost a tenth of a broadcast to 10,000.
func sysRead(fd uintptr, p []byte) (int, error) { return sys(syscall.SYS_READ, fd, p) }

func sysWrite(fd uintptr, p []byte) (int, error) { return sys(syscall.SYS_WRITE, fd, p) }

func sys(trap, fd uintptr, p []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
