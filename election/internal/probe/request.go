package probe

import (
	"context"
	"time"

	"holdfast/election/internal/native"
)

// ping sends PROBE where the owner asked for it and the node knows it, else
// PING.
func (p *Probe) ping(ctx context.Context) error {
	ask := p.asking.Load()
	if ask == nil || !p.native {
		v, _, broken := p.do(ctx, []string{"PING"})
		if broken == nil {
			p.report(Report{Kind: Replied, Text: v.Text})
		}
		return broken
	}
	v, refused, broken := p.do(ctx, ask.Args)
	if broken != nil {
		return broken
	}
	r := Report{Kind: Probed, Err: refused}
	if refused == nil {
		r.Probe, r.Err = native.ParseProbe(v)
	}
	if r.Probe != nil {
		r.RunID = r.Probe.RunID
	}
	p.report(r)
	return nil
}

// info reads INFO when its time has come.
func (p *Probe) info(ctx context.Context) error {
	period := infoPeriod
	if p.trouble.Load() {
		period = infoTrouble
	}
	if time.Since(p.informed) < period {
		return nil
	}
	p.informed = time.Now()
	v, refused, broken := p.do(ctx, []string{"INFO"})
	if broken != nil {
		return broken
	}
	if refused == nil {
		p.report(Report{Kind: Informed, Text: v.Text})
	}
	return nil
}

// request sends one request of the owner and reports its outcome.
func (p *Probe) request(ctx context.Context, q request) error {
	v, refused, broken := p.do(ctx, q.r.Args)
	err := refused
	if broken != nil {
		err = broken
	}
	p.report(Report{Kind: Answered, Token: q.token, Value: v, Err: err})
	return broken
}
