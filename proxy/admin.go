package proxy

func (p *Proxy) startAdmin() error { return nil }
