//go:build !linux

package load

func newDriver(_ int, _ bool, fail func(error)) (driver, error) {
	return &goroutines{fail: fail}, nil
}
