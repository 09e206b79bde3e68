//go:build !unix

package transport

import (
	"errors"
	"net"
	"syscall"
)

// rawConn returns nil: writes go through a goroutine of the connection's.
func rawConn(net.Conn) syscall.RawConn { return nil }

func tryWrite(syscall.RawConn, []byte) (int, error) { return 0, errors.ErrUnsupported }
