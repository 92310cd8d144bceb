package igsend

import (
	"encoding/json"
	"testing"
)

const documentedAnswer = `{"coreRes": {"status": 1, "Message": "Client Balance successfully retrieved.", "MessageID": 10010}, ` +
	`"tableRes": [{"ClientID": 100000, "AccountBalance": "1400000", "Status": "success", "Balance Currency": "GBP", "Balance State": "IN_CREDIT"}]}`

// BenchmarkDecode compares the decoder, with all its checks, to encoding/json without any.
func BenchmarkDecode(b *testing.B) {
	body := []byte(documentedAnswer)
	b.Run("strict", func(b *testing.B) {
		b.ReportAllocs()
		d := decoder{id: 100000, unit: UnitMajor, keys: Keys{Public: "public", Private: "private"}}
		for b.Loop() {
			if _, err := d.decode(body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		var answer struct {
			CoreRes struct {
				Status    int    `json:"status"`
				Message   string `json:"Message"`
				MessageID int    `json:"MessageID"`
			} `json:"coreRes"`
			TableRes []struct {
				ClientID int64  `json:"ClientID"`
				Balance  string `json:"AccountBalance"`
				Status   string `json:"Status"`
				Currency string `json:"Balance Currency"`
				State    string `json:"Balance State"`
			} `json:"tableRes"`
		}
		for b.Loop() {
			if err := json.Unmarshal(body, &answer); err != nil {
				b.Fatal(err)
			}
		}
	})
}
