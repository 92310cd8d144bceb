// Package igsend is a client for IGSend's Client Balance method, which returns the
// balances of a client account.
//
// A [Client] asks for one account at a time and returns its exact balances, one for
// each currency. IGSend documents one success and one failure of the method and
// little else. The package never guesses: any answer that is not clearly a documented
// success becomes an [Error] with a [Reason], not a number.
//
// The package does not depend on any metrics library. Package igsendtest simulates
// the API.
package igsend
