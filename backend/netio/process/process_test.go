package process

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

func TestGone(t *testing.T) {
	if name := Name(); name == "" || Gone(name) {
		t.Errorf("this process, %q, is gone", name)
	}
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("%s/%d", place(), cmd.Process.Pid)
	if Gone(name) {
		t.Error("a process that runs is gone")
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if !Gone(name) {
		t.Error("a process that has ended is not gone")
	}
	for _, other := range []string{"", "x", "/1", strings.Replace(name, "pid:[", "pid:[1", 1), "another-boot" + name, name + "x", place() + "/0", place() + "/-1"} {
		if Gone(other) {
			t.Errorf("%q is known to be gone", other)
		}
	}
}
