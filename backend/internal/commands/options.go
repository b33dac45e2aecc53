package commands

// Options are the settings that handlers go by. The gate owns them and changes
// them between requests.
type Options struct {
	// StringMax is how long commands may make a string, bytes (proto-max-bulk-len).
	StringMax int64
	// HLLSparseMax is the size in bytes up to which a HyperLogLog stays sparse
	// (hll-sparse-max-bytes).
	HLLSparseMax int
	// SanitizeDump says whose RESTORE payloads are checked in depth: no, yes or
	// clients (sanitize-dump-payload).
	SanitizeDump string
	// LazyExpire and LazyServerDel choose the word by which replicas are told of
	// a key that expired or that another command's effect deleted: UNLINK
	// instead of DEL (lazyfree-lazy-expire, lazyfree-lazy-server-del).
	LazyExpire, LazyServerDel bool
	// SharedIntegers says whether OBJECT REFCOUNT shows that Redis would share
	// small integers, which it does not where each value needs an access clock of
	// its own (maxmemory with an LRU or LFU policy).
	SharedIntegers bool
	// SkipChecksum lets RESTORE take payloads whose checksum is wrong (DEBUG
	// SET-SKIP-CHECKSUM-VALIDATION).
	SkipChecksum bool
}

// deletion is the command that stands for the deletion of a key.
func deletion(lazy bool) []byte {
	if lazy {
		return wordUnlink
	}
	return wordDel
}
