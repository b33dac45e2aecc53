package backend

import (
	"slices"
	"strings"

	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/types"
)

var trackingRows = []row{
	{"client|tracking", clientTracking},
	{"client|caching", clientCaching},
	{"client|trackinginfo", clientTrackingInfo},
	{"client|getredir", func(s *session, x *commands.Ctx) { x.Int(s.redirection()) }},
}

func clientTracking(s *session, x *commands.Ctx) {
	next, prefixes, problem := s.trackingOptions(x.Args[3:])
	on := equalFold(string(x.Args[2]), "on")
	switch {
	case problem != "":
	case !on && !equalFold(string(x.Args[2]), "off"):
		problem = errSyntax
	case on:
		problem = s.trackingConflict(next, prefixes)
	}
	if problem != "" {
		x.Err(problem)
		return
	}
	if on {
		s.track(next, prefixes)
	} else {
		s.untrack()
	}
	x.OK()
}

func (s *session) trackingOptions(words [][]byte) (next *tracker, prefixes []string, problem string) {
	next = new(tracker)
	for ; len(words) > 0; words = words[1:] {
		switch option := strings.ToLower(string(words[0])); {
		case option == "redirect" && len(words) > 1:
			words = words[1:]
			if problem = s.setRedirection(next, words[0]); problem != "" {
				return nil, nil, problem
			}
		case option == "prefix" && len(words) > 1:
			words = words[1:]
			prefixes = append(prefixes, string(words[0]))
		case option == "bcast":
			next.bcast = true
		case option == "optin":
			next.optIn = true
		case option == "optout":
			next.optOut = true
		case option == "noloop":
			next.noLoop = true
		default:
			return nil, nil, errSyntax
		}
	}
	return next, prefixes, ""
}

// setRedirection takes the id of a client, which must be there now.
func (s *session) setRedirection(t *tracker, word []byte) (problem string) {
	if t.redirect != 0 {
		return "ERR A client can only redirect to a single other client"
	}
	id, ok := types.ParseInt(word)
	switch {
	case !ok:
		return errNotInt
	case s.node.clients[id] == nil:
		return "ERR The client ID you want redirect to does not exist"
	}
	t.redirect = id
	return ""
}

// trackingConflict says why the options do not go together, or not with how the
// client tracks already (networking.c, clientCommand).
func (s *session) trackingConflict(next *tracker, prefixes []string) (problem string) {
	var now tracker
	if s.tracker != nil {
		now = *s.tracker
	}
	const again = " before disabling tracking for this client, and then re-enabling it with a different mode."
	switch {
	case !next.bcast && len(prefixes) > 0:
		return "ERR PREFIX option requires BCAST mode to be enabled"
	case s.tracker != nil && now.bcast != next.bcast:
		return "ERR You can't switch BCAST mode on/off" + again
	case next.bcast && (next.optIn || next.optOut):
		return "ERR OPTIN and OPTOUT are not compatible with BCAST"
	case next.optIn && next.optOut:
		return "ERR You can't specify both OPTIN mode and OPTOUT mode"
	case next.optIn && now.optOut || next.optOut && now.optIn:
		return "ERR You can't switch OPTIN/OPTOUT mode" + again
	}
	return overlap(prefixes, sortedKeys(now.prefixes))
}

// overlap says which of the new prefixes is the beginning of another, or has
// one: the client would be told twice.
func overlap(prefixes, present []string) (problem string) {
	const only = "'. Prefixes for a single client must not overlap."
	for i, p := range prefixes {
		for _, other := range present {
			if overlapping(p, other) {
				return "ERR Prefix '" + p + "' overlaps with an existing prefix '" + other + only
			}
		}
		for _, other := range prefixes[i+1:] {
			if overlapping(p, other) {
				return "ERR Prefix '" + p + "' overlaps with another provided prefix '" + other + only
			}
		}
	}
	return ""
}

func overlapping(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

func sortedKeys(set map[string]struct{}) []string {
	out := make([]string, 0, len(set))
	for key := range set {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}

func clientCaching(s *session, x *commands.Ctx) {
	t := s.tracker
	switch option := strings.ToLower(string(x.Args[2])); {
	case t == nil:
		x.Err("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled")
	case option != "yes" && option != "no":
		x.Err(errSyntax)
	case option == "yes" && !t.optIn:
		x.Err("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
	case option == "no" && !t.optOut:
		x.Err("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
	default:
		t.caching = true
		x.OK()
	}
}

func clientTrackingInfo(s *session, x *commands.Ctx) {
	flags, prefixes := s.tracker.flags(), []string(nil)
	if s.tracker != nil {
		prefixes = sortedKeys(s.tracker.prefixes)
	}
	x.Map(3)
	x.BulkString("flags")
	x.Set(len(flags))
	for _, f := range flags {
		x.BulkString(f)
	}
	x.BulkString("redirect")
	x.Int(s.redirection())
	x.BulkString("prefixes")
	x.Array(len(prefixes))
	for _, p := range prefixes {
		x.BulkString(p)
	}
}

// flags names how a client tracks.
func (t *tracker) flags() (out []string) {
	if t == nil {
		return []string{"off"}
	}
	out = []string{"on"}
	for _, f := range []struct {
		name string
		on   bool
	}{{"bcast", t.bcast}, {"optin", t.optIn}, {"caching-yes", t.optIn && t.caching}, {"optout", t.optOut},
		{"caching-no", t.optOut && t.caching}, {"noloop", t.noLoop}, {"broken_redirect", t.broken}} {
		if f.on {
			out = append(out, f.name)
		}
	}
	return out
}
