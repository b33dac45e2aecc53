package backend

import (
	"strings"

	"holdfast/backend/command"
	"holdfast/conf"
)

// redacted is word i of a request as MONITOR and SLOWLOG show it.
func redacted(c *command.Command, args [][]byte, i int) []byte {
	if secret(c, args, i) {
		return []byte("(redacted)")
	}
	return args[i]
}

// secret tells whether word i of a request is a password or names a user.
func secret(c *command.Command, args [][]byte, i int) bool {
	if i == 0 {
		return false
	}
	switch c.Full {
	case "auth":
		return true
	case "hello":
		return behind(args, i, 2, "auth", 1)
	case "migrate":
		return i > 5 && (behind(args, i, 1, "auth", 6) || behind(args, i, 2, "auth2", 6))
	case "config|set":
		d := conf.Lookup(conf.Node, string(args[i-1]))
		return i > 2 && i%2 == 1 && d != nil && d.Has(conf.Secret)
	case "acl|setuser", "acl|getuser", "acl|deluser":
		return i > 1
	}
	return false
}

// behind tells whether word i is one of the n words behind the option, which
// stands at from or later and not among the names of KEYS.
func behind(args [][]byte, i, n int, option string, from int) bool {
	for at := from; at < i; at++ {
		word := string(args[at])
		if strings.EqualFold(word, "keys") {
			return false
		}
		if strings.EqualFold(word, option) {
			return i <= at+n
		}
	}
	return false
}
