package framework

import (
	"fmt"
	"runtime/debug"
)

// contained calls f, which is not the framework's, on a goroutine of its own that it waits
// for: a panic and the end of the goroutine become errors. It is for where a deferred call
// would come too late.
func contained(f func() error) error {
	done := make(chan error, 1)
	go func() {
		err := error(&PanicError{Value: errGoexit})
		defer func() {
			if v := recover(); v != nil {
				err = &PanicError{Value: v, Stack: debug.Stack()}
			}
			done <- err
		}()
		err = f()
	}()
	return <-done
}

// textOf is fmt.Sprint, also of what panics when it is looked at: package fmt stops that
// unless it does so again with what it panicked with.
func textOf(v any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("%T that cannot be printed", v)
		}
	}()
	return fmt.Sprint(v)
}

// logPanic logs what was called and panicked, on the goroutine that did. The log may
// panic in turn: it runs hooks and a writer of the user's.
func (srv *Server) logPanic(what string, v any) {
	defer func() { _ = recover() }()
	srv.log.Error().Str("in", what).Str("panic", textOf(v)).Bytes(stackField, debug.Stack()).Msg("listener panicked")
}

// escaped logs a panic that a worker or the feed has stopped in the end.
func (srv *Server) escaped(v any) {
	defer func() { _ = recover() }()
	srv.log.Error().Str("panic", textOf(v)).Bytes(stackField, debug.Stack()).Msg("panic stopped")
}
