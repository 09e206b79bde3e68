package transport

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
)

// inScript returns the payload that a script hands to the page.
func inScript(t *testing.T, res response, index string) string {
	t.Helper()
	text, ok := strings.CutPrefix(res.body, "___eio["+index+"](")
	text, end := strings.CutSuffix(text, ");")
	var payload string
	if err := json.Unmarshal([]byte(text), &payload); err != nil || !ok || !end || res.status != 200 {
		t.Fatalf("got %d %q, want a script", res.status, res.body)
	}
	if got, want := res.header.Get("Content-Type"), "text/javascript; charset=UTF-8"; got != want {
		t.Errorf("got content type %q, want %q", got, want)
	}
	if got := res.header.Get("X-Content-Type-Options"); got != "nosniff" {
		t.Errorf("got X-Content-Type-Options %q, want nosniff", got)
	}
	return payload
}

// asForm writes a payload as clients do it.
func asForm(payload string) string {
	payload = strings.ReplaceAll(payload, `\n`, "\\\n")
	return url.Values{"d": {strings.ReplaceAll(payload, "\n", `\n`)}}.Encode()
}

func TestJSONP(t *testing.T) {
	tests := []struct{ name, query, post, want string }{
		{"v3", pollQueryV3, "6:4hello", "6:4hello"},
		{"v3, binary is base64", pollQueryV3, "10:b4AQIDBA==", "10:b4AQIDBA=="},
		{"v3, newlines", pollQueryV3, "5:4a\nb\n", "5:4a\nb\n"},
		{"v3, backslashes", pollQueryV3, `15:4a\nb\\nc\\\nd\`, `15:4a\nb\\nc\\\nd\`},
		{"v4", pollQuery, "4hello\x1ebAQIDBA==", "4hello\x1ebAQIDBA=="},
		{"what would end a script", pollQuery, "4</script>\u2028\u2029<!--", "4</script>\u2028\u2029<!--"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, v3)
				q := tt.query + "&j=12"
				site := []string{"Sec-Fetch-Site", "same-origin"}
				if open := inScript(t, h.get(q, site...), "12"); !strings.Contains(open, `0{"sid":"`) {
					t.Fatalf("got %q, want the open packet", open)
				}
				q += "&sid=" + h.peer().session.ID()
				h.post(q, asForm(tt.post), "Content-Type", "application/x-www-form-urlencoded").want(t, 200, "ok")
				res := h.get(q, site...)
				if got := inScript(t, res, "12"); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				if strings.ContainsAny(res.body, "<\u2028\u2029") {
					t.Errorf("got %q, want it escaped", res.body)
				}
			})
		})
	}
}

func TestWhichPagesMayIncludeAnswers(t *testing.T) {
	const (
		own   = "http://parlor.test"
		other = "https://b.example"
	)
	tests := []struct {
		name    string
		opts    Options
		headers []string
		want    bool
	}{
		{"own page", Options{}, []string{"Sec-Fetch-Site", "same-origin"}, true},
		{"typed in", Options{}, []string{"Sec-Fetch-Site", "none"}, true},
		{"another site", Options{}, []string{"Sec-Fetch-Site", "cross-site"}, false},
		{"a sister domain", Options{}, []string{"Sec-Fetch-Site", "same-site"}, false},
		{"another site that names an own page", Options{}, []string{"Sec-Fetch-Site", "cross-site", "Referer", other + "/?" + own}, false},
		{"own page of an old browser", Options{}, []string{"Referer", own + "/page"}, true},
		{"another page of an old browser", Options{}, []string{"Referer", other + "/page"}, false},
		{"a page that does not say", Options{}, nil, false},
		{"a page that says nonsense", Options{}, []string{"Referer", "://"}, false},
		{"a page without a host", Options{}, []string{"Referer", "about:blank"}, false},
		{"listed", Options{Origins: []string{other}}, []string{"Sec-Fetch-Site", "cross-site", "Referer", other + "/"}, true},
		{"listed, not said", Options{Origins: []string{other}}, []string{"Sec-Fetch-Site", "cross-site"}, false},
		{"listed, as an origin", Options{Origins: []string{other}}, []string{"Sec-Fetch-Site", "cross-site", "Origin", other}, true},
		{"not listed, as an origin", Options{}, []string{"Sec-Fetch-Site", "cross-site", "Origin", other}, false},
		{"everybody", Options{Origins: []string{"*"}}, []string{"Sec-Fetch-Site", "cross-site"}, true},
		{"everybody, silent", Options{Origins: []string{"*"}}, nil, true},
		{"by function", Options{AllowOrigin: func(_ *http.Request, o string) bool { return o == other }},
			[]string{"Sec-Fetch-Site", "cross-site", "Referer", other + "/"}, true},
		{"by function, not said", Options{AllowOrigin: func(_ *http.Request, o string) bool { return o == other }}, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.opts.AllowEIO3 = true
				h := newHarness(t, tt.opts)
				res := h.get(pollQueryV3+"&j=0", tt.headers...)
				if tt.want {
					inScript(t, res, "0")
					return
				}
				res.want(t, 403, `{"code":4,"message":"Forbidden"}`)
			})
		})
	}
}

func TestAPageThatMayNotConnectDoesNotReadASessionEither(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, v3)
		q, p := h.openPollV3("")
		_ = p.session.Send(NewMessage([]byte("a secret")))
		h.get(q+"&j=0", "Sec-Fetch-Site", "cross-site").want(t, 403, `{"code":4,"message":"Forbidden"}`)
		h.get(q).want(t, 200, "9:4a secret")
	})
}

func TestTheIndexOfJSONPIsANumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, v3)
		for _, j := range []string{"0]%3Balert(1)//", "a", "-1", "1.5", "%31+2", "%D9%A3", "0%00"} {
			h.get(pollQueryV3+"&j="+j, "Sec-Fetch-Site", "same-origin").want(t, 400, `{"code":3,"message":"Bad request"}`)
		}
	})
}

func TestJSONPIsOffByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		res := h.get(pollQuery+"&j=0", "Sec-Fetch-Site", "same-origin")
		if res.status != 200 || !strings.HasPrefix(res.body, "0{") || res.header.Get("Content-Type") != plainText {
			t.Errorf("got %d %q %q, want an ordinary answer", res.status, res.header.Get("Content-Type"), res.body)
		}
		h.peer()
	})
}

func TestFormsWithoutAPayloadCloseTheSession(t *testing.T) {
	for _, body := range []string{"", "x=6:4hello", "d=", "d=%zz", "6:4hello", strings.Repeat("&", 1000)} {
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(t, v3)
			q, p := h.openPollV3("")
			h.post(q+"&j=0", body).want(t, 400, "")
			p.wantClosed(t, ReasonParseError)
		})
	}
}

// FuzzFormPayload: what a client has written into a form comes out again, and of any
// other body no more than it has.
func FuzzFormPayload(f *testing.F) {
	for _, seed := range []string{"", "4hello", "a\nb", `a\nb`, `\\n`, "\\\\", `\\\n`, "n\\", "+ &=%;"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		if got := formPayload([]byte(payload)); len(got) > len(payload) {
			t.Errorf("got %d bytes out of %d: %q", len(got), len(payload), got)
		}
		if strings.Contains(payload, "\\\n") {
			return // clients write that as they write `\n`; it is in no JSON
		}
		if got := string(formPayload([]byte(asForm(payload)))); got != payload {
			t.Errorf("got %q, want %q", got, payload)
		}
	})
}
