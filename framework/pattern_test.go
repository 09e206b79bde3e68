package framework_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// job is a class of which each child has one.
type job struct {
	framework.Namespace
	id     string
	closed chan<- string
}

func (j *job) OnWho() (string, string)                       { return j.id, j.Path() }
func (j *job) OnShout(text string) error                     { return j.Emit("shout", j.id+" "+text) }
func (j *job) OnEnter(s *framework.Socket, room string) bool { s.Join(room); return true }
func (j *job) Close() error {
	if j.closed != nil {
		j.closed <- j.id
	}
	return nil
}

// jobs is a factory.
func jobs(closed chan<- string) func(framework.Params) (framework.NamespaceHandler, error) {
	return func(p framework.Params) (framework.NamespaceHandler, error) {
		return &job{id: p.Get("id"), closed: closed}, nil
	}
}

func TestEachPathOfAPatternHasAValueOfItsOwn(t *testing.T) {
	srv := quiet()
	srv.RegisterFunc("/job/{id}", jobs(nil))
	conn, other := sockettest.Dial(t, srv, sockettest.Options{}), sockettest.Dial(t, srv, sockettest.Options{})
	seven, eight := conn.Join("/job/7"), conn.Join("/job/8")
	otherSeven := other.Join("/job/7")
	equal(t, "7", seven.Call("who").JSON(), `["7","/job/7"]`)
	equal(t, "8", eight.Call("who").JSON(), `["8","/job/8"]`)
	seven.Emit("shout", "hi")
	equal(t, "7 hears", seven.Expect("shout").Args.String(0), "7 hi")
	equal(t, "the other in 7 hears", otherSeven.Expect("shout").Args.String(0), "7 hi")
	eight.ExpectNone()
	equal(t, "no id", conn.Refused("/job/").Message, "Invalid namespace")
	equal(t, "too deep", conn.Refused("/job/7/8").Message, "Invalid namespace")
}

func TestPatternsMatchAsChiDoes(t *testing.T) {
	patterns := []string{
		"/job/{id}", "/job/{id}/log", "/job/{id}-{part}", "/org/{org}/room/{room:[a-z]+}", "/org/{org}/room/{other:[0-9]{1,3}}",
		"/org/{org}/{rest}/x", "/files/*", "/files/{name}.png", "/user/{name}/*",
	}
	paths := []string{
		"/job/1", "/job/", "/job", "/job/1/log", "/job/1/2", "/job/a-b", "/job/-", "/job/a-", "/org/acme/room/kitchen",
		"/org/acme/room/12", "/org/acme/room/1234", "/org//room/kitchen", "/org/acme/room/Kitchen", "/org/a/b/x", "/org/a/room/x",
		"/files/", "/files", "/files/a/b", "/files/a.png", "/files/a/b.png", "/user/ann/", "/user/ann/x/y", "/user/ann", "/ä/ö", "/job/%20",
	}
	type found struct {
		pattern, path string
		values        []string
	}
	got := make(chan string, 1)
	srv := quiet()
	mux := chi.NewRouter()
	var want string
	names := []string{"id", "part", "org", "room", "other", "rest", "name", "*"}
	for _, p := range patterns {
		srv.RouteFunc(p, func(_ *framework.Router, params framework.Params) error {
			f := found{p, params.Path(), nil}
			for _, name := range names {
				f.values = append(f.values, params.Get(name))
			}
			got <- fmt.Sprintf("%q", f)
			return nil
		})
		mux.Get(p, func(_ http.ResponseWriter, r *http.Request) {
			f := found{p, r.URL.Path, nil}
			for _, name := range names {
				f.values = append(f.values, chi.URLParam(r, name))
			}
			want = fmt.Sprintf("%q", f)
		})
	}
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	for _, path := range paths {
		want = ""
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path = path
		mux.ServeHTTP(httptest.NewRecorder(), r)
		if want == "" {
			equal(t, path, conn.Refused(path).Message, "Invalid namespace")
			continue
		}
		conn.Join(path)
		equal(t, path, receive(t, got), want)
	}
}

func TestARegularExpressionIsForTheWholeOfAValue(t *testing.T) {
	srv := quiet()
	for _, pattern := range []string{"/job/{kind:open|done}", "/sum/{text:[a-z]+\\$}", "/org/{org:[0-9]+}/room"} {
		srv.RegisterFunc(pattern, jobs(nil))
	}
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	for _, path := range []string{"/job/open", "/job/done", "/sum/a$", "/org/1/room"} {
		conn.Join(path)
	}
	for _, path := range []string{"/job/opened", "/job/undone", "/sum/a$b", "/org//room"} {
		equal(t, path, conn.Refused(path).Message, "Invalid namespace")
	}
}

