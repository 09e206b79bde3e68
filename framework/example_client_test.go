package framework_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/parlor-go/parlor/framework/sockettest"
)

// An Example has no testing.TB, which sockettest wants; panicTB is one whose
// failures panic. What the examples open ends with the test binary.
type panicTB struct{ testing.TB }

func (panicTB) Helper()                           {}
func (panicTB) Name() string                      { return "Example" }
func (panicTB) Logf(string, ...any)               {}
func (panicTB) Log(...any)                        {}
func (panicTB) Cleanup(f func())                  { exampleCleanups = append(exampleCleanups, f) }
func (panicTB) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }
func (panicTB) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (panicTB) Error(args ...any)                 { panic(fmt.Sprint(args...)) }
func (panicTB) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// exampleCleanups are run by TestMain.
var exampleCleanups []func()

func connect(h http.Handler, path string) *sockettest.Socket {
	return sockettest.Connect(panicTB{}, h, path)
}

func refused(h http.Handler, path string, auth any) *sockettest.Refusal {
	return sockettest.Dial(panicTB{}, h, sockettest.Options{}).Refused(path, auth)
}
