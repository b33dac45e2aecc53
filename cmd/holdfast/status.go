package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"holdfast/cmd/internal/up"
	"holdfast/cmd/internal/view"
	"holdfast/election/topology"
)

func statusCommand() *cobra.Command {
	var dir, group, password string
	var sentinels []string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show who is who in a running group",
		Long: `Status asks every part of the group that "holdfast up" runs in a directory, or the
nodes that the named sentinels know, and prints what each says of itself: roles,
epochs, offsets, and what the group waits for when it has no master. It exits 0
when the group has a master that serves.`,
		Example: `  holdfast status
  holdfast status --sentinel 10.0.0.1:26379,10.0.0.2:26379,10.0.0.3:26379`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := view.WithPassword(cmd.Context(), password)
			if len(sentinels) > 0 {
				return statusOf(ctx, group, &up.State{Sentinels: processes(sentinels)}, os.Stdout)
			}
			state, err := up.ReadState(dir)
			if err != nil {
				return err
			}
			return statusOf(ctx, up.Group, state, os.Stdout)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", up.Defaults().Dir, "directory of the running group")
	cmd.Flags().StringSliceVar(&sentinels, "sentinel", nil, "ask these sentinels (host:port) instead")
	passwordFlag(cmd.Flags(), &password)
	cmd.Flags().StringVar(&group, "group", up.Group, "the group to ask them about")
	return cmd
}

// passwordFlag is -a, as redis-cli has it, for commands that ask all parts.
func passwordFlag(f *pflag.FlagSet, password *string) {
	f.StringVarP(password, "password", "a", os.Getenv("REDISCLI_AUTH"), "password of the parts; or the variable REDISCLI_AUTH")
	f.Lookup("password").DefValue = "" // the help must not show it
}

// statusOf prints the parts in state; the nodes are those of the topology where
// the state names none.
func statusOf(ctx context.Context, group string, state *up.State, w io.Writer) error {
	topo, err := view.AskTopology(ctx, addrs(state.Sentinels), group)
	if len(state.Nodes) == 0 && err == nil {
		state.Nodes = processes(members(topo))
	}
	printGroup(w, group, topo, err)
	printNodes(ctx, w, state.Nodes, topo)
	printSentinels(ctx, w, state.Sentinels)
	if len(state.Proxies) > 0 {
		printProxies(ctx, w, state.Proxies)
	}
	if err != nil || topo.Phase != topology.Stable {
		return exitStatus(1)
	}
	return nil
}

// members are the addresses of all nodes of a group, the master's first.
func members(t *topology.Topology) []string {
	var all []string
	if t.Master.Addr != "" {
		all = append(all, t.Master.Addr)
	}
	for _, r := range t.Replicas {
		all = append(all, r.Addr)
	}
	return all
}

// processes are parts of which the address alone is known.
func processes(addrs []string) []up.Process {
	var all []up.Process
	for _, addr := range addrs {
		all = append(all, up.Process{Addr: addr})
	}
	return all
}

func addrs(parts []up.Process) []string {
	var all []string
	for _, p := range parts {
		all = append(all, p.Addr)
	}
	return all
}

func printGroup(w io.Writer, group string, t *topology.Topology, err error) {
	if err != nil {
		fmt.Fprintf(w, "group %s: %v\n", group, err)
		return
	}
	master := "no master"
	if t.Master.Addr != "" {
		master = "master " + t.Master.Addr
	}
	degraded := ""
	if t.Degraded {
		degraded = " (degraded: replicas are missing)"
	}
	fmt.Fprintf(w, "group %s: %s, epoch %d, %s, write-acks %d%s\n", t.Group, t.Phase, t.Epoch, master, t.WriteAcks, degraded)
	if t.Reason != "" {
		fmt.Fprintf(w, "  waits: %s\n", t.Reason)
	}
}

func table(w io.Writer, head string) *tabwriter.Writer {
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, head)
	return t
}

func printNodes(ctx context.Context, w io.Writer, parts []up.Process, topo *topology.Topology) {
	nodes := view.All(addrs(parts), func(addr string) view.Node { return view.AskNode(ctx, addr) })
	var head int64 // the master's offset: what the others are behind
	for _, n := range nodes {
		if n.Role == "master" {
			head = max(head, n.Offset)
		}
	}
	t := table(w, "NODE\tPID\tROLE\tLINK\tEPOCH\tOFFSET\tBEHIND\tKEYS")
	for i, n := range nodes {
		if n.Err != nil {
			fmt.Fprintf(t, "%s\t%s\tdown\t%s\t–\t–\t–\t–\n", n.Addr, pid(parts[i]), short(n.Err))
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%d\t%s\t%d\n", n.Addr, pid(parts[i]), role(n, topo), link(n),
			n.Epoch, n.Offset, behind(n, head), n.Keys)
	}
	t.Flush()
}

// role is what a node says of itself, and a word where the group says otherwise.
func role(n view.Node, topo *topology.Topology) string {
	name := map[string]string{"master": "master", "slave": "replica"}[n.Role]
	if name == "replica" && n.Master == "" {
		name = "none yet"
	}
	if topo != nil && topo.Phase == topology.Stable && (n.Role == "master") != (topo.Master.Addr == n.Addr) {
		name += " (the group disagrees)"
	}
	return name
}

func link(n view.Node) string {
	switch {
	case n.Role == "master":
		return fmt.Sprintf("%d replicas", n.Replicas)
	case n.Master == "":
		return "–"
	case n.LinkUp:
		return "up to " + n.Master
	}
	return "down to " + n.Master
}

func behind(n view.Node, head int64) string {
	if n.Role == "master" || head == 0 {
		return "–"
	}
	return fmt.Sprintf("%d bytes", max(head-n.Offset, 0))
}

func printSentinels(ctx context.Context, w io.Writer, parts []up.Process) {
	t := table(w, "SENTINEL\tPID\tID\tLEADER\tTERM")
	for i, s := range view.All(addrs(parts), func(addr string) view.Sentinel { return view.AskSentinel(ctx, addr) }) {
		if s.Err != nil {
			fmt.Fprintf(t, "%s\t%s\t–\tdown: %s\t–\n", s.Addr, pid(parts[i]), short(s.Err))
			continue
		}
		leader := s.Leader
		switch leader {
		case "":
			leader = "none known"
		case s.ID:
			leader = "itself"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\n", s.Addr, pid(parts[i]), s.ID, leader, s.Term)
	}
	t.Flush()
}

func printProxies(ctx context.Context, w io.Writer, parts []up.Process) {
	t := table(w, "PROXY\tPID\tANSWERS")
	for i, p := range view.All(addrs(parts), func(addr string) view.Proxy { return view.AskProxy(ctx, addr) }) {
		answers := fmt.Sprintf("in %.1f ms", float64(p.Took.Microseconds())/1000)
		if p.Err != nil {
			answers = "down: " + short(p.Err)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", p.Addr, pid(parts[i]), answers)
	}
	t.Flush()
}

func pid(p up.Process) string {
	if p.PID == 0 {
		return "–"
	}
	return fmt.Sprint(p.PID)
}

// short is the innermost error: the table already says whom it is about.
func short(err error) string {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return strings.TrimSpace(err.Error())
}