func TestARegisteredPathGoesBeforePatterns(t *testing.T) {
	srv := quiet()
	srv.RegisterFunc("/{any}", jobs(nil))
	srv.RegisterFunc("/job/*", jobs(nil))
	srv.RegisterFunc("/job/{id}", jobs(nil))
	srv.Register("/plain", &plain{})
	srv.Register("/job/1", &plain{})
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	equal(t, "registered", conn.Join("/plain").Call("greet", "ann").JSON(), `["hello ann"]`)
	equal(t, "and deeper", conn.Join("/job/1").Call("greet", "ann").JSON(), `["hello ann"]`)
	equal(t, "chi's order", conn.Join("/job/2").Call("who").JSON(), `["2","/job/2"]`)
	conn.Join("/") // is always there
}

func TestPatternMistakesPanic(t *testing.T) {
	factory := jobs(nil)
	tests := []struct {
		name string
		f    func(srv *framework.Server)
		want []string
	}{
		{"no slash", func(srv *framework.Server) { srv.RegisterFunc("job/{id}", factory) }, []string{`pattern "job/{id}" does not begin with a slash: want "/job/{id}"`}},
		{"nothing", func(srv *framework.Server) { srv.RegisterFunc("", factory) }, []string{`want "/"`}},
		{"no parameter", func(srv *framework.Server) { srv.RegisterFunc("/job", factory) }, []string{`pattern "/job" has no parameter`, "Register and Route serve a single path"}},
		{"a comma", func(srv *framework.Server) { srv.RegisterFunc("/a,b/{id}", factory) }, []string{"comma"}},
		{"a query", func(srv *framework.Server) { srv.RegisterFunc("/a/{id}?b", factory) }, []string{"query"}},
		{"an open brace", func(srv *framework.Server) { srv.RegisterFunc("/job/{id", factory) }, []string{`pattern "/job/{id" is not in chi's form`, "closing delimiter", `"/job/{id}"`}},
		{"a brace that closes nothing", func(srv *framework.Server) { srv.RegisterFunc("/}/{id}", factory) }, []string{`pattern "/}/{id}" has a closing brace that closes nothing`}},
		{"a regexp that is none", func(srv *framework.Server) { srv.RegisterFunc("/job/{id:[}", factory) }, []string{"not in chi's form", "regexp"}},
		{"a star in the middle", func(srv *framework.Server) { srv.RegisterFunc("/*/job", factory) }, []string{"not in chi's form", "wildcard"}},
		{"a name twice", func(srv *framework.Server) { srv.RegisterFunc("/{id}/{id}", factory) }, []string{"not in chi's form", "duplicate"}},
		{"twice", func(srv *framework.Server) {
			srv.RegisterFunc("/job/{id}", factory)
			srv.RegisterFunc("/job/{id}", factory)
		}, []string{`pattern "/job/{id}": "/job/{id}" is registered already`}},
		{"twice under other names", func(srv *framework.Server) {
			srv.RegisterFunc("/job/{id}/{n:[0-9]{2}}", factory)
			srv.RegisterFunc("/job/{job}/{m:^[0-9]{2}$}", factory)
		}, []string{`pattern "/job/{job}/{m:^[0-9]{2}$}": "/job/{id}/{n:[0-9]{2}}" is registered already and fits the same paths`}},
		{"no factory", func(srv *framework.Server) { srv.RegisterFunc("/job/{id}", nil) }, []string{"the factory is nil"}},
		{"no function", func(srv *framework.Server) { srv.RouteFunc("/job/{id}", nil) }, []string{"the function is nil"}},
		{"nil middleware", func(srv *framework.Server) { srv.RegisterFunc("/job/{id}", factory, nil) }, []string{"middleware 1 of 1 is nil"}},
		{"Use behind it", func(srv *framework.Server) { srv.RegisterFunc("/job/{id}", factory); srv.Use() }, []string{"middleware first"}},
		{"Check behind it", func(srv *framework.Server) {
			srv.RegisterFunc("/job/{id}", factory)
			srv.Check(func(context.Context, any) error { return nil })
		}, []string{"checks first"}},
		{"behind the first request", func(srv *framework.Server) {
			srv.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
			srv.RegisterFunc("/job/{id}", factory)
		}, []string{"RegisterFunc comes behind the first request"}},
		{"a bound below nothing", func(*framework.Server) { framework.New(framework.Options{MaxChildren: -1}) }, []string{"Options.MaxChildren is -1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantPanic(t, func() { tt.f(quiet()) }, tt.want...)
		})
	}
}

