// Package igsend is a client of IGSend's Client Balance method, which tells what a
// client account holds.
//
// A [Client] asks for one account at a time and returns its balances, exact, one for
// each currency. IGSend documents one success and one failure of the method and
// little else, so everything else is a doubt, and no doubt becomes a number: it
// becomes an [Error] with a [Reason].
//
// The package knows nothing of metrics. Package igsendtest simulates the API.
package igsend
