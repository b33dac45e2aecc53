package conf

import _ "embed" // the samples are part of the program: `holdfast … --help` and the tests print and check them

//go:embed node.toml
var nodeSample string

//go:embed sentinel.toml
var sentinelSample string

//go:embed proxy.toml
var proxySample string

// Sample is the annotated sample file of one part, in TOML: every directive that means something there, commented out with
// its default.
func Sample(part Part) string {
	switch part {
	case Node:
		return nodeSample
	case Sentinel:
		return sentinelSample
	}
	return proxySample
}