func TestPatternsThatDifferLiveTogether(t *testing.T) {
	srv := quiet()
	for _, pattern := range []string{"/a/{x}", "/a/{x}/b", "/a/{x:[0-9]+}", "/a/{x:[a-z]{2,3}}", "/a/{x:[a-z]{2}}", "/a/*"} {
		srv.RegisterFunc(pattern, jobs(nil))
	}
}

func TestWhatAFactoryRefusesWithReachesTheClient(t *testing.T) {
	const hidden = "secret of the database"
	shared := &job{id: "shared"}
	tests := []struct {
		id      string
		want    string
		data    string
		level   string
		logged  string
		factory func() (framework.NamespaceHandler, error)
	}{
		{"refuse", "no such job", `7`, "info", "no such job",
			func() (framework.NamespaceHandler, error) { return nil, framework.Refuse("no such job", 7) }},
		{"error", "not yours", "", "info", "not yours",
			func() (framework.NamespaceHandler, error) { return nil, &framework.Error{Message: "not yours"} }},
		{"other", "Invalid namespace", "", "info", hidden,
			func() (framework.NamespaceHandler, error) { return nil, errors.New(hidden) }},
		{"nil error", "Invalid namespace", "", "info", "namespace not made",
			func() (framework.NamespaceHandler, error) { return nil, (*framework.Error)(nil) }},
		{"bad error", "Internal server error", "", "error", "nil pointer",
			func() (framework.NamespaceHandler, error) { return nil, (*hollow)(nil) }},
		{"panic", "Internal server error", "", "error", hidden,
			func() (framework.NamespaceHandler, error) { panic(hidden) }},
		{"exit", "Internal server error", "", "error", "Goexit",
			func() (framework.NamespaceHandler, error) { runtime.Goexit(); return nil, nil }},
		{"nothing", "Internal server error", "", "error", "want a non-nil pointer to a struct that embeds framework.Namespace",
			func() (framework.NamespaceHandler, error) { return nil, nil }},
		{"nil value", "Internal server error", "", "error", "want a non-nil pointer",
			func() (framework.NamespaceHandler, error) { return (*job)(nil), nil }},
		{"misfit", "Internal server error", "", "error", "does not fit",
			func() (framework.NamespaceHandler, error) { return &misfits{}, nil }},
		{"shared", "Internal server error", "", "error", `the value is registered at \"/job/first\" already`,
			func() (framework.NamespaceHandler, error) { return shared, nil }},
		{"closer", "Internal server error", "", "error", "its Close comes from the embedded framework_test.connection",
			func() (framework.NamespaceHandler, error) { return &borrows{}, nil }},
		{"routes", "Internal server error", "", "error", hidden,
			func() (framework.NamespaceHandler, error) { return &routesPanic{text: hidden}, nil }},
	}
	for _, tt := range tests {
		t.Run(tt.id, func(t *testing.T) {
			srv, log := logged()
			srv.RegisterFunc("/job/{id}", func(p framework.Params) (framework.NamespaceHandler, error) {
				if p.Get("id") == "first" {
					return shared, nil
				}
				return tt.factory()
			})
			conn := sockettest.Dial(t, srv, sockettest.Options{})
			if tt.id == "shared" {
				conn.Join("/job/first")
			}
			for range 2 { // the second is asked for anew
				got := conn.Refused("/job/" + strings.ReplaceAll(tt.id, " ", "-"))
				equal(t, "message", got.Message, tt.want)
				equal(t, "data", string(got.Data), tt.data)
			}
			path := "/job/" + strings.ReplaceAll(tt.id, " ", "-")
			conn.Send("0" + path + ",")
			conn.Send("2" + path + `,["early"]`) // is dropped, if it comes before the refusal
			waitFrame(t, conn, "< 44"+path, len(conn.Frames()))
			line := ""
			for l := range strings.Lines(log.String()) {
				if strings.Contains(l, `"namespace not made"`) {
					line = l
				}
			}
			if !strings.Contains(line, `"level":"`+tt.level+`"`) || !strings.Contains(line, tt.logged) {
				t.Errorf("got the line %s, want one at %s with %q", line, tt.level, tt.logged)
			}
		})
	}
}

type connection struct{}

func (connection) Close() error { return nil }

type borrows struct {
	framework.Namespace
	connection
}

func (b *borrows) OnEarly() { panic("an event of a namespace that could not be made") }

type routesPanic struct {
	framework.Namespace
	text string
}

func (r *routesPanic) Routes(*framework.Router) { panic(r.text) }

