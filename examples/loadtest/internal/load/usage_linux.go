package load

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// clockTick is the unit of the times in /proc: USER_HZ, 100 a second on every
// Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// readUsage tells what a process of this machine has used since its start.
func readUsage(pid int) (usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, err
	}
	// The name, in parentheses, may hold anything; the state follows it.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const user, system, resident = 11, 12, 21 // from the state on: proc_pid_stat(5)
	if len(fields) <= resident {
		return usage{}, fmt.Errorf("/proc/%d/stat is not as expected: %s", pid, stat)
	}
	var n [3]int64
	for i, field := range []int{user, system, resident} {
		if n[i], err = strconv.ParseInt(string(fields[field]), 10, 64); err != nil {
			return usage{}, err
		}
	}
	return usage{
		user:   time.Duration(n[0]) * clockTick,
		system: time.Duration(n[1]) * clockTick,
		rss:    n[2] * int64(os.Getpagesize()),
	}, nil
}

// ownCPU is the processor time that this process has used.
func ownCPU() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
