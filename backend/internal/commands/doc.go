// Package commands holds the handlers of the commands that work on data, one
// file per type, each opening with its rows of the table.
//
// # The contract of a handler
//
// The gate (package backend) has checked the name, the arity, the ACL and the
// role, holds the engine lock, and passes a Ctx. A handler
//
//  1. parses and validates every argument, replying an error and returning
//     before it changes anything;
//  2. reads and changes the store through c.DB (package store says how long
//     the bytes it hands out live: until the next mutation);
//  3. appends exactly one reply through c's reply methods, in c.Proto;
//  4. counts what it changed with c.Changed(n), as Redis counts server.dirty,
//     and reports keyspace events with c.Notify;
//  5. says what is to be propagated only if that is not the request itself:
//     c.Propagate(words…) once per command instead, or c.PropagateNothing().
//     A request that changed nothing is never propagated. Everything random,
//     relative in time or dependent on who waits becomes its effect: SPOP as
//     SREM, EXPIRE as PEXPIREAT, BLPOP as LPOP.
//
// A handler that has nothing to serve and may wait calls c.Block and replies
// nothing. It is run again, with the same arguments, when one of the keys it
// waits for was changed; when the time is over the gate sends the null that
// Block was given. Where waiting is not allowed (MULTI, scripts), Block replies
// that null at once.
//
// Handlers keep no state between calls, start no goroutine and never look at
// the clock: c.Now is the time of the unit, so that everything in one
// transaction or script sees one moment.
package commands
