package repl

// transfer is one snapshot sent to all replicas that asked in time.
type transfer struct{}
