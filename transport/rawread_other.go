//go:build !unix

package transport

import "syscall"

// rawRead is never used where rawConn returns nil.
type rawRead struct{}

func newRawRead(syscall.RawConn) *rawRead   { return nil }
func (*rawRead) Read(p []byte) (int, error) { return 0, nil }
func (*rawRead) ahead() bool                { return false }
func (*rawRead) free()                      {}
