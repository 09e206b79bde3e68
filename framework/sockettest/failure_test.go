package sockettest

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

func TestFailuresSayWhatCameInstead(t *testing.T) {
	tests := []struct {
		name   string
		script func(p *peer)
		test   func(s *Socket)
		want   []string
	}{
		{"no event", func(p *peer) { p.out <- `42["other",{"n":1}]` },
			func(s *Socket) { s.Expect("news") },
			[]string{`no event "news" for "/" came within 5s; waiting: "other" [{"n":1}]`, "    > 40\n", `    < 42["other",{"n":1}]`}},
		{"no event at all", nil,
			func(s *Socket) { s.Next() },
			[]string{`no event for "/" came within 5s`}},
		{"no answer", nil,
			func(s *Socket) { s.Call("ask") },
			[]string{`"ask" in "/" was not acknowledged within 5s (an event without a handler, or whose handler fails, is not)` + "\n", `    > 420["ask"]`}},
		{"no answer and a disconnect", func(p *peer) { p.reply(`420["ask"]`, "41") },
			func(s *Socket) { s.Call("ask") },
			[]string{`"ask" in "/" was not acknowledged: io server disconnect` + "\n"}},
		{"no answer and a lost connection", func(p *peer) { p.reply(`420["ask"]`); p.end <- "1011" },
			func(s *Socket) { s.Call("ask") },
			[]string{`"ask" in "/" was not acknowledged: the connection ended: close frame 1011` + "\n"}},
		{"unwanted event", func(p *peer) {
			p.reply(`40/sockettest-1,`, `42["secret","x"]`, `44/sockettest-1,{"message":"Invalid namespace"}`)
		},
			func(s *Socket) { s.ExpectNone() },
			[]string{`want no event for "/", got "secret" ["x"]`}},
		{"refused", func(p *peer) { p.reply(`40/a,`, `44/a,{"message":"no"}`) },
			func(s *Socket) { s.Conn().Join("/a") },
			[]string{`joining "/a" was refused: "no"` + "\n"}},
		{"not refused", func(p *peer) { p.reply(`40/a,`, `40/a,{"sid":"S"}`) },
			func(s *Socket) { s.Conn().Refused("/a") },
			[]string{`joining "/a" was not refused: the socket has the id "S"`}},
		{"not answered", nil,
			func(s *Socket) { s.Conn().Join("/a") },
			[]string{`joining "/a" was not answered within 5s`}},
		{"joined twice", nil,
			func(s *Socket) { s.Conn().Join("/") },
			[]string{`"/" is joined already`}},
		{"not closed", nil,
			func(s *Socket) { s.Conn().Closed() },
			[]string{`the server did not close the connection within 5s`}},
		{"not disconnected", nil,
			func(s *Socket) { s.Disconnected() },
			[]string{`the socket in "/" was not disconnected within 5s`}},
		{"argument of another kind", func(p *peer) { p.out <- `42["n",1]` },
			func(s *Socket) { s.Expect("n").Args.String(0) },
			[]string{`argument 0 of "n" [1]: want a string`}},
		{"argument that is not there", func(p *peer) { p.reply(`420["ask"]`, `430[]`) },
			func(s *Socket) { s.Call("ask").String(0) },
			[]string{`argument 0 of the answer to "ask" []: there are 0`}},
		{"argument that is no attachment", func(p *peer) { p.out <- `42["n",{"_placeholder":true,"num":0}]` },
			func(s *Socket) { s.Expect("n").Args.Bytes(0) },
			[]string{`want an attachment`}},
		{"acknowledged twice", func(p *peer) { p.out <- `421["n"]` },
			func(s *Socket) { e := s.Expect("n"); e.Ack(); e.Ack() },
			[]string{`acknowledge "n": it is acknowledged`}},
		{"acknowledged unasked", func(p *peer) { p.out <- `42["n"]` },
			func(s *Socket) { s.Expect("n").Ack() },
			[]string{`acknowledge "n": the server did not ask for it`}},
		{"emit after leaving", nil,
			func(s *Socket) { s.Leave(); s.Emit("x") },
			[]string{`emit "x": the socket has left "/"`}},
		{"emit what is no JSON", nil,
			func(s *Socket) { s.Emit("x", func() {}) },
			[]string{`emit "x": json: unsupported type: func()`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // the timeouts pass in no time
				got := failures(t, func(tb testing.TB) {
					h := server(func(p *peer) {
						if test.script != nil {
							test.script(p)
						}
					})
					test.test(Dial(tb, h, Options{}).Join("/"))
				})
				if !strings.HasPrefix(got, "sockettest: ") {
					t.Errorf("got %q, want it to begin with the package", got)
				}
				for _, want := range test.want {
					if !strings.Contains(got, want) {
						t.Errorf("got  %s\nwant %s", got, want)
					}
				}
			})
		})
	}
}

