package igsendtest_test

import (
	"fmt"
	"io"
	"net/http"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

func Example() {
	srv := igsendtest.NewServer(igsend.Keys{Public: "public", Private: "private"})
	defer srv.Close()
	srv.SetClient(100000, igsendtest.Client{Rows: []igsendtest.Row{{Balance: "1400000", Currency: "GBP"}}})

	for _, fault := range []igsendtest.Fault{igsendtest.StatusBody(503, "try again"), igsendtest.Documented} {
		srv.SetFault(fault)
		r, _ := http.NewRequest(http.MethodGet, srv.Endpoint()+"?ClientID=100000", nil)
		r.SetBasicAuth("public", "private")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		fmt.Println(resp.StatusCode, string(body))
	}
	fmt.Println(srv.Stats().Requests, "requests on", srv.Stats().Connections, "connection")
	// Output:
	// 503 try again
	// 200 {"coreRes": {"status": 1, "Message": "Client Balance successfully retrieved.", "MessageID": 10010}, "tableRes": [{"ClientID": 100000, "AccountBalance": "1400000", "Status": "success", "Balance Currency": "GBP", "Balance State": "IN_CREDIT"}]}
	// 2 requests on 1 connection
}
