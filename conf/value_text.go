package conf

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

func parseString(_ *Directive, text string, _ any) (any, error) { return text, nil }

func formatString(v any) string { return v.(string) }

// choose finds word among the directive's words, whatever its case, and returns it as the table spells it.
func (d *Directive) choose(word string) (string, error) {
	i := slices.IndexFunc(d.Enum, func(w string) bool { return strings.EqualFold(w, word) })
	if i < 0 {
		return "", fmt.Errorf("argument(s) must be one of the following: %s", strings.Join(d.Enum, ", "))
	}
	return d.Enum[i], nil
}

func parseEnum(d *Directive, text string, _ any) (any, error) { return d.choose(text) }

// The classes of keyspace events in the order Redis prints them; A stands for the first ten.
const (
	eventOrder = "g$lshzxetdnKEm"
	eventAll   = "g$lshzxetd"
)

var errEvents = redisText("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")

// parseEvents keeps each class once and in Redis's order, so that CONFIG GET answers as Redis does.
func parseEvents(_ *Directive, text string, _ any) (any, error) {
	set := strings.ReplaceAll(text, "A", eventAll)
	if strings.Trim(set, eventOrder) != "" {
		return nil, errEvents
	}
	var out strings.Builder
	for _, class := range eventOrder {
		if strings.ContainsRune(set, class) {
			out.WriteRune(class)
		}
	}
	// n is no part of A, and Redis drops it where A is printed; it is kept here, or it could not be read back.
	return strings.Replace(out.String(), eventAll, "A", 1), nil
}

var errAddr = errors.New("argument must be host:port, an IPv6 host in brackets")

func parseAddr(d *Directive, text string, _ any) (any, error) {
	if text == "" {
		return "", nil
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return nil, errAddr
	}
	n, err := strconv.ParseUint(port, 10, 16)
	toDial := d.Min > 0
	if err != nil || toDial && (n == 0 || host == "") || strings.ContainsAny(host, " \t") {
		return nil, errAddr
	}
	return net.JoinHostPort(host, port), nil
}

var errMasterPort = redisText("Invalid master port")

func parseHostPort(d *Directive, text string, _ any) (any, error) {
	words := strings.Fields(text)
	if len(words) == 0 || len(words) == 2 && strings.EqualFold(words[0], "no") && strings.EqualFold(words[1], "one") {
		return "", nil
	}
	if len(words) == 1 {
		addr, err := parseAddr(&Directive{Min: 1}, words[0], nil)
		if err != nil {
			return nil, errArgs
		}
		return addr, nil
	}
	if len(words) != 2 {
		return nil, errArgs
	}
	if _, err := strconv.ParseUint(words[1], 10, 16); err != nil { // 0 is a master that never answers, as in Redis
		return nil, errMasterPort
	}
	return net.JoinHostPort(strings.Trim(words[0], "[]"), words[1]), nil
}

func formatHostPort(v any) string {
	if host, port, err := net.SplitHostPort(v.(string)); err == nil {
		return host + " " + port
	}
	return ""
}
