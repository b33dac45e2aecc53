package backend

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"holdfast/conf"
)

// scoreFile is where the kernel keeps how soon it kills this process for memory.
const scoreFile = "/proc/self/oom_score_adj"

// oomScore is what the node knows of the score; under the engine lock.
type oomScore struct {
	ours bool // it is not what the process was started with
	base int  // what it was
}

// applyScore sets the score to what cfg says of a role, or back to what it was
// (server.c, setOOMScoreAdj).
func (n *Node) applyScore(cfg *conf.NodeConfig, as role) error {
	o := &n.oom
	if cfg.OOMScoreAdj == "no" {
		if !o.ours {
			return nil
		}
		o.ours = false
		return writeScore(o.base)
	}
	if !o.ours {
		text, err := os.ReadFile(scoreFile)
		if err != nil {
			return err
		}
		if o.base, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
			return err
		}
	}
	score := cfg.OOMScores[0]
	if as != roleMaster {
		score = cfg.OOMScores[1]
	}
	if cfg.OOMScoreAdj != "absolute" {
		score += o.base
	}
	if err := writeScore(score); err != nil {
		return err
	}
	o.ours = true
	return nil
}

// writeScore writes a score, within the kernel's bounds.
func writeScore(score int) error {
	return os.WriteFile(scoreFile, []byte(strconv.Itoa(min(max(score, -1000), 1000))), 0)
}

var errScore = errors.New("Failed to set current oom_score_adj. Check server logs.")

// changeScore is applyScore for CONFIG SET.
func (n *Node) changeScore(next *conf.NodeConfig) error {
	err := n.applyScore(next, n.standing.role)
	if err == nil {
		return nil
	}
	n.log.Warn("Unable to write oom_score_adj: " + err.Error())
	_ = n.applyScore(n.cfg(), n.standing.role) // back to what it was
	return &conf.SetError{Name: "oom-score-adj", Err: errScore}
}
