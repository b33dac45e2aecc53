package election

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"holdfast/backend/resp"
	"holdfast/election/internal/consensus"
	"holdfast/election/internal/failover"
	"holdfast/election/internal/group"
)

var errNoSuchMaster = errors.New("ERR No such master with that name")

// subcommands of SENTINEL, in the order of the help. min and max count the
// arguments behind the subcommand.
var subcommands = []struct {
	name     string
	min, max int
	run      func(c *conn, args [][]byte)
	help     []string
}{
	{"CKQUORUM", 1, 1, ckquorum, []string{"CKQUORUM <master-name>", "    Tell whether enough sentinels are reachable for a failover."}},
	{"CONFIG", 2, -1, configCommand, []string{"CONFIG GET <param> [<param> ...]", "    Return settings of this sentinel.",
		"CONFIG SET <param> <value> [<param> <value> ...]", "    Change them, in its file too: all of them or, on an error, none."}},
	{"DEBUG", 0, -1, debug, []string{"DEBUG", "    Show the times that sentinels go by."}},
	{"GET-MASTER-ADDR-BY-NAME", 1, 1, getMasterAddr, []string{"GET-MASTER-ADDR-BY-NAME <master-name>", "    Return the host and port of the master."}},
	{"FAILOVER", 1, 2, failoverCommand, []string{"FAILOVER <master-name> [FORCE]",
		"    Switch over to a replica without loss; when the master is down, fail over at once.",
		"    FORCE ends a wait for missing nodes: what only they hold is lost."}},
	{"FLUSHCONFIG", 0, 0, func(c *conn, _ [][]byte) { c.ok() }, []string{"FLUSHCONFIG", "    Nothing to do: the state is on disk before it takes effect."}},
	{"INFO-CACHE", 1, -1, infoCache, []string{"INFO-CACHE <master-name>", "    Return the last INFO of the master and its replicas."}},
	{"IS-MASTER-DOWN-BY-ADDR", 4, 4, isMasterDown, []string{"IS-MASTER-DOWN-BY-ADDR <ip> <port> <current-epoch> <runid>",
		"    Tell whether the master at that address is down for this sentinel."}},
	{"MASTER", 1, 1, master, []string{"MASTER <master-name>", "    Show the state of a master."}},
	{"MASTERS", 0, 0, masters, []string{"MASTERS", "    Show the state of every monitored master."}},
	{"MYID", 0, 0, func(c *conn, _ [][]byte) { c.out = resp.AppendBulkString(c.out, c.server.s.runID) },
		[]string{"MYID", "    Return the id of this sentinel."}},
	{"PENDING-SCRIPTS", 0, 0, func(c *conn, _ [][]byte) { c.out = resp.AppendArray(c.out, 0) },
		[]string{"PENDING-SCRIPTS", "    None: no scripts are run."}},
	{"REPLICAS", 1, 1, replicas, []string{"REPLICAS <master-name>", "    Show the state of a master's replicas."}},
	{"SLAVES", 1, 1, replicas, nil},
	{"RESET", 1, 1, func(c *conn, args [][]byte) { c.throughLeader("RESET", string(args[0])) },
		[]string{"RESET <pattern>", "    Forget the nodes that are down, of masters whose names match."}},
	{"SENTINELS", 1, 1, sentinels, []string{"SENTINELS <master-name>", "    Show the other sentinels."}},
	{"SET", 3, -1, set, []string{"SET <master-name> <option> <value> [<option> <value> ...]",
		"    Change settings of a master, at all sentinels: all of them or, on an error, none."}},
	{"SIMULATE-FAILURE", 1, -1, simulateFailure, []string{"SIMULATE-FAILURE [CRASH-AFTER-ELECTION] [CRASH-AFTER-PROMOTION] [HELP]",
		"    Have this sentinel crash in the next failover that it leads."}},
}

func sentinel(c *conn, args [][]byte) {
	name := strings.ToUpper(string(args[0]))
	if name == "HELP" {
		c.help(args[1:])
		return
	}
	for _, s := range subcommands {
		switch n := len(args) - 1; {
		case s.name != name:
			continue
		case n < s.min || s.max >= 0 && n > s.max:
			c.fail("ERR wrong number of arguments for 'sentinel|" + strings.ToLower(name) + "' command")
		default:
			s.run(c, args[1:])
		}
		return
	}
	c.fail(fmt.Sprintf("ERR unknown subcommand '%.128s'. Try SENTINEL HELP.", args[0]))
}

func (c *conn) help(args [][]byte) {
	if len(args) > 0 {
		c.fail("ERR wrong number of arguments for 'sentinel|help' command")
		return
	}
	lines := []string{"SENTINEL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"}
	for _, s := range subcommands {
		lines = append(lines, s.help...)
	}
	c.out = resp.AppendArray(c.out, len(lines))
	for _, l := range lines {
		c.out = resp.AppendSimple(c.out, l)
	}
}

// group returns the named group, or answers that there is none.
func (c *conn) group(name []byte) *group.Group {
	g := c.server.s.machine.state.Load().Groups[string(name)]
	if g == nil {
		c.fail(errNoSuchMaster.Error())
	}
	return g
}

func getMasterAddr(c *conn, args [][]byte) {
	g := c.server.s.machine.state.Load().Groups[string(args[0])]
	if g == nil {
		c.out = resp.AppendNullArray(c.out, c.proto)
		return
	}
	host, port := splitHostPort(clientMaster(g))
	c.out = resp.AppendArray(c.out, 2)
	c.out = resp.AppendBulkString(c.out, host)
	c.out = resp.AppendBulkString(c.out, port)
}

