//go:build unix && (!linux || 386 || race || msan || asan)

package transport

import "syscall"

func sockRead(fd uintptr, p []byte) (int, error) { return syscall.Read(int(fd), p) }

func sockWrite(fd uintptr, p []byte) (int, error) { return syscall.Write(int(fd), p) }
