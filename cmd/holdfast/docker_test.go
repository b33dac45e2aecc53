package main_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast/backend/netio/freeport"
)

// The group of compose.yaml, in an image built here: written to through one
// proxy, its master's container killed, written to through the other.
func TestComposeSurvivesItsMaster(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped by -short: it builds an image from nothing")
	}
	compose := requireDocker(t)
	d := newComposition(t, compose)
	d.buildImage()
	d.run("up", "-d", "--no-build")
	d.awaitServing(d.proxy1)
	d.awaitServing(d.proxy2)
	mustDo(t, d.proxy1, "SET", "abc", "hahahahah")
	d.awaitHealthy()

	d.run("kill", "-s", "SIGKILL", "node1") // which the sentinels were told to begin with
	d.awaitServing(d.proxy2)
	mustDo(t, d.proxy2, "SET", "after", "1")
	awaitValue(t, d.proxy2, "abc", "hahahahah")
	if logs := d.run("logs", "--no-color", "sentinel1", "sentinel2", "sentinel3"); !strings.Contains(logs, "+switch-master mymaster node1 6379") {
		t.Errorf("no sentinel tells of a change of master:\n%s", logs)
	}
	awaitValue(t, d.proxy1, "after", "1")
}

// requireDocker returns the compose command of this machine.
func requireDocker(t *testing.T) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", "info").CombinedOutput()
	if err != nil {
		require(t, "docker", fmt.Errorf("docker info: %w: %s", err, lastLine(out)))
	}
	for _, compose := range [][]string{{"docker", "compose"}, {"docker-compose"}} {
		if exec.CommandContext(ctx, compose[0], append(compose[1:], "version")...).Run() == nil {
			return compose
		}
	}
	require(t, "docker", errors.New("neither docker compose nor docker-compose is installed"))
	return nil
}

func lastLine(b []byte) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1]
}

// composition is a compose project of this test's own.
type composition struct {
	t              *testing.T
	command        []string
	env            []string
	image, builder string
	proxy1, proxy2 string
}

func newComposition(t *testing.T, compose []string) *composition {
	t.Helper()
	id := fmt.Sprintf("holdfast-test-%d", os.Getpid())
	d := &composition{t: t, image: id, builder: id + "-builder"}
	d.command = append(compose, "-p", id, "-f", filepath.Join(repository(t), "compose.yaml"))
	d.proxy1, d.proxy2 = freeport.Addr(t), freeport.Addr(t)
	d.env = append(os.Environ(), "DOCKER_BUILDKIT=0", "COMPOSE_DOCKER_CLI_BUILD=0", "HOLDFAST_IMAGE="+d.image,
		"HOLDFAST_BUILDER="+d.builder, "HOLDFAST_PORT1="+d.proxy1, "HOLDFAST_PORT2="+d.proxy2)
	t.Cleanup(d.remove)
	return d
}

// buildImage builds the image with a builder that is made of this machine's
// toolchain and modules, because pulling one needs a network.
func (d *composition) buildImage() {
	d.t.Helper()
	start := time.Now()
	d.importBuilder()
	d.t.Logf("the builder image took %v", time.Since(start).Round(time.Second))
	start = time.Now()
	d.run("build", "node1")
	d.t.Logf("the image took %v", time.Since(start).Round(time.Second))
}

func (d *composition) importBuilder() {
	d.t.Helper()
	cache := d.warmCache()
	cmd := exec.CommandContext(d.t.Context(), "docker", "import",
		"-c", "ENV PATH=/usr/local/go/bin GOPATH=/go GOCACHE=/tmp/cache HOME=/tmp GOPROXY=off",
		"-c", "LABEL "+d.label(), "-", d.builder)
	in, err := cmd.StdinPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	packed := d.packToolchain(in, cache)
	in.Close()
	if err := cmd.Wait(); err != nil || packed != nil {
		d.t.Fatalf("docker import: %v, %v: %s", packed, err, &said)
	}
}

// label marks the builder and what is built on it, so that remove finds it.
func (d *composition) label() string { return "holdfast.test=" + d.image }

