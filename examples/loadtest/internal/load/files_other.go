//go:build !unix

package load

// RaiseFileLimit does nothing: this system has no such limit.
func RaiseFileLimit() error { return nil }

func checkFiles(int) error { return nil }
