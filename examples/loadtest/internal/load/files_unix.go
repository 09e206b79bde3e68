//go:build unix

package load

import (
	"fmt"
	"syscall"
)

// spareFiles are descriptors that are not clients: the standard ones, epoll, /proc.
const spareFiles = 32

// RaiseFileLimit raises this process's bound on open files to the hard limit;
// processes that it starts inherit that.
func RaiseFileLimit() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = limit.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}

// checkFiles says whether so many clients fit into the limit.
func checkFiles(clients int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if uint64(clients)+spareFiles > uint64(limit.Cur) {
		return fmt.Errorf("-clients %d do not fit: a process may open %d files here (ulimit -Hn), of which the generator needs %d itself",
			clients, limit.Cur, spareFiles)
	}
	return nil
}
