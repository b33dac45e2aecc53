package backend

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"holdfast/backend/acl"
	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
	"holdfast/conf"
)

// readUsers makes the users that the configuration tells: the default one with the
// password of requirepass, those of user lines, or those of the ACL file.
func (n *Node) readUsers(cfg *conf.NodeConfig) error {
	n.users = acl.NewUsers()
	n.users.Warn = func(text string) { n.log.Warn(text) }
	n.users.OpenChannels(cfg.ACLPubSub == "allchannels")
	n.users.SetPassword(cfg.RequirePass)
	var lines [][]string
	for _, line := range cfg.Users {
		words, ok := conf.SplitArgs(line)
		if !ok || len(words) == 0 {
			return fmt.Errorf("user %q: unbalanced quotes", line)
		}
		lines = append(lines, words)
	}
	if err := n.users.Declare(lines); err != nil {
		return err
	}
	for _, u := range n.users.All() {
		if !u.Enabled() {
			n.log.Info(fmt.Sprintf("The user '%s' is disabled (there is no 'on' modifier in the user description). Make sure this is not a configuration error.", u.Name()))
		}
	}
	if cfg.ACLFile == "" {
		return nil
	}
	if _, err := n.loadUsers(cfg); err != nil {
		return fmt.Errorf("Aborting Redis startup because of ACL errors: %w", err)
	}
	return nil
}

// aclPath is where the ACL file is: in dir, unless it says otherwise.
func aclPath(cfg *conf.NodeConfig) string {
	if filepath.IsAbs(cfg.ACLFile) {
		return cfg.ACLFile
	}
	return filepath.Join(cfg.Dir, cfg.ACLFile)
}

// loadUsers reads the ACL file and returns the users that are gone.
func (n *Node) loadUsers(cfg *conf.NodeConfig) ([]*acl.User, error) {
	text, err := os.ReadFile(aclPath(cfg))
	if err != nil {
		return nil, fmt.Errorf("Error loading ACLs, opening file '%s': %w", cfg.ACLFile, err)
	}
	return n.users.Load(cfg.ACLFile, string(text))
}

// noteUsers carries the users into the settings, from where they are rewritten
// into the configuration's file, unless they have a file of their own or nothing
// was ever said about them.
func (n *Node) noteUsers() error {
	cfg, lines := n.cfg(), ""
	if cfg.ACLFile == "" && (n.users.Changed() || len(cfg.Users) > 0) {
		for _, u := range n.users.All() {
			lines += conf.JoinArgs(append([]string{u.Name()}, strings.Fields(u.Rules())...)) + "\n"
		}
	}
	return n.settings.Put(conf.Pair{Name: "user", Value: lines})
}

// login makes the session that of a user whose password is given, or replies that
// it is wrong and changes nothing.
func (s *session) login(x *commands.Ctx, name, password []byte) bool {
	n := s.node
	user := n.users.Login(name, password)
	if user == nil {
		n.noteFailedLogin(s, x.Args[0], name)
		x.Err(wrongPass)
		return false
	}
	s.user, s.authed, s.parser.Unauthenticated = user, true, false
	return true
}

// logOut makes the session what it is when a client connects.
func (s *session) logOut() {
	users := s.node.users
	s.user, s.authed = users.Default(), users.Open()
	s.parser.Unauthenticated = !s.authed
}

// permits tells whether the session's user may make a request, and refuses it
// otherwise. What proxies say on a native link is not their clients' business: the
// link's right to it was asked for when it began.
func (n *Node) permits(s *session, x *commands.Ctx, h *handler, args [][]byte) bool {
	if s.native && h.cmd.Cats&command.CatHoldfast != 0 {
		return true
	}
	d := s.user.Check(h.cmd, args)
	if d.OK() {
		return true
	}
	where := acl.TopLevel
	if s.multi != nil {
		where = acl.InMulti
	}
	n.noteDenial(s, h.cmd, args, d, where)
	n.fail(s, x, noPerm(s, h, d))
	return false
}

func noPerm(s *session, h *handler, d acl.Denial) string { return "NOPERM " + d.Text(s.user, h.cmd) }

// forbidsQueued says why a request that was queued may not run any more; empty when
// it may.
func (n *Node) forbidsQueued(s *session, q queued) string {
	d := s.user.Check(q.h.cmd, q.args)
	if d.OK() {
		return ""
	}
	n.noteDenial(s, q.h.cmd, q.args, d, acl.InMulti)
	why := "no permission to execute the command or subcommand"
	switch d.Reason {
	case acl.DeniedKey:
		why = "no permission to touch the specified keys"
	case acl.DeniedChannel:
		why = "no permission to access one of the channels used as arguments"
	}
	return "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. " +
		"This command is no longer allowed for the following reason: " + why
}

// rulesChanged has the sessions of a user feel that its rules are others: who
// listens to what it may not any more is closed. A default user that needs no
// password any more lifts the limits of those who did not log in.
func (n *Node) rulesChanged(user *acl.User) {
	for _, c := range n.clients {
		c.parser.Unauthenticated = !c.authed && !n.users.Open()
	}
	n.killClients(nil, func(c *session) bool { return c.user == user && c.overhears() })
}

// overhears tells whether the session listens to what its user may not.
func (s *session) overhears() bool {
	if s.subs == nil {
		return false
	}
	for of, names := range s.subs.to {
		for name := range names {
			if !s.user.MayHear(name, of == patterns) {
				return true
			}
		}
	}
	return false
}
