package framework_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// noting is a codec that notes what it is given.
type noting struct {
	framework.EncodingJSON
	mu    sync.Mutex
	given []string
}

func (n *noting) note(what string, text []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.given = append(n.given, what+" "+string(text))
}

func (n *noting) Append(dst []byte, v any) ([]byte, error) {
	out, err := n.EncodingJSON.Append(dst, v)
	if err == nil {
		n.note("append", out[len(dst):])
	}
	return out, err
}

func (n *noting) Unmarshal(data []byte, v any) error {
	n.note("unmarshal", data)
	return n.EncodingJSON.Unmarshal(data, v)
}

func TestAnotherCodecIsGivenWhatHoldsNoBinary(t *testing.T) {
	type point struct {
		X int    `json:"x"`
		S string `json:"s"`
	}
	type upload struct {
		Name string `json:"name"`
		Data []byte `json:"data"`
	}
	other := &noting{}
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), Codec: other})
	srv.On("echo", func(p point, list []int, m map[string]point, ptr *point, text string, u upload, raw json.RawMessage, v any) (point, []int, map[string]point, *point, string, upload, json.RawMessage, any) {
		return p, list, m, ptr, text, u, raw, v
	})
	srv.On("broadcast", func(s *framework.Socket) { s.Namespace().Emit("list", []string{"<b>"}, 1) })
	client := sockettest.Connect(t, srv, "/")
	sent := []any{point{1, "<a>"}, []int{1}, map[string]point{"k": {2, "b"}}, &point{3, "c"}, "text",
		upload{"n", []byte("data")}, json.RawMessage(`[1]`), "any"}
	const placeholder = `{"name":"n","data":{"_placeholder":true,"num":0}}`

	// With an attachment in the packet nothing that comes in may be one by chance.
	got := client.Call("echo", sent...)
	equal(t, "answer", got.JSON(), `[{"x":1,"s":"<a>"},[1],{"k":{"x":2,"s":"b"}},{"x":3,"s":"c"},"text",`+placeholder+`,[1],"any"]`)
	out := []string{`append {"x":1,"s":"<a>"}`, `append [1]`, `append {"k":{"x":2,"s":"b"}}`, `append {"x":3,"s":"c"}`}
	if !slices.Equal(other.given, out) {
		t.Errorf("with an attachment the codec was given %q, want %q", other.given, out)
	}

	other.given = nil
	sent[5] = nil
	client.Call("echo", sent...)
	in := []string{`unmarshal {"x":1,"s":"<a>"}`, `unmarshal [1]`, `unmarshal {"k":{"x":2,"s":"b"}}`, `unmarshal {"x":3,"s":"c"}`}
	if want := append(in, out...); !slices.Equal(other.given, want) {
		t.Errorf("the codec was given %q, want %q", other.given, want)
	}

	other.given = nil
	client.Emit("broadcast")
	equal(t, "broadcast", client.Expect("list").Args.JSON(), `[["<b>"],1]`)
	if want := []string{`append ["<b>"]`}; !slices.Equal(other.given, want) {
		t.Errorf("the codec was given %q, want %q", other.given, want)
	}
}

// unable is a codec that can do nothing.
type unable struct{}

func (unable) Append(dst []byte, _ any) ([]byte, error) { return dst, errors.New("cannot append") }
func (unable) Unmarshal([]byte, any) error              { return errors.New("cannot unmarshal") }

func TestErrorsOfACodecAreWrapped(t *testing.T) {
	errs := make(chan error, 2)
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), Codec: unable{}})
	srv.On("in", func([]int) {})
	srv.On("out", func() []int { return []int{1} })
	srv.OnError(func(_ context.Context, _ *framework.Event, err error) ([]any, bool) { errs <- err; return nil, false })
	client := sockettest.Connect(t, srv, "/")
	client.Emit("in", []int{1})
	client.EmitWithAck("out")
	for _, want := range []string{`framework: argument 0 of "in": cannot unmarshal`, `framework: ack "out": encode argument 0: cannot append`} {
		equal(t, "error", receive(t, errs).Error(), want)
	}
}
