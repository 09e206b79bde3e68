package adapter_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parlor-go/parlor/framework/adapter"
)

func TestSelections(t *testing.T) {
	rooms := []string{"id", "a", "b"}
	tests := []struct {
		name string
		s    adapter.Selection
		want bool
	}{
		{"everybody", adapter.Selection{}, true},
		{"one of its rooms", adapter.Selection{Rooms: []string{"x", "b"}}, true},
		{"itself", adapter.Selection{Rooms: []string{"id"}}, true},
		{"other rooms", adapter.Selection{Rooms: []string{"x"}}, false},
		{"but for others", adapter.Selection{Except: []string{"x"}}, true},
		{"but for it", adapter.Selection{Except: []string{"id"}}, false},
		{"both", adapter.Selection{Rooms: []string{"a"}, Except: []string{"b"}}, false},
	}
	for _, tt := range tests {
		if got := tt.s.Includes(rooms); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// golden is a socket as the reference server tells of it.
const golden = `{"id":"pXbPYYrFJ9cBRlOQAAAB","handshake":{` +
	`"headers":{"cookie":"a=1; b=2","host":"localhost:3000","origin":"http://localhost","x-twice":"1, 2"},` +
	`"time":"Tue Nov 14 2023 22:13:20 GMT+0000","address":"127.0.0.1","xdomain":true,"secure":false,"issued":1700000000123,` +
	`"url":"/socket.io/?EIO=4\u0026n=1\u0026n=2","query":{"EIO":"4","n":["1","2"]},"auth":{"token":"t"}},` +
	`"rooms":["pXbPYYrFJ9cBRlOQAAAB","a"],"data":{"user":"ann"}}`

func TestASocketIsToldAsTheReferenceDoes(t *testing.T) {
	info := adapter.SocketInfo{
		ID: "pXbPYYrFJ9cBRlOQAAAB",
		Handshake: adapter.Handshake{
			Header: http.Header{
				"Host": {"localhost:3000"}, "Origin": {"http://localhost"},
				"Cookie": {"a=1", "b=2"}, "X-Twice": {"1", "2"},
			},
			Time:    time.UnixMilli(1700000000123).UTC(),
			Address: "127.0.0.1",
			URL:     "/socket.io/?EIO=4&n=1&n=2",
			Auth:    json.RawMessage(`{"token":"t"}`),
		},
		Rooms: []string{"pXbPYYrFJ9cBRlOQAAAB", "a"},
		Data:  json.RawMessage(`{"user":"ann"}`),
	}
	got, err := json.Marshal(info)
	if err != nil || string(got) != golden {
		t.Errorf("got %s and error %v, want %s", got, err, golden)
	}

	var back adapter.SocketInfo
	if err := json.Unmarshal([]byte(golden), &back); err != nil {
		t.Fatal(err)
	}
	info.Handshake.Header["Cookie"], info.Handshake.Header["X-Twice"] = []string{"a=1; b=2"}, []string{"1, 2"}
	if !back.Handshake.Time.Equal(info.Handshake.Time) {
		t.Errorf("got time %v, want %v", back.Handshake.Time, info.Handshake.Time)
	}
	back.Handshake.Time = info.Handshake.Time
	if !reflect.DeepEqual(back, info) {
		t.Errorf("got %+v, want %+v", back, info)
	}
}

func TestAnEmptyHandshakeHasObjects(t *testing.T) {
	got, err := json.Marshal(adapter.Handshake{})
	for _, want := range []string{`"headers":{}`, `"query":{}`, `"auth":{}`, `"xdomain":false`} {
		if err != nil || !strings.Contains(string(got), want) {
			t.Errorf("got %s and error %v, want %s in it", got, err, want)
		}
	}
}

func TestHandshakesThatAreNone(t *testing.T) {
	for _, data := range []string{`1`, `{"headers":[]}`, `{"headers":{"a":1}}`, `{"issued":"now"}`, `{"query":{"a":{}}}`} {
		var h adapter.Handshake
		if err := json.Unmarshal([]byte(data), &h); err == nil || !strings.HasPrefix(err.Error(), "adapter: handshake: ") {
			t.Errorf("%s: got error %v, want one", data, err)
		}
	}
}

// FuzzSocketInfo: what can be read can be told again, and is the same then.
func FuzzSocketInfo(f *testing.F) {
	f.Add([]byte(golden))
	f.Add([]byte(`{"handshake":{"headers":{"a":["1","2"],"b":[]},"url":":%","query":null,"auth":null}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var info adapter.SocketInfo
		if json.Unmarshal(data, &info) != nil {
			return
		}
		once, err := json.Marshal(info)
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		var again adapter.SocketInfo
		if err := json.Unmarshal(once, &again); err != nil {
			t.Fatalf("%s: %v", once, err)
		}
		twice, err := json.Marshal(again)
		if err != nil || string(once) != string(twice) {
			t.Fatalf("got %s and error %v, want %s", twice, err, once)
		}
	})
}
