package repl

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"holdfast/backend/resp"
)

// handshake introduces the replica as Redis does, all in one write. A master
// that does not know one of the words answers an error, which is no obstacle,
// except for AUTH's.
func (u *upstream) handshake() error {
	c := &u.l.cfg
	u.from = c.Follower.Position()
	steps := []step{{"PING", pingReply, []string{"PING"}}}
	switch user, password := c.login(); {
	case password != "" && user != "":
		steps = append(steps, step{"Unable to AUTH to MASTER", mustAccept, []string{"AUTH", user, password}})
	case password != "":
		steps = append(steps, step{"Unable to AUTH to MASTER", mustAccept, []string{"AUTH", password}})
	}
	ip, port := c.Announce()
	steps = append(steps, step{"REPLCONF listening-port", ignore, []string{"REPLCONF", "listening-port", strconv.Itoa(port)}})
	if ip != "" {
		steps = append(steps, step{"REPLCONF ip-address", ignore, []string{"REPLCONF", "ip-address", ip}})
	}
	steps = append(steps,
		step{"REPLCONF capa", ignore, []string{"REPLCONF", "capa", "eof", "capa", "psync2"}},
		u.introduction())
	if err := u.exchange(steps); err != nil || !u.master.Native {
		return err
	}
	return u.stepBack()
}

func (u *upstream) introduction() step {
	c := &u.l.cfg
	return step{"REPLCONF holdfast", u.introduced, []string{"REPLCONF", "holdfast", "1", "run-id", c.RunID,
		"incarnation", c.Incarnation, "data-epoch", strconv.FormatUint(u.from.Epoch, 10)}}
}

// stepBack lets the follower give up what the master's history does not have. If
// it belongs to another epoch then, the master is told so.
func (u *upstream) stepBack() error {
	f, told := u.l.cfg.Follower, u.from.Epoch
	if err := u.l.enter(func() error { return f.StepBack(u.l.ctx, u.master) }); err != nil {
		return err
	}
	if u.from = f.Position(); u.from.Epoch == told {
		return nil
	}
	return u.exchange([]step{u.introduction()})
}

func (c *LinkConfig) login() (user, password string) {
	if c.Login == nil {
		return "", ""
	}
	return c.Login()
}

// step is a request of the handshake and what its reply means.
type step struct {
	name string
	take func(reply string) error
	args []string
}

func (u *upstream) exchange(steps []step) error {
	var out []byte
	for _, s := range steps {
		out = resp.AppendCommand(out, s.args...)
	}
	if err := u.write(out); err != nil {
		return err
	}
	for _, s := range steps {
		line, err := u.line()
		if err == nil {
			err = s.take(line)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func ignore(string) error { return nil }

func mustAccept(reply string) error {
	if strings.HasPrefix(reply, "-") {
		return unexpected(reply)
	}
	return nil
}

// unexpected is a reply as an error: the text of one, or, of what is no master,
// the beginning of whatever it says.
func unexpected(reply string) error {
	text, isError := strings.CutPrefix(reply, "-")
	if isError && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl) {
		return errors.New(text)
	}
	return fmt.Errorf("unexpected reply %.100q", reply)
}

// pingReply tolerates the errors of a master that wants AUTH first.
func pingReply(reply string) error {
	for _, ok := range []string{"+", "-NOAUTH", "-NOPERM", "-ERR operation not permitted"} {
		if strings.HasPrefix(reply, ok) {
			return nil
		}
	}
	return unexpected(reply)
}

// introduced reads +HOLDFAST 1 run-id … data-epoch … history …; any other answer
// is a plain Redis's.
func (u *upstream) introduced(reply string) error {
	words := strings.Fields(reply)
	if len(words) < 2 || words[0] != "+HOLDFAST" {
		return nil
	}
	u.master.Native = true
	for i := 2; i+1 < len(words); i += 2 {
		switch words[i] {
		case "run-id":
			u.master.RunID = words[i+1]
		case "data-epoch":
			epoch, err := strconv.ParseUint(words[i+1], 10, 64)
			if err != nil {
				return err
			}
			u.master.Epoch = epoch
		case "history":
			h, err := ParseHistory(words[i+1])
			if err != nil {
				return err
			}
			u.master.History = h
		}
	}
	return nil
}

// psync asks to continue and reports whether the master wants a full resync
// instead.
func (u *upstream) psync() (full bool, err error) {
	id, offset := "?", "-1"
	if u.from.ID != "" {
		id, offset = u.from.ID, strconv.FormatUint(u.from.Offset+1, 10)
	}
	u.l.cfg.Log.Info(fmt.Sprintf("Trying a partial resynchronization (request %s:%s).", id, offset))
	request := []string{"PSYNC", id, offset}
	answered := u.l.cfg.TakeOver
	if answered != nil {
		request = append(request, "FAILOVER")
	}
	if err := u.write(resp.AppendCommand(nil, request...)); err != nil {
		return false, err
	}
	reply, err := u.line()
	if err != nil {
		return false, fmt.Errorf("PSYNC: %w", err)
	}
	if answered != nil {
		u.l.cfg.TakeOver = nil
		answered(strings.HasPrefix(reply, "+"))
	}
	words := strings.Fields(reply)
	switch {
	case len(words) == 3 && words[0] == "+FULLRESYNC":
		pos, err := strconv.ParseUint(words[2], 10, 64)
		if err != nil || pos > maxPosition || len(words[1]) != IDLen {
			return false, fmt.Errorf("PSYNC: %w", unexpected(reply))
		}
		u.sync = Sync{Master: u.master, ID: words[1], Offset: pos, Size: -1}
		u.l.cfg.Log.Info(fmt.Sprintf("Full resync from master: %s:%d", words[1], pos))
		return true, nil
	case len(words) == 1 && words[0] == "+CONTINUE":
		return false, u.resume(u.from.ID)
	case len(words) == 2 && words[0] == "+CONTINUE" && len(words[1]) == IDLen:
		return false, u.resume(words[1])
	}
	return false, fmt.Errorf("PSYNC: %w", unexpected(reply))
}

// resume goes on from where the data stands.
func (u *upstream) resume(id string) error {
	u.start(u.from.Offset, u.from.DB)
	return u.l.enter(func() error {
		if err := u.l.cfg.Follower.Continue(u.master, id); err != nil {
			return err
		}
		u.l.cfg.Log.Info("Successful partial resynchronization with master.")
		return u.ack()
	})
}
