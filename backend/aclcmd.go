package backend

import (
	"fmt"
	"os"
	"strconv"

	"holdfast/backend/acl"
	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
	"holdfast/conf"
)

var aclRows = []row{
	{"acl|cat", aclCat},
	{"acl|deluser", aclDelUser},
	{"acl|dryrun", aclDryRun},
	{"acl|genpass", aclGenPass},
	{"acl|getuser", aclGetUser},
	{"acl|list", aclList(func(u *acl.User) string { return "user " + u.Name() + " " + u.Rules() })},
	{"acl|load", aclLoad},
	{"acl|log", aclLog},
	{"acl|save", aclSave},
	{"acl|setuser", aclSetUser},
	{"acl|users", aclList((*acl.User).Name)},
	{"acl|whoami", aclWhoAmI},
	{"acl|help", help("ACL",
		"CAT [<category>]", "List all categories, or the commands of one.",
		"DELUSER <username> [<username> ...]", "Delete users and close their connections.",
		"DRYRUN <username> <command> [<arg> ...]", "Tell whether the user may run the command, without running it.",
		"GENPASS [<bits>]", "Generate a random password of 256 bits, or as many as are given.",
		"GETUSER <username>", "Show what a user may do.",
		"LIST", "Show the users as lines of a configuration file.",
		"LOAD", "Read the users from the ACL file.",
		"LOG [<count> | RESET]", "Show what was refused, or forget it.",
		"SAVE", "Write the users to the ACL file.",
		"SETUSER <username> <rule> [<rule> ...]", "Create or change a user.",
		"USERS", "List the names of the users.",
		"WHOAMI", "Tell who this connection is logged in as.")},
}

func aclCat(_ *session, x *commands.Ctx) {
	if len(x.Args) == 2 {
		list(x, command.CategoryNames())
		return
	}
	category := command.Category(string(x.Args[2]))
	switch {
	case len(x.Args) > 3:
		x.Err(errUnknownSub("ACL", clip(x.Args[1])))
		return
	case category == 0:
		x.Err("ERR Unknown category '" + clip(x.Args[2]) + "'")
		return
	}
	var names []string
	for _, c := range command.All {
		for _, c := range append([]*command.Command{c}, c.Subs...) {
			if c.Cats&category != 0 {
				names = append(names, c.Full)
			}
		}
	}
	list(x, names)
}

// list replies an array of bulk strings.
func list(x *commands.Ctx, words []string) {
	x.Array(len(words))
	for _, w := range words {
		x.BulkString(w)
	}
}

func aclSetUser(s *session, x *commands.Ctx) {
	user, err := s.node.users.Set(string(x.Args[2]), texts(x.Args[3:]))
	if err != nil {
		x.Err("ERR " + err.Error())
		return
	}
	s.node.rulesChanged(user)
	x.OK()
}

func aclDelUser(s *session, x *commands.Ctx) {
	names := texts(x.Args[2:])
	for _, name := range names {
		if name == acl.DefaultName {
			x.Err("ERR The 'default' user cannot be removed")
			return
		}
	}
	deleted := 0
	for _, name := range names {
		if user := s.node.users.Delete(name); user != nil {
			s.node.killUser(s, user)
			deleted++
		}
	}
	x.Int(int64(deleted))
}

// killUser closes all that is logged in as a user who is no more.
func (n *Node) killUser(caller *session, user *acl.User) {
	n.feeds.DropUser(user.Name())
	n.killClients(caller, func(c *session) bool { return c.user == user })
}

func aclGetUser(s *session, x *commands.Ctx) {
	user := s.node.users.Find(string(x.Args[2]))
	if user == nil {
		x.Null()
		return
	}
	grants := user.Grants()
	x.Map(6)
	x.BulkString("flags")
	flags := user.Flags()
	x.Set(len(flags))
	for _, f := range flags {
		x.BulkString(f)
	}
	x.BulkString("passwords")
	list(x, user.Passwords())
	describeGrant(x, grants[0])
	x.BulkString("selectors")
	x.Array(len(grants) - 1)
	for _, g := range grants[1:] {
		x.Map(3)
		describeGrant(x, g)
	}
}

func describeGrant(x *commands.Ctx, g acl.Grant) {
	for _, field := range [...][2]string{{"commands", g.Commands}, {"keys", g.Keys}, {"channels", g.Channels}} {
		x.BulkString(field[0])
		x.BulkString(field[1])
	}
}

func aclList(text func(*acl.User) string) func(*session, *commands.Ctx) {
	return func(s *session, x *commands.Ctx) {
		var lines []string
		for _, u := range s.node.users.All() {
			lines = append(lines, text(u))
		}
		list(x, lines)
	}
}

func aclWhoAmI(s *session, x *commands.Ctx) { x.BulkString(s.user.Name()) }

func aclGenPass(_ *session, x *commands.Ctx) {
	bits := acl.GenPassDefault
	if len(x.Args) > 3 {
		x.Err(errUnknownSub("ACL", clip(x.Args[1])))
		return
	}
	if len(x.Args) == 3 {
		v, err := strconv.Atoi(string(x.Args[2]))
		if err != nil {
			x.Err(errNotInt)
			return
		}
		bits = v
	}
	if bits <= 0 || bits > acl.GenPassBits {
		x.Err(fmt.Sprintf("ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to %d", acl.GenPassBits))
		return
	}
	x.BulkString(acl.GenPass(bits))
}

func aclDryRun(s *session, x *commands.Ctx) {
	user, args := s.node.users.Find(string(x.Args[2])), x.Args[3:]
	if user == nil {
		x.Err("ERR User '" + string(x.Args[2]) + "' not found")
		return
	}
	h := s.node.lookup(args)
	switch {
	case h == nil:
		x.Err("ERR Command '" + string(args[0]) + "' not found")
		return
	case !h.cmd.ArityOK(len(args)):
		x.Err(wrongArity(h.cmd))
		return
	}
	if d := user.Check(h.cmd, args); !d.OK() {
		x.BulkString(d.FullText(user, h.cmd, args))
		return
	}
	x.OK()
}

const noACLFile = "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command " +
	"and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration."

// aclLoad closes the connections of all users but the default one, also where they
// are told again: they are other users now.
func aclLoad(s *session, x *commands.Ctx) {
	n := s.node
	if n.cfg().ACLFile == "" {
		x.Err(noACLFile)
		return
	}
	before, err := n.loadUsers(n.cfg())
	if err != nil {
		x.Err("ERR " + err.Error())
		return
	}
	for _, user := range before {
		n.killUser(s, user)
	}
	n.rulesChanged(n.users.Default())
	x.OK()
}

func aclSave(s *session, x *commands.Ctx) {
	n := s.node
	if n.cfg().ACLFile == "" {
		x.Err(noACLFile)
		return
	}
	file, mode := aclPath(n.cfg()), os.FileMode(0o600)
	if info, err := os.Stat(file); err == nil {
		mode = info.Mode().Perm()
	}
	if err := conf.WriteAtomic(file, []byte(n.users.File()), mode); err != nil {
		n.log.Warn("Writing ACL file for ACL SAVE: " + err.Error())
		x.Err("ERR There was an error trying to save the ACLs. Please check the server logs for more information")
		return
	}
	x.OK()
}
