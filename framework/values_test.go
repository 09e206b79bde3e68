package framework_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// bomb panics when it is encoded.
type bomb struct{}

func (bomb) MarshalJSON() ([]byte, error) { panic("encoded") }

func TestValuesAreObservedAsTheyWereWhenTheyWereStored(t *testing.T) {
	srv := quiet()
	told := make(chan string, 10)
	srv.Observe(framework.Observer{
		Connected: func(*framework.Socket) { told <- "connected" },
		Set: func(_ *framework.Socket, key string, value json.RawMessage) {
			told <- fmt.Sprintf("%s = %s", key, value)
		},
	})
	early, value := framework.NewKey[map[string]int]("early"), framework.NewKey[any]("value")
	own := framework.NewKey[int]("") // is told nobody
	kept := map[string]int{"a": 1}
	var socket *framework.Socket
	srv.On("connect", func(s *framework.Socket, refused bool) error {
		early.Set(s, kept)
		own.Set(s, 1)
		if refused {
			return framework.Refuse("")
		}
		socket = s
		return nil
	})
	srv.On("set", func(s *framework.Socket) bool {
		value.Set(s, kept)
		own.Set(s, 2)
		kept["a"] = 2
		value.Set(s, bomb{})
		value.Set(s, func() {})
		value.Set(s, nil)
		return true
	})
	sockettest.Dial(t, srv, sockettest.Options{}).Refused("/", true) // of whom nothing is told
	client := sockettest.Connect(t, srv, "/", false)
	client.Call("set")
	for _, want := range []string{`early = {"a":1}`, "connected", `value = {"a":1}`, "value = ", "value = ", "value = null"} {
		equal(t, "told", receive(t, told), want)
	}
	got, ok := value.Get(socket)
	equal(t, "value", got, nil)
	equal(t, "is there", ok, false) // a nil any is no any
	client.Leave()
}

func TestAValueMayBeStoredWhileNobodyObserves(t *testing.T) {
	srv := quiet()
	key := framework.NewKey[bomb]("bomb")
	srv.On("set", func(s *framework.Socket) bool { key.Set(s, bomb{}); return true })
	sockettest.Connect(t, srv, "/").Call("set")
}

// slow is a number that is encoded once somebody lets it.
type slow struct {
	n       int
	begun   chan<- int
	release <-chan struct{}
}

func (s slow) MarshalJSON() ([]byte, error) {
	if s.release != nil {
		s.begun <- s.n
		<-s.release
	}
	return fmt.Append(nil, s.n), nil
}

func TestWhatIsObservedLastIsWhatIsStored(t *testing.T) {
	srv := quiet()
	told := make(chan string, 10)
	srv.Observe(framework.Observer{Set: func(_ *framework.Socket, _ string, value json.RawMessage) { told <- string(value) }})
	key := framework.NewKey[slow]("key")
	client := sockettest.Connect(t, srv, "/")
	s, _ := srv.Of("/").Socket(client.ID())
	begun, release, done := make(chan int, 1), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		key.Set(s, slow{1, begun, release})
	}()
	receive(t, begun)
	key.Set(s, slow{n: 2}) // meanwhile
	close(release)
	receive(t, done)
	receive(t, told)
	last := receive(t, told)
	got, _ := key.Get(s)
	equal(t, "told last", last, fmt.Sprint(got.n))
}
