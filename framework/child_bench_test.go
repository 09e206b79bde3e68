package framework

import (
	"fmt"
	"testing"

	"github.com/rs/zerolog"
)

type benchChild struct{ Namespace }

func (b *benchChild) OnConnect(*Socket) error         { return nil }
func (b *benchChild) OnDisconnect(*Socket, Reason)    {}
func (b *benchChild) OnText(string) string            { return "" }
func (b *benchChild) OnStruct(*Socket, EventInfo) int { return 0 }
func (b *benchChild) OnNumbers(...int) int            { return 0 }
func (b *benchChild) OnMap(map[string]any) error      { return nil }

// BenchmarkChild is what making a namespace of a pattern costs beside its client.
func BenchmarkChild(b *testing.B) {
	srv := New(Options{Logger: zerolog.Nop()})
	srv.RegisterFunc("/job/{id}", func(Params) (NamespaceHandler, error) { return &benchChild{}, nil })
	srv.compiled()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		door, _ := srv.door(fmt.Appendf(nil, "/job/%d", i))
		n := door.enter()
		n.make()
		door.family.mu.Lock()
		door.family.drop(n)
		door.family.mu.Unlock()
	}
}
