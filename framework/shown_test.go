package framework

import (
	"bytes"
	"errors"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework/parser"
	"github.com/parlor-go/parlor/framework/parser/msgpack"
	"github.com/parlor-go/parlor/transport"
)

func TestWhatIsSentCanBeReadBack(t *testing.T) {
	tests := []struct{ event, args string }{
		{"plain", `[1,"x",null]`},
		{`quoted "name" \ ü`, `[{"a":[]}]`},
		{"42", `[]`},
	}
	parsers := map[string]parser.Parser{"the built-in parser": nil, "msgpack": msgpack.Parser{}}
	for name, p := range parsers {
		srv := New(Options{Logger: zerolog.Nop(), Parser: p})
		for _, path := range []string{"/", "/chat"} {
			ns := newNamespace(srv, path, nil)
			for _, tt := range tests {
				args, err := parseArgs([]byte(tt.args), nil, nil, 256)
				if err != nil {
					t.Fatal(err)
				}
				m, err := ns.encodeEvent(tt.event, 7, []any{args})
				if err != nil {
					t.Fatal(err)
				}
				got := srv.feed.show(m)
				text, err := got.args.MarshalJSON()
				if err != nil {
					t.Fatal(err)
				}
				equals(t, name+": event", got.event, tt.event)
				equals(t, name+": args of "+tt.event, string(text), tt.args)
			}
		}
		m, err := newNamespace(srv, "/", nil).encodeEvent("binary", 0, []any{[]byte("one"), map[string][]byte{"k": []byte("two")}})
		if err != nil {
			t.Fatal(err)
		}
		var one []byte
		var two map[string][]byte
		args := srv.feed.show(m).args
		if err := errors.Join(args.Decode(0, &one), args.Decode(1, &two)); err != nil || string(one) != "one" || !bytes.Equal(two["k"], []byte("two")) {
			t.Errorf("%s: got %q and %q, %v, want one and two", name, one, two, err)
		}
	}
}

// faultyParser writes what it cannot read.
type faultyParser struct{ msgpack.Parser }

func (faultyParser) NewDecoder(int) parser.Decoder { panic("no decoder") }

func TestWhatCannotBeReadBackIsAnErrorOfItsArguments(t *testing.T) {
	tests := []struct {
		name   string
		parser parser.Parser
		packet string
	}{
		{"malformed", nil, `2[`},
		{"not an event", nil, `0`},
		{"without a name", nil, `2[]`},
		{"malformed for a parser", msgpack.Parser{}, `2["event"]`},
		{"a parser's panic", faultyParser{}, `2["event"]`},
	}
	for _, tt := range tests {
		srv := New(Options{Logger: zerolog.Nop(), Parser: tt.parser})
		if got := srv.feed.show(transport.NewMessage([]byte(tt.packet))); got.args.err == nil {
			t.Errorf("%s: got %q and no error", tt.name, got.event)
		}
	}
}