// warmCache compiles the program as the Dockerfile does, into a build cache that
// the builder image gets: only the first run on a machine compiles everything,
// and none does so through the container's file system.
func (d *composition) warmCache() string {
	d.t.Helper()
	base, err := os.UserCacheDir()
	if err != nil {
		base = d.t.TempDir()
	}
	cache := filepath.Join(base, "holdfast-image-build")
	cmd := exec.CommandContext(d.t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", os.DevNull, "./cmd/holdfast")
	cmd.Dir = repository(d.t)
	cmd.Env = append(os.Environ(), "GOCACHE="+cache, "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("compiling the program: %v\n%s", err, out)
	}
	return cache
}

// packToolchain writes what a build of the program needs: the toolchain, the
// modules' sources, the module cache's notes about them, and the build cache.
func (d *composition) packToolchain(w io.Writer, cache string) error {
	out := tar.NewWriter(w)
	if err := out.WriteHeader(&tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777}); err != nil {
		return err
	}
	goroot, modules := goEnv(d.t, "GOROOT"), goEnv(d.t, "GOMODCACHE")
	tools := "pkg/tool/" + goEnv(d.t, "GOOS") + "_" + goEnv(d.t, "GOARCH") + "/"
	for _, part := range []string{"bin/go", tools + "compile", tools + "asm", tools + "link", "pkg/include", "src/go.mod", "src/vendor/modules.txt", "go.env", "VERSION"} {
		if err := pack(out, filepath.Join(goroot, part), filepath.Join("usr/local/go", part)); err != nil {
			return err
		}
	}
	if err := pack(out, cache, "tmp/cache"); err != nil {
		return err
	}
	if err := pack(out, filepath.Join(modules, "cache/download"), "go/pkg/mod/cache/download"); err != nil {
		return err
	}
	packed := make(map[string]bool)
	for _, dir := range d.packages("{{with .Module}}{{if not .Main}}{{.Dir}}{{end}}{{end}}") {
		inside, err := filepath.Rel(modules, dir)
		if err != nil || packed[dir] {
			continue
		}
		packed[dir] = true
		if err := pack(out, dir, filepath.Join("go/pkg/mod", inside)); err != nil {
			return err
		}
	}
	for _, dir := range d.packages("{{if .Standard}}{{.Dir}}{{end}}") {
		files, err := filepath.Glob(filepath.Join(dir, "*.*"))
		for _, file := range files {
			inside, _ := filepath.Rel(goroot, file)
			err = errors.Join(err, packFile(out, file, filepath.Join("usr/local/go", inside)))
		}
		if err != nil {
			return err
		}
	}
	return out.Close()
}

// packages says something of each package that the image's program is made of.
func (d *composition) packages(format string) []string {
	d.t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-f", format, "./cmd/holdfast")
	cmd.Dir, cmd.Env = repository(d.t), append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		d.t.Fatal(err)
	}
	return strings.Fields(string(out))
}

// pack adds a file or a tree under a new name, without the archives that
// modules were unpacked from.
func pack(out *tar.Writer, from, to string) error {
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasSuffix(path, ".zip") {
			return err
		}
		inside, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		return packFile(out, path, filepath.Join(to, inside))
	})
}

// packFile adds a file under a new name, if it is none of a special kind.
func packFile(out *tar.Writer, path, name string) error {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	header, err := tar.FileInfoHeader(info, "")
	if err != nil {
		return err
	}
	header.Name = name
	if err := out.WriteHeader(header); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(out, f)
	return err
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// run runs a compose command to its end.
func (d *composition) run(args ...string) string {
	d.t.Helper()
	out, err := d.try(d.t.Context(), args...)
	if err != nil {
		d.t.Fatalf("%v %v: %v\n%s", d.command, args, err, out)
	}
	return out
}

func (d *composition) try(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 6*time.Minute)
	defer cancel()
	all := append(append([]string{}, d.command...), args...)
	cmd := exec.CommandContext(ctx, all[0], all[1:]...)
	cmd.Env = d.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (d *composition) awaitServing(proxy string) {
	d.t.Helper()
	await(d.t, 90*time.Second, "writes through "+proxy+" succeed", func() error {
		_, err := do(d.t, 20*time.Second, proxy, "SET", "probe", proxy)
		return err
	})
}

// awaitHealthy waits until the image's own checks call every container healthy.
func (d *composition) awaitHealthy() {
	d.t.Helper()
	ids := strings.Fields(d.run("ps", "-q"))
	if len(ids) != 8 {
		d.t.Errorf("%d containers run; compose.yaml has 8", len(ids))
	}
	for _, id := range ids {
		await(d.t, 60*time.Second, "container "+id+" is healthy", func() error {
			out, err := exec.Command("docker", "inspect", "-f", "{{.Name}} {{.State.Health.Status}}", id).CombinedOutput()
			if err == nil && !strings.HasSuffix(strings.TrimSpace(string(out)), " healthy") {
				err = errors.New(strings.TrimSpace(string(out)))
			}
			return err
		})
	}
}

// remove leaves nothing: no container, volume, network or image.
func (d *composition) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if d.t.Failed() {
		logs, _ := d.try(ctx, "logs", "--no-color", "--tail", "40")
		d.t.Logf("the containers said:\n%s", logs)
	}
	if out, err := d.try(ctx, "down", "-v", "--remove-orphans", "-t", "2"); err != nil {
		d.t.Errorf("compose down: %v\n%s", err, out)
	}
	exec.CommandContext(ctx, "docker", "rmi", "-f", d.image).Run() // not built if the test failed early
	exec.CommandContext(ctx, "docker", "image", "prune", "-f", "--filter", "label="+d.label()).Run()
	exec.CommandContext(ctx, "docker", "rmi", "-f", d.builder).Run()
}
