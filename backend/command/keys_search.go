package command

// searchKeys finds the keys of requests whose specifications do not tell: some
// depend on options, and of SET and BITFIELD what is done to the key does. Other
// requests that come here are wrong and have no keys.
func (c *Command) searchKeys(args [][]byte, visit func(int, KeyFlags)) {
	if !c.ArityOK(len(args)) {
		return
	}
	switch c.Name {
	case "set":
		visit(1, setUse(args))
	case "bitfield":
		visit(1, bitfieldUse(args))
	case "sort":
		visit(1, KeyRO|KeyAccess)
		sortStore(args, visit)
	case "sort_ro", "georadius", "georadiusbymember":
		visit(1, KeyRO|KeyAccess)
	case "migrate":
		migrateKeys(args, visit)
	}
}

// setUse: with GET the old value is read too (db.c, setGetKeys).
func setUse(args [][]byte) KeyFlags {
	for _, word := range args[3:] {
		if equalFold("get", word) {
			return KeyRW | KeyAccess | KeyUpdate
		}
	}
	return KeyOW | KeyUpdate
}

// bitfieldUse: GETs alone only read. What is not understood may write (db.c,
// bitfieldGetKeys).
func bitfieldUse(args [][]byte) KeyFlags {
	for i := 2; i < len(args); {
		left := len(args) - i - 1
		switch {
		case equalFold("get", args[i]) && left >= 2:
			i += 3
		case equalFold("overflow", args[i]) && left >= 1:
			i += 2
		default:
			return KeyRW | KeyAccess | KeyUpdate
		}
	}
	return KeyRO | KeyAccess
}

// migrateKeys finds the keys behind KEYS, which the passwords of AUTH and AUTH2
// may look like, or the one key in its place (db.c, migrateGetKeys).
func migrateKeys(args [][]byte, visit func(int, KeyFlags)) {
	const use = KeyRW | KeyAccess | KeyDelete
	for i := 6; i < len(args); i++ {
		switch {
		case equalFold("keys", args[i]):
			if len(args[3]) > 0 {
				return // wrong: there is a key in the other place too
			}
			for i++; i < len(args); i++ {
				visit(i, use)
			}
			return
		case equalFold("auth", args[i]):
			i++
		case equalFold("auth2", args[i]):
			i += 2
		}
	}
	visit(3, use)
}

// sortStore finds the key behind the last STORE of SORT, whose options BY, GET
// and LIMIT take words that may look like anything (db.c, sortGetKeys).
func sortStore(args [][]byte, visit func(int, KeyFlags)) {
	store := -1
	for i := 2; i < len(args); i++ {
		switch {
		case equalFold("limit", args[i]):
			i += 2
		case equalFold("get", args[i]), equalFold("by", args[i]):
			i++
		case equalFold("store", args[i]) && i+1 < len(args):
			i++
			store = i
		}
	}
	if store > 0 {
		visit(store, KeyOW|KeyUpdate)
	}
}
