package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const home = "github.com/parlor-go/parlor/examples/loadtest"

// contender is a server of the comparison.
type contender struct {
	name string
	tls  bool
	// prepare makes what is missing and returns the command to start it with.
	prepare func(ctx context.Context, b *builder) ([]string, error)
	// args says where to listen, and how often to ping (0: its own default).
	args    func(addr string, ping time.Duration, secure bool) []string
	command []string
}

func chooseContenders(names string) ([]*contender, error) {
	known := []*contender{
		{name: "gws", tls: true, prepare: goServer("gws"), args: goArgs},
		{name: "parlor", tls: true, prepare: goServer("parlor"), args: goArgs},
		{name: "node", prepare: nodeServer, args: scriptArgs},
		{name: "flask", prepare: flaskServer, args: scriptArgs},
	}
	var chosen []*contender
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(known, func(c *contender) bool { return c.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no server is called %q: want some of gws,parlor,node,flask", name)
		}
		chosen = append(chosen, known[i])
	}
	return chosen, nil
}

func goArgs(addr string, ping time.Duration, secure bool) []string {
	args := []string{"-addr", addr}
	if ping > 0 {
		args = append(args, "-ping", ping.String())
	}
	if secure {
		args = append(args, "-tls")
	}
	return args
}

func scriptArgs(addr string, ping time.Duration, _ bool) []string {
	args := []string{addr}
	if ping > 0 {
		args = append(args, strconv.FormatFloat(ping.Seconds(), 'f', -1, 64))
	}
	return args
}

// builder makes servers ready, and says so.
type builder struct {
	source string // the folder of this program
	bin    string // for what is built
	venv   string
	log    io.Writer
}

func newBuilder(ctx context.Context, bin, venv string, log io.Writer) (*builder, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", home).Output()
	if err != nil {
		return nil, fmt.Errorf("find the servers' sources: %w (run compare inside a clone of the repository)", err)
	}
	if venv == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("%w: say where flask is to be installed with -venv", err)
		}
		venv = filepath.Join(cache, "parlor-loadtest", "venv")
	}
	return &builder{source: strings.TrimSpace(string(out)), bin: bin, venv: venv, log: log}, nil
}

// run runs a command in a folder, and shows its output only if it fails.
func (b *builder) run(ctx context.Context, dir, why string, command ...string) error {
	fmt.Fprintf(b.log, "%s: %s\n", why, strings.Join(command, " "))
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", why, err, out)
	}
	return nil
}

func goServer(name string) func(context.Context, *builder) ([]string, error) {
	return func(ctx context.Context, b *builder) ([]string, error) {
		binary := filepath.Join(b.bin, name)
		err := b.run(ctx, b.source, "build "+name, "go", "build", "-o", binary, home+"/servers/"+name)
		return []string{binary}, err
	}
}

func nodeServer(ctx context.Context, b *builder) ([]string, error) {
	dir := filepath.Join(b.source, "servers", "node")
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		if err := b.run(ctx, dir, "install socket.io into "+dir, "npm", "ci", "--no-audit", "--no-fund"); err != nil {
			return nil, err
		}
	}
	return []string{"node", filepath.Join(dir, "server.mjs")}, nil
}

func flaskServer(ctx context.Context, b *builder) ([]string, error) {
	dir := filepath.Join(b.source, "servers", "flask")
	requirements := filepath.Join(dir, "requirements.txt")
	want, err := os.ReadFile(requirements)
	if err != nil {
		return nil, err
	}
	python := filepath.Join(b.venv, "bin", "python")
	installed := filepath.Join(b.venv, "requirements.txt") // a copy of what was installed
	if have, err := os.ReadFile(installed); err != nil || !bytes.Equal(have, want) {
		if err := b.run(ctx, dir, "make a virtual environment", "python3", "-m", "venv", b.venv); err != nil {
			return nil, err
		}
		if err := b.run(ctx, dir, "install Flask-SocketIO into "+b.venv, python, "-m", "pip", "install", "-q", "-r", requirements); err != nil {
			return nil, err
		}
		if err := os.WriteFile(installed, want, 0o644); err != nil {
			return nil, err
		}
	}
	return []string{python, filepath.Join(dir, "server.py")}, nil
}

// running is a server's process.
type running struct {
	cmd    *exec.Cmd
	addr   string
	stderr bytes.Buffer
	exited chan struct{}
}

// startup bounds how long a server may take until it listens.
const startup = 20 * time.Second

// start starts a fresh process and returns when it listens.
func (c *contender) start(ctx context.Context, pin []string, ping time.Duration, secure bool) (*running, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	command := slices.Concat(pin, c.command, c.args(addr, ping, secure))
	s := &running{cmd: exec.Command(command[0], command[1:]...), addr: addr, exited: make(chan struct{})}
	s.cmd.Stderr = &s.stderr
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	go func() {
		_ = s.cmd.Wait() // it is killed: its status says nothing
		close(s.exited)
	}()
	if err := s.listens(ctx); err != nil {
		s.stop()
		return nil, fmt.Errorf("start %s: %w\n%s", c.name, err, s.stderr.Bytes())
	}
	return s, nil
}

func (s *running) listens(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startup)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := net.Dial("tcp", s.addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-again.C:
		case <-s.exited:
			return fmt.Errorf("it ended at once")
		case <-ctx.Done():
			return fmt.Errorf("it does not listen on %s: %w", s.addr, ctx.Err())
		}
	}
}

func (s *running) stop() {
	_ = s.cmd.Process.Kill() // fails only if it has ended
	<-s.exited
}

// freeAddr is a loopback address that was free a moment ago.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
