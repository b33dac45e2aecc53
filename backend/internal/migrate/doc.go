// Package migrate carries requests to another server for MIGRATE, over
// connections that it keeps for the next time.
//
// A Batch goes out in one piece (Targets.Send) and comes back as an Answer: which of
// its requests the server has acknowledged, which is all that its owner may delete.
// A request may have been carried out without being acknowledged; one that was not
// answered is sent a second time only when nothing of its batch was, on a kept
// connection that turned out to be closed. So requests have to bear being repeated.
//
// The package knows nothing of keys, and waits for no server longer than the
// batch's timeout at each step: connecting, writing, and every reply.
package migrate
