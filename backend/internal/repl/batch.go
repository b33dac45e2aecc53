package repl

// Command is one command of a Batch. Args alias the batch.
type Command struct {
	DB   int
	Args [][]byte
	// End is the position behind the unit that the command belongs to: the
	// commands of one MULTI…EXEC share it.
	End uint64
	// Mark is the payload of the mark before the unit, nil without one.
	Mark []byte
}

// Batch is a run of whole units of a replication stream. It is valid until
// the Apply that it was passed to returns.
type Batch struct {
	Raw      []byte      // the bytes, verbatim
	From     uint64      // position before them
	Commands []Command   // what is to be executed; SELECT, MULTI, EXEC, PING are resolved
	Epochs   []EpochMark // epoch records among them
	Says     []Statement // records about confirmation among them
	GetAck   bool        // the master asks for an acknowledgement
	db       int         // selected behind them
}

// EndsUnit tells whether command i is the last of its unit.
func (b *Batch) EndsUnit(i int) bool {
	return i == len(b.Commands)-1 || b.Commands[i+1].End != b.Commands[i].End
}

// End is the position behind the batch.
func (b *Batch) End() uint64 { return b.From + uint64(len(b.Raw)) }
