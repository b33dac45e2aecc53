package child

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary plays the parts: with childRole set it is a parent that
// starts a sleeper, prints its id and waits to be killed, or a process that
// burns processor time.
const childRole = "HOLDFAST_CHILD_TEST"

func TestMain(m *testing.M) {
	switch os.Getenv(childRole) {
	case "parent":
		p, err := Start(exec.Command("sleep", "600"))
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(p.PID)
		<-p.Done()
	case "burner":
		for i := 0; ; i++ {
		}
	default:
		os.Exit(m.Run())
	}
}

func play(role string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childRole+"="+role)
	return cmd
}

func TestChildrenDieWithAKilledParent(t *testing.T) {
	parent := play("parent")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the parent said %q", line)
	}
	if !alive(pid) {
		t.Fatal("the grandchild does not run")
	}
	parent.Process.Kill()
	io.Copy(io.Discard, out)
	parent.Wait()
	for deadline := time.Now().Add(time.Minute); alive(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			syscall.Kill(pid, syscall.SIGKILL)
			t.Fatal("the grandchild outlived its killed parent")
		}
	}
}

// alive tells whether pid runs; a zombie, which its next parent has to collect,
// does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

func TestStopKillsWhatDoesNotListen(t *testing.T) {
	p, err := Start(exec.Command("sh", "-c", "trap '' TERM; echo; while :; do sleep 0.01; done"))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	p.Stop(context.Background(), 50*time.Millisecond)
	if p.Running() {
		t.Error("it still runs")
	}
	if time.Since(start) > time.Minute {
		t.Error("the patience was not kept")
	}
	if p.Err() == nil {
		t.Error("a killed process ended well")
	}
}

func TestCPUCountsWhatAProcessUses(t *testing.T) {
	p, err := Start(play("burner"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop(context.Background(), 0)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		used, err := CPU(p.PID)
		if err != nil {
			t.Fatal(err)
		}
		if used > 50*time.Millisecond {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("a process that does nothing but burn used %v", used)
		}
	}
}
