package conf

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	errArgs         = errors.New("wrong number of arguments")
	errQuotes       = errors.New("unbalanced quotes")
	errSave         = redisText("Invalid save parameters")
	errPercentiles  = redisText("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")
	errNoPercentile = redisText("Invalid latency-tracking-info-percentiles parameters")
	errMember       = errors.New("argument must be id=host:port for every member")
)

func parseList(_ *Directive, text string, _ any) (any, error) {
	words, ok := SplitArgs(text)
	if !ok {
		return nil, errQuotes
	}
	if len(words) == 1 && words[0] == "" {
		words = nil
	}
	return words, nil
}

// atBlanks splits where there is one blank, as CONFIG SET splits values that are several words. A file's are split as its
// lines are, and come here with one blank between them.
func atBlanks(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, " ")
}

func formatList(v any) string { return JoinArgs(v.([]string)) }

// eachWord parses text as a list whose words all pass check, which may respell them.
func eachWord(text string, check func(string) (string, error)) (any, error) {
	list, err := parseList(nil, text, nil)
	if err != nil {
		return nil, err
	}
	words := list.([]string)
	for i, word := range words {
		if words[i], err = check(word); err != nil {
			return nil, err
		}
	}
	return words, nil
}

// parseWords keeps each word once and in the table's order, so that CONFIG GET answers as Redis does.
func parseWords(d *Directive, text string, _ any) (any, error) {
	words := atBlanks(text)
	if len(words) == 0 && d.Default != "" {
		words = []string{""}
	}
	for i := range words {
		var err error
		if words[i], err = d.choose(words[i]); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(words, func(a, b string) int { return slices.Index(d.Enum, a) - slices.Index(d.Enum, b) })
	if words = slices.Compact(words); len(words) > 1 {
		words = slices.DeleteFunc(words, func(word string) bool { return word == d.Default })
	}
	return words, nil
}

func parseAddrs(d *Directive, text string, _ any) (any, error) {
	return eachWord(text, func(word string) (string, error) {
		addr, err := parseAddr(d, word, nil)
		if err != nil {
			return "", fmt.Errorf("%w, got %q", err, word)
		}
		return addr.(string), nil
	})
}

func parseLines(_ *Directive, text string, _ any) (any, error) {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

func formatLines(v any) string { return strings.Join(v.([]string), "\n") }

func parsePercentiles(_ *Directive, text string, _ any) (any, error) {
	var out []float64
	for _, word := range atBlanks(text) {
		f, err := strconv.ParseFloat(word, 64)
		if err != nil || math.IsNaN(f) {
			return nil, errNoPercentile
		}
		if f < 0 || f > 100 {
			return nil, errPercentiles
		}
		out = append(out, f)
	}
	return out, nil
}

func formatPercentiles(v any) string {
	var words []string
	for _, f := range v.([]float64) {
		words = append(words, strconv.FormatFloat(f, 'f', -1, 64))
	}
	return strings.Join(words, " ")
}

func parseSave(_ *Directive, text string, _ any) (any, error) {
	words := atBlanks(text)
	if len(words)%2 != 0 {
		return nil, errSave
	}
	var points []SavePoint
	for i := 0; i < len(words); i += 2 {
		seconds, err1 := strconv.ParseInt(words[i], 10, 32)
		changes, err2 := strconv.ParseInt(words[i+1], 10, 32)
		if err1 != nil || err2 != nil || seconds < 1 || changes < 0 {
			return nil, errSave
		}
		points = append(points, SavePoint{time.Duration(seconds) * time.Second, int(changes)})
	}
	return points, nil
}

func formatSave(v any) string {
	var words []string
	for _, p := range v.([]SavePoint) {
		words = append(words, fmt.Sprintf("%d %d", p.Every/time.Second, p.Changes))
	}
	return strings.Join(words, " ")
}

func parseRenames(_ *Directive, text string, _ any) (any, error) {
	words, ok := SplitArgs(text)
	if !ok {
		return nil, errQuotes
	}
	if len(words)%2 != 0 {
		return nil, errArgs
	}
	var renames []Rename
	seen := map[string]bool{}
	for i := 0; i < len(words); i += 2 {
		from := strings.ToLower(words[i])
		if from == "" || seen[from] {
			return nil, fmt.Errorf("command %q is renamed twice, or has no name", words[i])
		}
		seen[from] = true
		renames = append(renames, Rename{words[i], words[i+1]})
	}
	return renames, nil
}

func formatRenames(v any) string {
	var words []string
	for _, r := range v.([]Rename) {
		words = append(words, r.From, r.To)
	}
	return JoinArgs(words)
}

func parseMembers(d *Directive, text string, _ any) (any, error) {
	var members []Member
	for _, word := range strings.Fields(text) {
		id, addr, ok := strings.Cut(word, "=")
		parsed, err := parseAddr(d, addr, nil)
		if !ok || id == "" || addr == "" || err != nil {
			return nil, fmt.Errorf("%w, got %q", errMember, word)
		}
		members = append(members, Member{id, parsed.(string)})
	}
	return members, nil
}

func formatMembers(v any) string {
	var words []string
	for _, m := range v.([]Member) {
		words = append(words, m.ID+"="+m.Addr)
	}
	return strings.Join(words, " ")
}

const errScores = redisText("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")

func parseScores(_ *Directive, text string, _ any) (any, error) {
	words := atBlanks(text)
	if len(words) != 3 {
		return nil, errArgs
	}
	scores := make([]int, len(words))
	for i, word := range words {
		n, err := strconv.Atoi(word)
		if err != nil || n < -2000 || n > 2000 {
			return nil, errScores
		}
		scores[i] = n
	}
	return scores, nil
}

func formatScores(v any) string { return strings.Trim(fmt.Sprint(v.([]int)), "[]") }

// parseLimits changes the classes that text names and keeps the others as base has them, as Redis does.
func parseLimits(_ *Directive, text string, base any) (any, error) {
	limits, _ := base.(OutputLimits)
	words := atBlanks(text)
	if len(words)%4 != 0 {
		return nil, redisText("Wrong number of arguments in buffer limit configuration.")
	}
	for ; len(words) > 0; words = words[4:] {
		class := limits.class(words[0])
		if class == nil {
			return nil, redisText("Invalid client class specified in buffer limit configuration.")
		}
		hard, okHard := readSize(words[1])
		soft, okSoft := readSize(words[2])
		seconds, err := strconv.ParseUint(words[3], 10, 31)
		if !okHard || !okSoft || hard < 0 || soft < 0 || err != nil {
			return nil, redisText("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
		}
		*class = OutputLimit{hard, soft, time.Duration(min(seconds, math.MaxInt32)) * time.Second}
	}
	return limits, nil
}

func (l *OutputLimits) class(name string) *OutputLimit {
	switch strings.ToLower(name) {
	case "normal":
		return &l.Normal
	case "replica", "slave":
		return &l.Replica
	case "pubsub":
		return &l.PubSub
	}
	return nil
}

func formatLimits(v any) string {
	l := v.(OutputLimits)
	class := func(name string, o OutputLimit) string {
		return fmt.Sprintf("%s %d %d %d", name, o.Hard, o.Soft, o.SoftFor/time.Second)
	}
	return class("normal", l.Normal) + " " + class("slave", l.Replica) + " " + class("pubsub", l.PubSub)
}
