package main

import (
	"fmt"
	"runtime/debug"
	"strconv"

	"holdfast/backend"
)

// redisVersionLine is what redis-server -v prints, for scripts that read it.
func redisVersionLine() string {
	return fmt.Sprintf("Redis server v=%s sha=00000000:0 malloc=holdfast bits=%d build=%s holdfast=%s",
		backend.RedisVersion, strconv.IntSize, version(), backend.Version)
}

// version is the module's version where the binary was installed by version,
// else the revision it was built from, else "devel".
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + s.Value[:12]
		}
	}
	return "devel"
}
