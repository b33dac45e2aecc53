package conf

import (
	"slices"
	"strings"
)

// What Redis asks of single directives besides what their types do, and what it makes of values that it takes: the Check
// of their rows. The texts are Redis's.

const (
	errSaveAndNot = redisText("shutdown options SAVE and NOSAVE can't be used simultaneously")
	errManyBinds  = redisText("Too many bind addresses specified.")
	errDefrag     = redisText("Active defragmentation cannot be enabled: it requires a Redis server compiled with a modified Jemalloc like the one shipped by default with the Redis source distribution")
	errTitle      = redisText("template format is invalid or contains unknown variables")
	errLocale     = redisText("Invalid locale name")
	errHostChars  = redisText("Hostnames may only contain alphanumeric characters, hyphens or dots")
	errHostLength = redisText("Hostnames must be less than 256 characters")
	errNodeName   = redisText("Announced human node name contained invalid character")
)

// baseName accepts what names something in dir itself. what is how Redis calls it.
func baseName(directive, what string, mayBeEmpty bool) func(any) (any, error) {
	return func(v any) (any, error) {
		switch name := v.(string); {
		case name == "" && !mayBeEmpty:
			return nil, redisText(directive + " can't be empty")
		case strings.ContainsAny(name, `/\`):
			return nil, redisText(directive + " can't be a path, just a " + what)
		}
		return v, nil
	}
}

// clampHz brings a frequency into the range that takes effect.
func clampHz(v any) (any, error) { return min(max(v.(int), 1), 500), nil }

// leastBacklog raises the size of a backlog to what is of use.
func leastBacklog(v any) (any, error) { return max(v.(int64), 16<<10), nil }

func saveOrNot(v any) (any, error) {
	words := v.([]string)
	if slices.Contains(words, "save") && slices.Contains(words, "nosave") {
		return nil, errSaveAndNot
	}
	return v, nil
}

func fewBinds(v any) (any, error) {
	if len(v.([]string)) > 16 {
		return nil, errManyBinds
	}
	return v, nil
}

// noDefrag refuses what a server without jemalloc cannot do.
func noDefrag(v any) (any, error) {
	if v.(bool) {
		return nil, errDefrag
	}
	return v, nil
}

// plainLocale accepts the locales that are there without any of the system's.
func plainLocale(v any) (any, error) {
	if !slices.Contains([]string{"", "C", "POSIX"}, v.(string)) {
		return nil, errLocale
	}
	return v, nil
}

var titleVariables = []string{"title", "listen-addr", "server-mode", "port", "tls-port", "unixsocket", "config-file"}

// mayBeEmpty are the variables that say nothing of some servers.
var mayBeEmpty = []string{"title", "server-mode", "unixsocket"}

// titleTemplate accepts text with {variables}, and {{ for a brace, that comes to more than blanks whatever they say.
func titleTemplate(v any) (any, error) {
	var fixed strings.Builder
	for rest := v.(string); ; {
		text, behind, found := strings.Cut(rest, "{")
		fixed.WriteString(text)
		if !found {
			break
		}
		if strings.HasPrefix(behind, "{") {
			fixed.WriteByte('{')
			rest = behind[1:]
			continue
		}
		name, after, closed := strings.Cut(behind, "}")
		if !closed || !slices.Contains(titleVariables, name) {
			return nil, errTitle
		}
		if !slices.Contains(mayBeEmpty, name) {
			fixed.WriteByte('x')
		}
		rest = after
	}
	if strings.Trim(fixed.String(), " ") == "" {
		return nil, errTitle
	}
	return v, nil
}

func isAlphanumeric(c rune) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
}

func hostName(v any) (any, error) {
	name := v.(string)
	if len(name) >= 256 {
		return nil, errHostLength
	}
	if strings.ContainsFunc(name, func(c rune) bool { return !isAlphanumeric(c) && c != '-' && c != '.' }) {
		return nil, errHostChars
	}
	return v, nil
}

func nodeName(v any) (any, error) {
	if strings.ContainsAny(v.(string), "!#$%&()*+:;<>?@[]^{|}~") {
		return nil, errNodeName
	}
	return v, nil
}
