package payload

import (
	"bytes"
	"errors"
	"testing"
)

func TestDecode(t *testing.T) {
	tests := []struct {
		name, in string
		want     Packet
		err      error
	}{
		{"open", "0{}", Packet{Type: '0', Data: []byte("{}")}, nil},
		{"message", "4hello", Packet{Type: '4', Data: []byte("hello")}, nil},
		{"empty message", "4", Packet{Type: '4'}, nil},
		{"noop", "6", Packet{Type: '6'}, nil},
		{"UTF-8", "4€", Packet{Type: '4', Data: []byte("€")}, nil},
		{"binary", "bAQIDBA==", Packet{Type: '4', Binary: true, Data: []byte{1, 2, 3, 4}}, nil},
		{"binary without padding", "bAQIDBA", Packet{Type: '4', Binary: true, Data: []byte{1, 2, 3, 4}}, nil},
		{"empty binary", "b", Packet{Type: '4', Binary: true}, nil},
		{"binary beginning with 4", "b4AAA", Packet{Type: '4', Binary: true, Data: []byte{0xe0, 0, 0}}, nil},
		{"empty", "", Packet{}, ErrInvalid},
		{"type 7", "7", Packet{}, ErrInvalid},
		{"type a", "abc", Packet{}, ErrInvalid},
		{"invalid UTF-8", "4\xff", Packet{}, ErrInvalid},
		{"invalid base64", "b***", Packet{}, ErrInvalid},
		{"cut base64", "bA", Packet{}, ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Decode([]byte(tt.in))
			if !errors.Is(err, tt.err) {
				t.Fatalf("got error %v, want %v", err, tt.err)
			}
			if got.Type != tt.want.Type || got.Binary != tt.want.Binary || !bytes.Equal(got.Data, tt.want.Data) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestPayload(t *testing.T) {
	var body []byte
	body = AppendText(body, []byte("4hello"))
	body = AppendText(body, []byte("2"))
	body = AppendBinary(body, []byte{1, 2, 3, 4})
	if got, want := string(body), "4hello\x1e2\x1ebAQIDBA=="; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	var types []byte
	for rest, more := body, true; more; {
		var p Packet
		var err error
		if p, rest, more, err = Next(rest); err != nil {
			t.Fatal(err)
		}
		types = append(types, p.Type)
	}
	if got := string(types); got != "424" {
		t.Errorf("got types %q, want %q", got, "424")
	}
}

func TestAPayloadOfEveryType(t *testing.T) {
	const want = "0\x1e1\x1e2probe\x1e3probe\x1e4test\x1e5\x1e6\x1ebAQIDBA=="
	var body []byte
	for rest, more := []byte(want), true; more; {
		var p Packet
		var err error
		if p, rest, more, err = Next(rest); err != nil {
			t.Fatal(err)
		}
		if p.Binary {
			body = AppendBinary(body, p.Data)
		} else {
			body = AppendText(body, append([]byte{p.Type}, p.Data...))
		}
	}
	if string(body) != want {
		t.Errorf("got %q, want %q", body, want)
	}
}

func TestMalformedPayloads(t *testing.T) {
	for _, body := range []string{"", "{", "{}", `["a123", "a456"]`, "a123", "\x1e4", "-1", "٤"} {
		if p, _, _, err := Next([]byte(body)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: got %+v, %v, want %v", body, p, err, ErrInvalid)
		}
	}
}

func TestPacketsBeforeAnInvalidOneAreDecoded(t *testing.T) {
	p, rest, more, err := Next([]byte("4a\x1ex"))
	if err != nil || string(p.Data) != "a" || !more {
		t.Fatalf("got %+v %v %v", p, more, err)
	}
	if _, _, more, err = Next(rest); !errors.Is(err, ErrInvalid) || more {
		t.Errorf("got %v %v, want %v at the end", more, err, ErrInvalid)
	}
}
