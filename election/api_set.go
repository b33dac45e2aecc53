//lint:file-ignore ST1005 the errors have the texts of Redis Sentinel, which its clients know

package election

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"holdfast/conf"
	"holdfast/election/internal/consensus"
	"holdfast/election/internal/group"
)

// set is SENTINEL SET name option value [option value …]. The leader commits the
// options as one entry, so they hold at every sentinel, over restarts, and stand
// above the files. Unlike Redis, which keeps what stands before a bad option, it
// does all or nothing.
func set(c *conn, args [][]byte) {
	g := c.group(args[0])
	if g == nil {
		return
	}
	options, err := optionsOf(args[1:])
	var next group.Settings
	if err == nil {
		next, err = g.Settings.With(options)
	}
	if least := 3 * c.server.s.cfg.Raft.Timeout; err == nil && next.Lease != g.Settings.Lease && next.Lease < least {
		err = fmt.Errorf("lease-milliseconds must be at least 3 x raft.timeout, %d", least.Milliseconds())
	}
	if err != nil {
		c.fail("ERR " + err.Error())
		return
	}
	at := len(c.out)
	c.throughLeader(append([]string{"SET"}, wordsOf(args)...)...)
	if string(c.out[at:]) != "+OK\r\n" {
		return
	}
	c.await(func(s *group.State) bool {
		g := s.Groups[string(args[0])]
		if g == nil {
			return true
		}
		after, err := g.Settings.With(options)
		return err != nil || reflect.DeepEqual(after, g.Settings)
	})
	for _, o := range options {
		if d := conf.Lookup(conf.Sentinel, monitorKey(o.Name)); d != nil && d.Inert != "" {
			c.server.s.log.Warn(fmt.Sprintf("SENTINEL SET %s has no effect: %s", o.Name, d.Inert))
		}
	}
}

// monitorKey is the name that an option of a group has among the directives.
func monitorKey(option string) string { return "monitor." + strings.ToLower(option) }

// optionsOf pairs names and values, and refuses options that sentinels cannot do.
func optionsOf(args [][]byte) (options []group.Option, err error) {
	for i := 0; i < len(args); i += 2 {
		name := string(args[i])
		why := ""
		if d := conf.Lookup(conf.Sentinel, monitorKey(name)); d != nil {
			why = d.Inert
		}
		switch strings.ToLower(name) {
		case "notification-script", "client-reconfig-script":
			err = fmt.Errorf("Reconfiguration of scripts path is denied: %s", why)
		case "rename-command":
			err = fmt.Errorf("SENTINEL SET '%s' is denied: %s", name, why)
		}
		if i+1 == len(args) {
			err = group.UnknownOption(name)
		}
		if err != nil {
			return nil, err
		}
		options = append(options, group.Option{Name: name, Value: string(args[i+1])})
	}
	return options, nil
}

func wordsOf(args [][]byte) []string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = string(a)
	}
	return words
}

// leadCommit commits a command on a group where this sentinel leads, and answers.
func (c *conn) leadCommit(name string, command group.Command) {
	outcome := make(chan error, 1)
	led := c.inLoop(func(l *loop) {
		if !l.leads() {
			outcome <- consensus.ErrNotLeader
			return
		}
		l.commit(name, command, time.Now(), func(err error) { outcome <- err })
	})
	if !led {
		c.fail(notLeader)
		return
	}
	c.settle(c.outcome(outcome))
}

// await waits, not for long, until this sentinel has applied what the leader
// committed, so that a client sees here what it has just done through here.
func (c *conn) await(applied func(*group.State) bool) {
	for deadline := time.Now().Add(changeWait); !applied(c.server.s.machine.state.Load()) && time.Now().Before(deadline); {
		time.Sleep(tick / 50)
	}
}