func TestProtocolViolationsFailTheTest(t *testing.T) {
	tests := []struct {
		name string
		send []string
		want string
	}{
		{"malformed packet", []string{`42{`}, `packet "2{": payload of EVENT`},
		{"unknown Engine.IO packet", []string{`9`}, `Engine.IO packet "9"`},
		{"upgrade from a server", []string{`5`}, `Engine.IO packet "5"`},
		{"event of a namespace never joined", []string{`42/b,["x"]`}, `the event "x" for "/b": the client has not joined`},
		{"second CONNECT", []string{`40{"sid":"B"}`}, `a CONNECT for "/": nobody asked`},
		{"answer to nothing", []string{`439[]`}, `an answer to the call 9 for "/": nobody asked`},
		{"attachment of nothing", []string{"bAQ=="}, "an attachment: no packet waits for one"},
		{"packet among attachments", []string{`451-["x",{"_placeholder":true,"num":0}]`, `42["y"]`}, `before the attachments of "x"`},
		{"placeholder out of range", []string{`451-["x",{"_placeholder":true,"num":1}]`}, "placeholder 1, with 1 attachments"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			eachTransport(t, func(t *testing.T, opts Options) {
				script := server(func(p *peer) {
					for _, packet := range test.send {
						p.out <- packet
					}
				}).script
				waiting := failures(t, func(tb testing.TB) { Dial(tb, bare(script), opts).Join("/").Expect("nothing") })
				closed := failures(t, func(tb testing.TB) { Dial(tb, bare(script), opts).Join("/").Conn().Closed() })
				for _, got := range []string{waiting, closed} {
					if strings.Count(got, "the server broke the protocol") != 1 || !strings.Contains(got, test.want) {
						t.Errorf("got  %s\nwant once: %s", got, test.want)
					}
				}
			})
		})
	}
}

// A violation that arrives when the test looks no more is reported at its end.
func TestProtocolViolationsFailATestThatIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := server(func(p *peer) {
			p.out <- `41`
			p.out <- `42["x"]`
		})
		got := failures(t, func(tb testing.TB) {
			Dial(tb, h, Options{}).Join("/")
			synctest.Wait()
		})
		if want := `the event "x" for "/": the client has not joined`; !strings.Contains(got, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestEventBeforeTheAnswerToConnectIsAViolation(t *testing.T) {
	h := bare(func(p *peer) { p.reply("40", `42["early"]`, `40{"sid":"A"}`) })
	got := failures(t, func(tb testing.TB) { Dial(tb, h, Options{}).Join("/") })
	if want := `the event "early" for "/": it came before the answer to CONNECT`; !strings.Contains(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Who sends packets by hand gets answers that the client did not ask for.
func TestSendSuspendsTheJudgementOfState(t *testing.T) {
	h := server(func(p *peer) {
		p.reply(`40/raw,{"a":1}`, `40/raw,{"sid":"R"}`, `42/raw,["x"]`)
		p.reply(`427["ask"]`, `437[1]`)
		p.reply(`451-["b",{"_placeholder":true,"num":0}]`)
		p.reply(`bAQ==`, `42["done"]`)
	})
	s := Dial(t, h, Options{}).Join("/")
	s.Conn().Send(`0/raw,{"a":1}`)
	s.Conn().Send(`27["ask"]`)
	s.Conn().Send(`51-["b",{"_placeholder":true,"num":0}]`, []byte{1})
	s.Expect("done")
}

func TestDialFailsWhenTheServerRefuses(t *testing.T) {
	eachTransport(t, func(t *testing.T, opts Options) {
		opts.Path = "/elsewhere/"
		got := failures(t, func(tb testing.TB) { Dial(tb, server(nil), opts) })
		if want := `the handshake was refused: status 400, code 5 "Unsupported protocol version"`; !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestDialDoesNotWaitForEver(t *testing.T) {
	eachTransport(t, func(t *testing.T, opts Options) {
		synctest.Test(t, func(t *testing.T) {
			got := failures(t, func(tb testing.TB) { Dial(tb, silent{}, opts) })
			if !strings.Contains(got, "sockettest: handshake: ") {
				t.Errorf("got %q, want a failed handshake", got)
			}
		})
	})
}

func TestAPanicOfTheHandlerIsInTheLog(t *testing.T) {
	eachTransport(t, func(t *testing.T, opts Options) {
		h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("no database") })
		got := failures(t, func(tb testing.TB) { Dial(tb, h, opts) })
		for _, want := range []string{"sockettest: handshake: ", "EOF", "sockettest: server: http: panic serving 10.0.0.2:50000: no database"} {
			if !strings.Contains(got, want) {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		}
	})
}

func TestDialRefusesServersThatAreNoEngineIO(t *testing.T) {
	tests := []struct{ name, answer, want string }{
		{"a page", "<html>", `the first packet is <html>, want the open packet 0{...}`},
		{"nothing", "", "empty packet in the payload"},
		{"no JSON", "0{", "open packet: unexpected end of JSON"},
		{"no maxPayload", `0{"sid":"a","upgrades":[],"pingInterval":1,"pingTimeout":1}`, "open packet: no maxPayload in"},
		{"no sid", `0{"sid":"","upgrades":[],"pingInterval":1,"pingTimeout":1,"maxPayload":1}`, "want a sid"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, test.answer) })
			got := failures(t, func(tb testing.TB) { Dial(tb, h, Options{Transport: "polling"}) })
			if !strings.Contains(got, test.want) {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
