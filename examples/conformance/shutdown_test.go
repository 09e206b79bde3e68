package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/examples/internal/testclients"
	"github.com/parlor-go/parlor/framework"
)

// A server that is a process of its own, and gets real signals.

// process is a child that runs.
type process struct {
	t      *testing.T
	addr   string
	cmd    *exec.Cmd
	lines  chan string // what it writes down
	stderr bytes.Buffer
}

func startChild(t *testing.T, mode string) *process {
	t.Helper()
	return startChildBy(t, mode, os.Args[0], "-test.run=^$")
}

// startChildBy starts the child by some command.
func startChildBy(t *testing.T, mode, name string, args ...string) *process {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Windows knows no SIGTERM")
	}
	listener := newListener(t, "127.0.0.1:0")
	addr := listener.Addr().String()
	listener.Close()
	p := &process{t: t, addr: addr, cmd: exec.Command(name, args...), lines: make(chan string, 100_000)}
	p.cmd.Env = append(os.Environ(), childMode+"="+mode, "PARLOR_SHUTDOWN_ADDR="+addr)
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(p.lines)
		defer close(read)
		for in := bufio.NewScanner(stdout); in.Scan(); {
			p.lines <- in.Text()
		}
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-read
	})
	p.awaitListening()
	return p
}

func (p *process) awaitListening() {
	p.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 4000 {
		if conn, err := net.Dial("tcp", p.addr); err == nil {
			conn.Close()
			return
		}
		<-tick.C
	}
	p.t.Fatalf("nobody listens at %s: %s", p.addr, &p.stderr)
}

func (p *process) terminate() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
}

// await waits until the child has written line.
func (p *process) await(line string) {
	p.t.Helper()
	for l := range p.lines {
		if l == line {
			return
		}
	}
	p.t.Fatalf("the child ended before %q: %s", line, &p.stderr)
}

// end waits for the child's end, and returns which events' handlers have returned.
func (p *process) end() (returned []string, state *os.ProcessState) {
	p.t.Helper()
	for l := range p.lines { // to the end before Wait, which closes the pipe
		if id, ok := strings.CutPrefix(l, "returned "); ok {
			returned = append(returned, id)
		}
	}
	_ = p.cmd.Wait() // the state says it
	return returned, p.cmd.ProcessState
}

// connect joins "/" over a WebSocket.
func (p *process) connect() net.Conn {
	p.t.Helper()
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", p.addr)
	p.send(conn, "40")
	return conn
}

// send sends a packet in one frame.
func (p *process) send(conn net.Conn, packet string) {
	p.t.Helper()
	frame := append([]byte{0x81, 0x80 | byte(len(packet)), 0, 0, 0, 0}, packet...) // a mask that masks nothing
	if _, err := conn.Write(frame); err != nil {
		p.t.Fatal(err)
	}
}

// until reads until text has come.
func (p *process) until(conn net.Conn, text string) {
	p.t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	var got []byte
	for b := make([]byte, 4096); !bytes.Contains(got, []byte(text)); {
		n, err := conn.Read(b)
		if got = append(got, b[:n]...); err != nil {
			p.t.Fatalf("%v, after %q, want %q", err, got, text)
		}
	}
}

// stall has a client ask for something by event that never reads.
func (p *process) stall(event string) {
	p.t.Helper()
	p.send(p.connect(), `42["`+event+`"]`)
}

// Promise 15, with real signals, clients and connections: who returned is answered.
func TestSIGTERMUnderLoadLosesNoAck(t *testing.T) {
	tests := []struct{ server, mode string }{
		{"run", "websocket"}, {"run", "polling"}, {"run", "upgrade"}, {"http", "upgrade"}, {"recovery", "websocket"},
	}
	for _, tt := range tests {
		t.Run(tt.server+"/"+tt.mode, func(t *testing.T) {
			p := startChild(t, tt.server)
			p.stall("flood")
			script := testclients.Start(t, "shutdown.mjs", "http://"+p.addr, tt.mode)
			script.Await("loaded")
			p.terminate()
			returned, state := p.end()
			if !state.Success() {
				t.Errorf("the server ended with %v: %s", state, &p.stderr)
			}

			var mu sync.Mutex
			acked := make(map[string]bool)
			next := framework.New(framework.Options{Logger: zerolog.Nop()})
			next.On("work", func(id string) string { return id })
			next.On("slow", func(id string) string { return id })
			next.On("acked", func(ids []string) {
				mu.Lock()
				defer mu.Unlock()
				for _, id := range ids {
					acked[id] = true
				}
			})
			serveServer(t, newListener(t, p.addr), next)
			script.Finish()
			mu.Lock()
			defer mu.Unlock()
			lost := slices.DeleteFunc(slices.Clone(returned), func(id string) bool { return acked[id] })
			if len(lost) > 0 {
				t.Errorf("%d of %d handlers returned and their acks were lost: %q", len(lost), len(returned), lost[:min(10, len(lost))])
			}
		})
	}
}

func TestSIGTERMWithAHandlerThatHangsEndsAtTheDeadline(t *testing.T) {
	p := startChild(t, "short")
	p.stall("stuck")
	p.await("stuck")
	p.terminate()
	_, state := p.end()
	if state.ExitCode() != 1 || !strings.Contains(p.stderr.String(), "framework: shutdown: context deadline exceeded") {
		t.Errorf("got %v, stderr %q, want exit code 1 and the reason", state, &p.stderr)
	}
}

func TestASecondSIGTERMEndsTheProcessAtOnce(t *testing.T) {
	p := startChild(t, "run")
	p.stall("stuck")
	p.await("stuck")
	p.terminate()
	p.await("draining")
	p.terminate()
	_, state := p.end()
	if status, ok := state.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("got %v, want the end by the signal", state)
	}
}

func TestWithoutFilesToSpareConnectedClientsAreServedAndOthersWait(t *testing.T) {
	shell := testclients.Program(t, "sh")
	p := startChildBy(t, "run", shell, "-c", `ulimit -n 40 && exec "$0" "-test.run=^$"`, os.Args[0])
	client := p.connect()
	p.send(client, `420["work","before"]`)
	p.until(client, `430["before"]`)
	var idle []net.Conn
	for range 100 { // the kernel takes them, whether the server does or not
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		idle = append(idle, conn)
	}
	late := p.connect()
	p.send(client, `421["work","meanwhile"]`)
	p.until(client, `431["meanwhile"]`)
	for _, conn := range idle {
		conn.Close()
	}
	p.send(late, `420["work","after"]`)
	p.until(late, `430["after"]`)
	p.terminate()
	if _, state := p.end(); !state.Success() {
		t.Errorf("the server ended with %v: %s", state, &p.stderr)
	}
}
