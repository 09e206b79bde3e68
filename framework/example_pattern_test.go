package framework_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/parlor-go/parlor/framework"
)

// Job is a namespace class of which each job has a value of its own.
type Job struct {
	framework.Namespace
	title string
}

func (j *Job) OnTitle() string { return j.title }

func (j *Job) Close() error { return nil } // when the last client has left

func ExampleServer_RegisterFunc() {
	titles := map[string]string{"7": "paint the fence"}
	srv := framework.New(framework.Options{})
	srv.RegisterFunc("/job/{id}", func(p framework.Params) (framework.NamespaceHandler, error) {
		title, ok := titles[p.Get("id")]
		if !ok {
			return nil, errors.New("no such job") // the client hears "Invalid namespace"
		}
		return &Job{title: title}, nil
	})
	fmt.Println(connect(srv, "/job/7").Call("title"))
	// Output: ["paint the fence"]
}

func ExampleServer_RouteFunc() {
	srv := framework.New(framework.Options{})
	srv.RouteFunc("/files/*", func(r *framework.Router, p framework.Params) error {
		r.On("name", func() string { return p.Get("*") })
		return nil
	})
	fmt.Println(connect(srv, "/files/docs/guide.md").Call("name"))
	// Output: ["docs/guide.md"]
}

func ExampleParamsFrom() {
	srv := framework.New(framework.Options{})
	srv.Use(func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			if framework.ParamsFrom(ctx).Get("id") == "13" {
				return nil, framework.Refuse("not your job")
			}
			return next.ServeEvent(ctx, e)
		})
	})
	srv.RegisterFunc("/job/{id}", func(p framework.Params) (framework.NamespaceHandler, error) {
		return &Job{title: "job " + p.Get("id")}, nil
	})
	fmt.Println(connect(srv, "/job/7").Call("title"))
	// Output: ["job 7"]
}

func ExampleServer_Children() {
	srv := framework.New(framework.Options{})
	srv.RegisterFunc("/job/{id}", func(framework.Params) (framework.NamespaceHandler, error) { return &Job{}, nil })
	seven, eight := connect(srv, "/job/7"), connect(srv, "/job/8")

	jobs := srv.Children("/job/{id}")
	if err := jobs.Emit("pause"); err != nil {
		fmt.Println(err)
	}
	fmt.Println(seven.Expect("pause").Name, eight.Expect("pause").Name, jobs.Paths())
	// Output: pause pause [/job/7 /job/8]
}

func ExampleRouter_Concurrent() {
	found := make(chan string)
	srv := framework.New(framework.Options{})
	srv.Route("/", func(r *framework.Router) {
		r.On("search", func() string { return <-found }) // takes its time
		r.On("ping", func() string { return "pong" })
		r.Concurrent("search")
	})
	client := connect(srv, "/")
	answer := client.EmitWithAck("search")
	fmt.Println(client.Call("ping"))
	found <- "needle"
	fmt.Println(answer.Wait())
	// Output:
	// ["pong"]
	// ["needle"]
}
