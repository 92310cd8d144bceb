// Package collector turns scrapes into questions to IGSend, and the answers into
// metrics.
//
// A scrape comes in at the Handler (handler.go), which gives it a deadline. The
// Fetcher (fetcher.go) decides whom to ask, how many at once and until when; its
// rules have a file each:
//
//	sweep.go     what overlapping scrapes share, and how it ends
//	dispatch.go  how many requests may be in flight, and how many a second
//	turn.go      who is asked first
//	retry.go     who is asked again
//	guard.go     what follows from a refused key
//	flight.go    one request, and the silence after a 429
//	account.go   what is kept of a client: its last answer, its errors
//	money.go     how much a balance rose and fell
//
// What comes back is a view, which exposition.go makes metrics of.
package collector
