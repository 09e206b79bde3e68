package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// serverEnv has the options of a process that is to be the server: this program is
// started once more, so that the server's goroutines and heap are its own.
const serverEnv = "PARLOR_SOAK_SERVER"

// beServer reports whether this process is the server; it has ended when it returns.
func beServer() (bool, error) {
	config := os.Getenv(serverEnv)
	if config == "" {
		return false, nil
	}
	return true, serve(config, os.Stdin, os.Stdout)
}

// process is the server, as the generator sees it.
type process struct {
	cmd    *exec.Cmd
	addr   string
	stdin  io.Closer // the server ends with it
	exited chan struct{}
	err    error // read after exited
}

func startServer(o serverOptions, log io.Writer) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(program), exited: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), serverEnv+"="+string(config))
	p.cmd.Stderr = log
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	if err != nil {
		_ = p.stop()
		return nil, fmt.Errorf("the server did not tell its address: %w", err)
	}
	p.addr = strings.TrimSpace(line)
	return p, nil
}

// stop has the server shut down. Its error says how it ended.
func (p *process) stop() error {
	_ = p.stdin.Close()
	select {
	case <-p.exited:
		return p.err
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.exited
		return fmt.Errorf("the server did not end in 10s")
	}
}

// statsClient keeps nothing open between two looks: a connection is a goroutine.
var statsClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func (p *process) stats(ctx context.Context, collect bool) (stats, error) {
	url := "http://" + p.addr + "/stats"
	if collect {
		url += "?gc"
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return stats{}, err
	}
	res, err := statsClient.Do(req)
	if err != nil {
		return stats{}, err
	}
	defer res.Body.Close()
	var s stats
	return s, json.NewDecoder(res.Body).Decode(&s)
}
