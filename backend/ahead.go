package backend

import (
	"holdfast/backend/internal/repl"
	"holdfast/backend/resp"
)

// Of a pipeline, and of what a master has sent, the commands that come next are
// known. Looking a key up in a large keyspace is mostly waiting for memory: done
// for many keys together, the waits overlap. Nearly every command names its key
// first; where one does not, nothing is lost.
const (
	expectAhead = 64 // commands that are looked at together
	expectRest  = 15 // batches of a client that nobody looks at behind one where it was of no use
)

// expectRequests lets the store know the keys of the requests in a client's
// pipeline, or where all name the same one, what they name of its collection. It
// returns how many bytes of the pipeline it has seen to.
func (n *Node) expectRequests(s *session, in []byte) int {
	if s.unforeseen > 0 {
		s.unforeseen--
		return len(in)
	}
	var ahead [expectAhead][]byte
	keys, looked := resp.Ahead(in, 1, ahead[:0])
	db, useful := n.store.DB(s.db), false
	if len(keys) == 1 {
		members, _ := resp.Ahead(in[:looked], 2, ahead[1:1])
		useful = db.ExpectingMembers(keys[0], members)
	} else {
		useful = db.Expecting(keys)
	}
	if !useful {
		s.unforeseen = expectRest
	}
	return looked
}

// expectCommands lets the store know the keys of a master's next commands.
func (n *Node) expectCommands(commands []repl.Command) {
	var ahead [expectAhead][]byte
	keys := ahead[:0]
	for _, c := range commands[:min(len(commands), expectAhead)] {
		if c.DB == commands[0].DB && len(c.Args) > 1 {
			keys = append(keys, c.Args[1])
		}
	}
	n.store.DB(commands[0].DB).Expecting(keys)
}
