//go:build linux && !386 && !race && !msan && !asan

package transport

import (
	"syscall"
	"unsafe"
)

// sockRead and sockWrite are system calls on sockets that return at once, whatever
// mode somebody else's (*os.File).Fd has put the descriptor into. The scheduler is not
// told of them: it would take them for ones that may last, and while a broadcast makes
// thousands in a row, its monitor would hand the processor to another thread again and
// again. The race detector wants to be told.
func sockRead(fd uintptr, p []byte) (int, error) {
	return sys(syscall.SYS_RECVFROM, fd, p, syscall.MSG_DONTWAIT)
}

func sockWrite(fd uintptr, p []byte) (int, error) {
	return sys(syscall.SYS_SENDTO, fd, p, syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL)
}

func sys(trap, fd uintptr, p []byte, flags uintptr) (int, error) {
	n, _, errno := syscall.RawSyscall6(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