func splitHostPort(addr string) (host, port string) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr, "0"
	}
	return host, port
}

func joinHostPort(host, port string) string { return net.JoinHostPort(host, port) }

func isMasterDown(c *conn, args [][]byte) {
	if _, err := strconv.Atoi(string(args[1])); err != nil {
		c.fail("ERR value is not an integer or out of range")
		return
	}
	if _, err := strconv.ParseInt(string(args[2]), 10, 64); err != nil {
		c.fail("ERR value is not an integer or out of range")
		return
	}
	addr, down := joinHostPort(string(args[0]), string(args[1])), false
	state := c.server.s.machine.state.Load()
	c.inLoop(func(l *loop) {
		for name, g := range state.Groups {
			if m := l.groups[name]; !l.tilt && m != nil && g.Master.Addr == addr && m.nodes[addr] != nil {
				down = m.nodes[addr].down
			}
		}
	})
	c.out = resp.AppendArray(c.out, 3)
	c.out = resp.AppendInt(c.out, int64(bit(down)))
	c.out = resp.AppendBulkString(c.out, "*") // raft elects; there is no vote to give
	c.out = resp.AppendInt(c.out, 0)
}

// ckquorum counts the sentinels as Redis does: this one and those not SDOWN.
func ckquorum(c *conn, args [][]byte) {
	g := c.group(args[0])
	if g == nil {
		return
	}
	usable, voters := 1, len(c.server.s.cfg.Raft.Members)
	c.inLoop(func(l *loop) {
		for _, p := range l.peers {
			if !p.down {
				usable++
			}
		}
	})
	noQuorum, noMajority := usable < g.Settings.Quorum, usable < voters/2+1
	if !noQuorum && !noMajority {
		c.out = resp.AppendSimple(c.out, fmt.Sprintf("OK %d usable Sentinels. Quorum and failover authorization can be reached", usable))
		return
	}
	text := fmt.Sprintf("NOQUORUM %d usable Sentinels. ", usable)
	if noQuorum {
		text += "Not enough available Sentinels to reach the specified quorum for this master"
	}
	if noQuorum && noMajority {
		text += ". "
	}
	if noMajority {
		text += "Not enough available Sentinels to reach the majority and authorize a failover"
	}
	c.fail(text)
}

func failoverCommand(c *conn, args [][]byte) {
	mode := "PLANNED"
	if len(args) == 2 {
		if mode = strings.ToUpper(string(args[1])); mode != "FORCE" {
			c.fail("ERR syntax error")
			return
		}
	}
	if c.group(args[0]) != nil {
		c.throughLeader("FAILOVER", string(args[0]), mode)
	}
}

// leadFailover begins what SENTINEL FAILOVER asks for. A change of the holders
// under way is waited for: it takes a moment, and nobody outside knows of it.
func (c *conn) leadFailover(name string, force bool) {
	for deadline := time.Now().Add(changeWait); ; {
		outcome := make(chan error, 1)
		if !c.inLoop(func(l *loop) { l.failover(name, force, func(err error) { outcome <- err }) }) {
			c.fail(notLeader)
			return
		}
		err := c.outcome(outcome)
		if !errors.Is(err, failover.ErrChanging) || time.Now().After(deadline) {
			c.settle(err)
			return
		}
		time.Sleep(tick / 10)
	}
}

// changeWait bounds the wait for a change of the holders.
const changeWait = time.Second

// outcome waits for what became of a request in the loop.
func (c *conn) outcome(of <-chan error) error {
	select {
	case err := <-of:
		return err
	case <-time.After(leadWait):
		return errors.New("ERR the sentinels did not commit it in time")
	case <-c.server.s.loop.ended:
		return consensus.ErrNotLeader
	}
}

// settle answers OK or the error of a request to the leader.
func (c *conn) settle(err error) {
	switch {
	case err == nil:
		c.ok()
	case errors.Is(err, consensus.ErrNotLeader):
		c.fail(notLeader)
	default:
		c.fail(coded(err.Error()))
	}
}

// coded puts ERR before a text that does not begin with a code of an error.
func coded(text string) string {
	code, _, _ := strings.Cut(text, " ")
	if code == "" || code != strings.ToUpper(code) {
		return "ERR " + text
	}
	return text
}

func (c *conn) leadReset(pattern string) {
	outcome := make(chan error, 1)
	n := 0
	led := c.inLoop(func(l *loop) { n = l.reset(pattern, func(err error) { outcome <- err }) })
	if !led || n < 0 {
		c.fail(notLeader)
		return
	}
	if err := c.outcome(outcome); err != nil {
		c.settle(err)
		return
	}
	c.out = resp.AppendInt(c.out, int64(n))
}

// reset forgets what may be forgotten of the groups whose names match, and
// returns how many match; -1 when this sentinel does not lead.
func (l *loop) reset(pattern string, done func(error)) int {
	if !l.leads() {
		return -1
	}
	state, matched := l.machine.state.Load(), []*group.Group{}
	for _, name := range state.Names() {
		if matches(pattern, name) {
			matched = append(matched, state.Groups[name])
		}
	}
	left, failed := len(matched), error(nil)
	if left == 0 {
		done(nil)
	}
	for _, g := range matched {
		l.commit(g.Name, &group.Forget{Addrs: g.Addrs()}, time.Now(), func(err error) {
			failed = errors.Join(failed, err)
			if left--; left == 0 {
				done(failed)
			}
		})
	}
	return len(matched)
}
