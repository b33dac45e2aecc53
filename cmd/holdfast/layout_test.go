package main_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The wire and what stands around it, for every part that speaks it.
var wire = []string{"backend/resp", "backend/command", "backend/acl", "backend/netio/...", "backend/client"}

// directions says what of this module a package may import, its tests included.
// The first row whose package matches decides; "x/..." is x and all below it.
var directions = []struct {
	pkg string
	may []string
}{
	// The leaves know nothing of the rest, so that anything may stand on them.
	{"backend/resp", nil},
	{"backend/command", nil},
	{"backend/internal/types", nil},
	{"election/topology", nil},
	{"election/internal/health", nil},
	{"conf/...", []string{"conf/..."}},
	// The store knows no socket and no wire code.
	{"backend/internal/store", []string{"backend/internal/types"}},
	{"backend/client", []string{"backend/resp"}},
	{"backend/acl", []string{"backend/resp", "backend/command"}},
	{"backend/netio/freeport", nil},
	{"backend/netio/process", nil},
	{"backend/netio", []string{"backend/resp", "backend/netio/freeport", "conf"}},
	// The three faces never import each other: they talk RESP, so that each
	// works with the real thing too.
	{"backend/...", []string{"backend/...", "conf"}},
	{"election/...", slices.Concat(wire, []string{"election/...", "conf"})},
	{"proxy/...", slices.Concat(wire, []string{"proxy/...", "conf", "election/topology"})},
	// The load generator must fit a plain Redis.
	{"cmd/internal/load", []string{"backend/resp", "backend/client"}},
	{"cmd/...", []string{"cmd/...", "conf/...", "backend", "backend/...", "election", "election/topology", "proxy"}},
}

// owners are libraries that one package alone may import.
var owners = map[string]string{
	"github.com/hashicorp/raft": "election/internal/consensus",
}

// topLevel is all there is beside the ignored and the version control's own.
var topLevel = []string{
	".ci", ".dockerignore", ".gitignore", "Dockerfile", "LICENSE", "README.md", "backend", "cmd", "compose.yaml", "conf", "election",
	"go.mod", "go.sum", "proxy",
}

const module = "holdfast/"

func TestImportsPointInOneDirection(t *testing.T) {
	for _, p := range listPackages(t) {
		pkg := strings.TrimPrefix(p.ImportPath, module)
		may, known := allowedFor(pkg)
		if !known {
			t.Errorf("%s stands in no row of the direction table; add it where it belongs", pkg)
		}
		for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if ours, ok := strings.CutPrefix(imported, module); ok && ours != pkg && !matchesAny(may, ours) {
				t.Errorf("%s imports %s; it may import %v", pkg, ours, may)
			}
			for library, owner := range owners {
				if matches(library+"/...", imported) && !matches(owner+"/...", pkg) {
					t.Errorf("%s imports %s; only %s may", pkg, imported, owner)
				}
			}
		}
	}
}

func TestTopLevelHoldsNothingElse(t *testing.T) {
	root := repository(t)
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := os.ReadFile(filepath.Join(root, ".gitignore"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if name == ".git" || slices.Contains(topLevel, name) || ignores(string(ignored), name) {
			continue
		}
		t.Errorf("%s is a top-level entry that the layout does not have", name)
	}
}

func ignores(gitignore, name string) bool {
	for _, pattern := range strings.Fields(gitignore) {
		if ok, _ := filepath.Match(strings.Trim(pattern, "/"), name); ok {
			return true
		}
	}
	return false
}

type listedPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = repository(t)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listedPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if len(packages) < 5 {
		t.Fatalf("go list found only %d packages: the test would hold nothing", len(packages))
	}
	return packages
}

// repository is the directory of go.mod.
func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal(err)
	}
	return root
}

func allowedFor(pkg string) (may []string, known bool) {
	for _, row := range directions {
		if matches(row.pkg, pkg) {
			return row.may, true
		}
	}
	return nil, false
}

func matchesAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, pkg) })
}

func matches(pattern, pkg string) bool {
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == base || strings.HasPrefix(pkg, base+"/")
	}
	return pkg == pattern
}
