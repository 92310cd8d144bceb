package igsend_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

func Example() {
	keys, err := igsend.KeySource{Public: "public key", Private: "private key"}.Keys()
	if err != nil {
		fmt.Println(err)
		return
	}
	// A simulated API with one client takes the place of igsend.LiveEndpoint.
	server := igsendtest.NewServer(keys)
	defer server.Close()
	server.SetClient(100045, igsendtest.Client{Rows: []igsendtest.Row{{Balance: "1400000", Currency: "GBP"}}})

	client, err := igsend.NewClient(igsend.Options{Endpoint: server.Endpoint()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	for _, id := range []igsend.ClientID{100045, 100046} {
		balances, err := client.Balances(context.Background(), keys, id)
		for _, b := range balances {
			fmt.Println(id, b.Amount, b.Currency, b.State)
		}
		var failure *igsend.Error
		if errors.As(err, &failure) {
			fmt.Println(id, failure.Reason, failure.MessageID, failure.Message)
		}
	}
	// Output:
	// 100045 1400000 GBP IN_CREDIT
	// 100046 rejected 10009 Data Validation Failed. Account Number was not available for this client.
}
