package main_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast/backend/netio/freeport"
	"holdfast/cmd/internal/load"
	"holdfast/cmd/internal/up"
)

// smallDisk puts a disk of its own under a part's folder, which is full when full
// is called and has room again after relieve.
type smallDisk struct {
	t   *testing.T
	dir string
}

func newSmallDisk(t *testing.T, dir string) *smallDisk {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=64m", "holdfast-test", dir).CombinedOutput(); err != nil {
		require(t, "mount", fmt.Errorf("%w: %s", err, out))
	}
	t.Cleanup(func() { exec.Command("umount", "-l", dir).Run() })
	return &smallDisk{t, dir}
}

func (d *smallDisk) ballast() string { return filepath.Join(d.dir, "ballast") }

func (d *smallDisk) full() {
	d.t.Helper()
	f, err := os.Create(d.ballast())
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; { // until not one byte fits any more
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}

func (d *smallDisk) relieve() { os.Remove(d.ballast()) }

// diskCluster is a group of which some parts have disks of their own.
func diskCluster(t *testing.T, flags string, parts ...string) (*cluster, []*smallDisk) {
	t.Helper()
	dir := t.TempDir()
	var disks []*smallDisk
	for _, p := range parts {
		disks = append(disks, newSmallDisk(t, filepath.Join(dir, p)))
	}
	return startClusterIn(t, dir, clusterPorts(t), flags), disks
}

// The sentinels do without one of them whose disk is full, the leading one or not;
// when it has room again it takes part again.
func TestASentinelsDiskIsFull(t *testing.T) {
	t.Parallel()
	c, disks := diskCluster(t, fast, "s1", "s2", "s3")
	for _, leading := range []bool{true, false} {
		s := newScene(c, load.VerifiedOptions{})
		at := 0
		for i, p := range s.state().Sentinels {
			if (p == s.leader()) == leading {
				at = i
			}
		}
		disks[at].full()
		e := s.epoch()
		s.kill(s.master())
		s.awaitEpochPast(e)
		s.awaitWrites(50)
		disks[at].relieve()
		s.switchOver()
		s.onlyErrors(s.verify(), nil)
	}
}

// A replica whose disk is full can promise nothing: where that keeps a failover
// waiting, the group says so, and goes on when there is room.
func TestAReplicasDiskIsFull(t *testing.T) {
	t.Parallel()
	c, disks := diskCluster(t, "--down-after-milliseconds 1000 --restart-after 0 --hold-timeout 60s", "n1", "n2", "n3")
	s := newScene(c, load.VerifiedOptions{})
	s.awaitHolders(2)
	e, replica := s.epoch(), s.replicas()[0]
	for i, p := range s.state().Nodes {
		if p == replica {
			disks[i].full()
		}
	}
	s.kill(s.master())
	await(t, 20*time.Second, "the group says what it waits for", func() error {
		topo, err := s.topologyNow()
		if err == nil && (!strings.Contains(topo.Reason, replica.Addr) || !strings.Contains(topo.Reason, "no space left on device")) {
			err = fmt.Errorf("it says %q", topo.Reason)
		}
		return err
	})
	for _, d := range disks {
		d.relieve()
	}
	s.awaitEpochPast(e)
	s.awaitWrites(50)
	res := s.load.Stop()
	audit, err := s.load.Audit(t.Context())
	if err != nil || !audit.Clean() {
		t.Errorf("%v, %v", audit, err)
	}
	s.onlyErrors(res, nil)
}

// A proxy that is started before everything else serves as soon as there is what it
// needs; who connects meanwhile waits.
func TestAProxyIsStartedFirst(t *testing.T) {
	t.Parallel()
	ports := clusterPorts(t)
	opts, err := up.Parse(strings.Fields("--dir " + t.TempDir() + " " + ports))
	if err != nil {
		t.Fatal(err)
	}
	port := freeport.Port(t)
	var sentinels []string
	for i := range 3 {
		sentinels = append(sentinels, local(opts.SentinelPort+i))
	}
	cmd := exec.Command(program, "proxy", "--port", fmt.Sprint(port), "--admin", "", "--hold-timeout", "60s", "--group", up.Group, "--sentinels", strings.Join(sentinels, " "))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	await(t, 10*time.Second, "the proxy listens", func() error {
		_, err := do(t, time.Second, local(port), "PING")
		return err
	})
	answered := make(chan error, 1)
	go func() {
		_, err := do(t, 60*time.Second, local(port), "SET", "early", "1")
		answered <- err
	}()
	select {
	case err := <-answered:
		t.Fatalf("a write that nobody can take was answered: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	c := startClusterIn(t, opts.Dir, ports, fast)
	select {
	case err = <-answered:
	case <-time.After(time.Minute):
		err = errors.New("no answer")
	}
	if err != nil {
		t.Errorf("the early write: %v", err)
	}
	awaitValue(t, c.proxy(), "early", "1")
}
