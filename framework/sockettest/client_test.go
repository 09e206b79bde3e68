package sockettest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestJoinSendsAuthAndReturnsTheSocket(t *testing.T) {
	eachTransport(t, func(t *testing.T, opts Options) {
		h := bare(func(p *peer) {
			p.reply(`40/admin,{"token":"<a>"}`, `40/admin,{"sid":"S1"}`)
			p.reply(`40`, `40{"sid":"S2","pid":"P"}`)
		})
		c := Dial(t, h, opts)
		if got, want := c.SID(), "lv_VI97HAXpY6yYWAAAC"; got != want {
			t.Errorf("got the session id %q, want %q", got, want)
		}
		admin, main := c.Join("/admin", map[string]string{"token": "<a>"}), c.Join("")
		if admin.ID() != "S1" || admin.Path() != "/admin" || main.ID() != "S2" || main.Path() != "/" || main.Conn() != c {
			t.Errorf("got %s in %s, %s in %s", admin.ID(), admin.Path(), main.ID(), main.Path())
		}
	})
}

func TestRefusedReturnsMessageAndData(t *testing.T) {
	eachTransport(t, func(t *testing.T, opts Options) {
		h := bare(func(p *peer) {
			p.reply(`40/a,`, `44/a,{"message":"no","data":{"code":7}}`)
			p.reply(`40/a,`, `44/a,{"message":"still no"}`)
			p.reply(`40/a,`, `40/a,{"sid":"S"}`)
		})
		c := Dial(t, h, opts)
		if got, want := c.Refused("/a").String(), `"no" with data {"code":7}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if r := c.Refused("/a"); r.Message != "still no" || r.Data != nil {
			t.Errorf("got %s, want \"still no\" without data", r)
		}
		c.Join("/a")
	})
}

func TestEventsKeepTheirOrderAndWaitToBeExpected(t *testing.T) {
	eachTransport(t, func(t *testing.T, opts Options) {
		h := server(func(p *peer) {
			for _, packet := range []string{`42["a",1]`, `42["b"]`, `2`, `42["a",{"n":2}]`, `42["c","x"]`} {
				p.out <- packet
			}
			p.reply("3")
		})
		s := Dial(t, h, opts).Join("/")
		if got, want := s.Expect("c").Args.String(0), "x"; got != want {
			t.Errorf("c: got %q, want %q", got, want)
		}
		if got, want := s.Expect("a").Args.JSON(), "[1]"; got != want {
			t.Errorf("first a: got %s, want %s", got, want)
		}
		if e := s.Next(); e.Name != "b" || e.Args.Len() != 0 || e.WantsAck() {
			t.Errorf("got %s %v, want b without arguments", e.Name, e.Args)
		}
		var v struct{ N int }
		s.Next().Args.Decode(0, &v)
		if v.N != 2 {
			t.Errorf("second a: got %d, want 2", v.N)
		}
	})
}

func TestEmitCallAndAck(t *testing.T) {
	eachTransport(t, func(t *testing.T, opts Options) {
		h := server(func(p *peer) {
			p.reply(`42["hi",1,"two"]`)
			p.reply(`42["message",{"a":null}]`)
			p.reply(`420["sum",[1,2]]`, `42["before"]`, `430["three",3]`)
			p.reply(`421["next"]`)
			p.reply(`422["next"]`, `432[2]`, `431[1]`, `4217["question"]`)
			p.reply(`4317["answer",42]`, `42["done"]`)
		})
		s := Dial(t, h, opts).Join("/")
		s.Emit("hi", 1, "two")
		s.Send(map[string]any{"a": nil})
		if got, want := s.Call("sum", []int{1, 2}).JSON(), `["three",3]`; got != want {
			t.Errorf("sum: got %s, want %s", got, want)
		}
		one, two := s.EmitWithAck("next"), s.EmitWithAck("next")
		if got, want := one.Wait().JSON()+two.Wait().JSON(), "[1][2]"; got != want {
			t.Errorf("next: got %s, want %s", got, want)
		}
		s.Expect("before")
		q := s.Expect("question")
		if !q.WantsAck() {
			t.Errorf("question: does not want an ack")
		}
		q.Ack("answer", 42)
		s.Expect("done")
	})
}

func TestBinaryGoesBothWays(t *testing.T) {
	eachTransport(t, func(t *testing.T, opts Options) {
		h := server(func(p *peer) {
			p.reply(`451-0["up",{"_placeholder":true,"num":0}]`)
			p.reply(`bAQID`,
				`462-0[{"_placeholder":true,"num":1},{"deep":[{"_placeholder":true,"num":0}],"n":12345678901234567890}]`, "bBA==", "bBQ==",
				`451-7["down",{"_placeholder":true,"num":0}]`, "bBgc=")
			p.reply(`461-7[{"_placeholder":true,"num":0}]`)
			p.reply(`bCA==`, `42["done"]`)
		})
		s := Dial(t, h, opts).Join("/")
		answer := s.Call("up", []byte{1, 2, 3})
		if got, want := string(answer.Bytes(0)), "\x05"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		var v struct {
			Deep [][]byte
			N    uint64
		}
		answer.Decode(1, &v)
		if len(v.Deep) != 1 || string(v.Deep[0]) != "\x04" || v.N != 12345678901234567890 {
			t.Errorf("got %v", v)
		}
		down := s.Expect("down")
		if got, want := string(down.Args.Bytes(0)), "\x06\x07"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		down.Ack([]byte{8})
		s.Expect("done")
	})
}

func TestExpectNoneAsksTheServerAndLooks(t *testing.T) {
	eachTransport(t, func(t *testing.T, opts Options) {
		h := server(func(p *peer) {
			p.reply(`40/sockettest-1,`, `44/sockettest-1,{"message":"Invalid namespace"}`)
			// A server may have a pattern that takes every name.
			p.reply(`40/sockettest-2,`, `40/sockettest-2,{"sid":"X"}`)
			p.reply(`41/sockettest-2,`)
			p.reply(`420["slow"]`)
			p.reply(`40/sockettest-3,`, `44/sockettest-3,{"message":"Invalid namespace"}`)
			p.reply(`40/sockettest-4,`, `430[]`, `44/sockettest-4,{"message":"Invalid namespace"}`)
		})
		s := Dial(t, h, opts).Join("/")
		s.ExpectNone()
		s.ExpectNone()
		slow := s.EmitWithAck("slow")
		if slow.Answered() {
			t.Error("slow is answered before it was")
		}
		if !slow.Answered() {
			t.Error("slow is not answered")
		}
	})
}

func TestDisconnectedSaysWhy(t *testing.T) {
	tests := []struct {
		name, transport string
		script          func(p *peer)
		act             func(s *Socket)
		want, closed    string
	}{
		{"server leaves", "websocket", func(p *peer) { p.out <- "41" }, nil, "io server disconnect", ""},
		{"client leaves", "websocket", nil, (*Socket).Leave, "io client disconnect", ""},
		{"close frame", "websocket", func(p *peer) { p.end <- "1009" }, nil, "transport close", "close frame 1009"},
		{"eof", "websocket", func(p *peer) { p.end <- "eof" }, nil, "transport close", "eof"},
		{"eof after an upgrade", "upgrade", func(p *peer) { p.end <- "eof" }, nil, "transport close", "eof"},
		{"eof while polling", "polling", func(p *peer) { p.end <- "eof" }, nil, "transport close", "eof"},
		{"close packet", "polling", func(p *peer) { p.out <- "6"; p.out <- "1" }, nil, "transport close", "close packet"},
		{"poll refused", "polling", func(p *peer) { p.end <- "status" }, nil, "transport error", "status 400"},
		{"post refused", "polling", nil, func(s *Socket) { s.Conn().Send("malformed") }, "transport error", "status 400"},
		{"closed", "websocket", nil, func(s *Socket) { s.Conn().Close() }, "io client disconnect", "closed by the test"},
		{"cut", "polling", nil, func(s *Socket) { s.Conn().Cut() }, "transport close", "cut by the test"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := server(func(p *peer) {
				if test.script != nil {
					test.script(p)
				}
			})
			s := Dial(t, h, Options{Transport: test.transport}).Join("/")
			if test.act != nil {
				test.act(s)
			}
			if got := s.Disconnected(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if test.closed == "" {
				return
			}
			if got := s.Conn().Closed(); got != test.closed {
				t.Errorf("closed: got %q, want %q", got, test.closed)
			}
		})
	}
}

func TestCloseAndCutComeBehindWhatWasSent(t *testing.T) {
	for name, end := range map[string]func(*Conn){"close": (*Conn).Close, "cut": (*Conn).Cut} {
		t.Run(name, func(t *testing.T) {
			eachTransport(t, func(t *testing.T, opts Options) {
				seen := make(chan string, 10)
				h := server(func(p *peer) {
					for packet := p.next(); packet != "gone"; packet = p.next() {
						seen <- packet
					}
					close(seen)
				})
				s := Dial(t, h, opts).Join("/")
				s.Emit("last", []byte("x"))
				end(s.Conn())
				var got []string
				for packet := range seen {
					got = append(got, packet)
				}
				want := `451-["last",{"_placeholder":true,"num":0}] beA==`
				if strings.Join(got, " ") != want {
					t.Errorf("the server got %q, want %q", got, want)
				}
			})
		})
	}
}

func TestEventsOfTheTimeBeforeALeaveAreDropped(t *testing.T) {
	h := server(func(p *peer) {
		p.reply("41", `42["late"]`)
		p.reply("40", `42["later"]`, `40{"sid":"B"}`, `42["fresh"]`)
	})
	c := Dial(t, h, Options{})
	c.Join("/").Leave()
	if got, want := c.Join("/").Next().Name, "fresh"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTryDialReturnsTheRefusal(t *testing.T) {
	eachTransport(t, func(t *testing.T, opts Options) {
		opts.Query = url.Values{"EIO": {"3"}}
		c, refusal := TryDial(t, server(nil), opts)
		if c != nil || refusal == nil {
			t.Fatalf("got %v, %v, want a refusal", c, refusal)
		}
		if refusal.Status != 400 || refusal.Code != 5 || refusal.Message != "Unsupported protocol version" {
			t.Errorf("got %v", refusal)
		}
	})
	t.Run("not Engine.IO", func(t *testing.T) {
		_, refusal := TryDial(t, http.NotFoundHandler(), Options{})
		if refusal == nil || refusal.Status != 404 || refusal.Code != -1 || refusal.Body != "404 page not found\n" {
			t.Errorf("got %v, want the answer of http.NotFound", refusal)
		}
	})
}

func TestOptionsReachEveryRequest(t *testing.T) {
	eachTransport(t, func(t *testing.T, opts Options) {
		f := server(func(p *peer) { p.out <- `42["x"]` })
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Name") != "ann" || r.Host != "chat.example" || r.URL.Query().Get("room") != "7" || r.RemoteAddr != "10.0.0.2:50000" {
				t.Errorf("got %v %v %v from %s", r.Header, r.Host, r.URL, r.RemoteAddr)
			}
			http.StripPrefix("/app", f).ServeHTTP(w, r)
		})
		opts.Path = "/app/socket.io/"
		opts.Header = http.Header{"x-name": {"ann"}, "Host": {"chat.example"}}
		opts.Query = url.Values{"room": {"7"}}
		c := Dial(t, h, opts)
		c.Join("/").Expect("x")
		if got := c.Header().Get("Set-Cookie"); (got != "") != (opts.Transport != "websocket") {
			t.Errorf("got the cookie %q", got)
		}
	})
}

func TestPingsAreAnsweredInABubble(t *testing.T) {
	eachTransport(t, func(t *testing.T, opts Options) {
		synctest.Test(t, func(t *testing.T) {
			h := server(func(p *peer) {
				<-time.After(25 * time.Second)
				p.out <- "2"
				p.reply("3", `42["alive"]`)
			})
			opts.Timeout = time.Minute
			s := Dial(t, h, opts).Join("/")
			before := time.Now()
			s.Expect("alive")
			if got, want := time.Since(before), 25*time.Second; got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	})
}

func TestNoPongLeavesPingsUnanswered(t *testing.T) {
	h := server(func(p *peer) {
		p.out <- "2"
		p.reply(`42["after"]`, `42["silent"]`)
	})
	s := Dial(t, h, Options{NoPong: true}).Join("/")
	s.Emit("after")
	s.Expect("silent")
}

func TestFramesIsWhatWentOverTheConnection(t *testing.T) {
	h := server(func(p *peer) {
		p.out <- "2"
		p.reply("3", `451-["x",{"_placeholder":true,"num":0}]`, "bAf8=")
	})
	s := Dial(t, h, Options{Transport: "upgrade"}).Join("/")
	s.Expect("x")
	want := strings.Join([]string{"< " + openPolling, "> 2probe", "< 3probe", "> 5", "< 6", "> 40", `< 40{"sid":"A"}`,
		"< 2", "> 3", `< 451-["x",{"_placeholder":true,"num":0}]`, "< binary 01ff"}, "\n")
	if got := strings.Join(s.Conn().Frames(), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