func TestMiddlewareWrapsEveryChild(t *testing.T) {
	var made atomic.Int32
	srv := quiet()
	srv.Use(func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			if framework.ParamsFrom(ctx).Get("id") == "secret" {
				return nil, framework.Refuse("no admission")
			}
			return next.ServeEvent(ctx, e)
		})
	})
	srv.RegisterFunc("/job/{id}", jobs(nil), func(next framework.Handler) framework.Handler {
		made.Add(1)
		n := 0 // of this child, whose one client has its events in order
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			n++
			reply, err := next.ServeEvent(ctx, e)
			return append(reply, n, framework.ParamsFrom(ctx).Get("id")), err
		})
	})
	srv.On("who", func(ctx context.Context) string { return "<" + framework.ParamsFrom(ctx).Path() + ">" })
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	one, two := conn.Join("/job/1"), conn.Join("/job/2")
	equal(t, "first", one.Call("who").JSON(), `["1","/job/1",2,"1"]`)
	equal(t, "second", one.Call("who").JSON(), `["1","/job/1",3,"1"]`)
	equal(t, "another child", two.Call("who").JSON(), `["2","/job/2",2,"2"]`)
	equal(t, "refused", conn.Refused("/job/secret").Message, "no admission")
	equal(t, "middleware made", made.Load(), 3)
	equal(t, "no child", conn.Join("/").Call("who").JSON(), `["<>"]`)
}

func TestRouteFuncRegistersFunctions(t *testing.T) {
	var kept *framework.Router
	srv := quiet()
	srv.RouteFunc("/files/*", func(r *framework.Router, p framework.Params) error {
		if p.Get("*") == "" {
			return framework.Refuse("which file?")
		}
		kept = r
		r.On("name", func() string { return p.Get("*") })
		r.Attach(&plain{})
		return nil
	})
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	file := conn.Join("/files/a/b.txt")
	equal(t, "function", file.Call("name").JSON(), `["a/b.txt"]`)
	equal(t, "class", file.Call("greet", "ann").JSON(), `["hello ann"]`)
	equal(t, "refused", conn.Refused("/files/").Message, "which file?")
	wantPanic(t, func() { kept.On("late", func() {}) }, `On on "/files/a/b.txt" comes when its factory has returned`)
}

func TestEventsListsWhatTheFirstChildOfAPatternServes(t *testing.T) {
	srv, log := logged()
	srv.RegisterFunc("/job/{id}", jobs(nil))
	rows := func() (out []string) {
		for _, e := range srv.Events() {
			out = append(out, e.Namespace+" "+e.Event)
		}
		return out
	}
	equal(t, "before", len(rows()), 0)
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Join("/job/1")
	conn.Join("/job/2")
	want := []string{"/job/{id} enter", "/job/{id} shout", "/job/{id} who"}
	if got := rows(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	equal(t, "lines", strings.Count(log.String(), `"event registered"`), 3)
	equal(t, "made", strings.Count(log.String(), `"namespace made"`), 2)
}

func TestAPathThatIsTooLongFitsNoPattern(t *testing.T) {
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), MaxNameLength: -1})
	srv.RegisterFunc("/job/{id}", jobs(nil))
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Join("/job/" + strings.Repeat("x", 1024-len("/job/")))
	equal(t, "refused", conn.Refused("/job/"+strings.Repeat("x", 1025-len("/job/"))).Message, "Invalid namespace")
}

func TestChildrenAreBounded(t *testing.T) {
	var log logBuffer
	srv := unhurried(framework.Options{Logger: zerolog.New(&log), MaxChildren: 2})
	srv.RegisterFunc("/job/{id}", jobs(nil))
	srv.RegisterFunc("/other/{id}", jobs(nil))
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Join("/job/1")
	two := conn.Join("/job/2")
	for range 3 {
		equal(t, "refused", conn.Refused("/job/3").Message, "Too many namespaces")
	}
	conn.Join("/other/1") // each pattern has its own
	sockettest.Dial(t, srv, sockettest.Options{}).Join("/job/2")
	equal(t, "lines", strings.Count(log.String(), `"level":"warn"`), 1)
	equal(t, "counted", srv.Exceeded()["MaxChildren"], 3)
	two.Call("who")
}

func TestAClientIsInSoManyNamespacesOnly(t *testing.T) {
	srv := quiet()
	srv.RegisterFunc("/job/{id}", jobs(nil))
	srv.Register("/plain", &plain{})
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	first := conn.Join("/job/0")
	for i := range 99 {
		conn.Join(fmt.Sprintf("/job/%d", i+1))
	}
	equal(t, "refused", conn.Refused("/job/100").Message, "Too many namespaces")
	equal(t, "refused", conn.Refused("/plain").Message, "Too many namespaces")
	equal(t, "exceeded", srv.Exceeded()["MaxNamespaces"], 2)
	sockettest.Dial(t, srv, sockettest.Options{}).Join("/job/100")
	first.Leave()
	conn.Join("/job/0") // it may wait for the clean-up of the one before, and counts once then
}
