package main

import (
	"bufio"
	"encoding/json"
	"net/http"

	"github.com/igsend-exporter/igsend_exporter/collector"
)

// A targetGroup is an element of Prometheus's http_sd_config format.
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// newTargetsHandler returns a handler that lists the configured clients as targets of
// /probe. Each target has the address at which Prometheus asked for the list, the path and
// the parameter, so no relabelling is needed. Its instance is the client's ID, because targets
// of one job must differ in a label that is not part of the address.
func newTargetsHandler(fetcher *collector.Fetcher) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "" {
			http.Error(w, "The targets have the address of the Host header, and there is none.", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		out := bufio.NewWriter(w) // one target at a time: a list of all can be large
		defer out.Flush()
		separator := ""
		_, _ = out.WriteString("[")
		for _, c := range fetcher.Config().Clients {
			id := c.ID.String()
			group := targetGroup{Targets: []string{r.Host}, Labels: map[string]string{
				"__metrics_path__":        probePath,
				"__param_client_id":       id,
				"instance":                id,
				"__meta_igsend_client_id": id,
				"__meta_igsend_name":      c.Name,
			}}
			for name, value := range c.Labels {
				group.Labels["__meta_igsend_label_"+name] = value
			}
			text, err := json.Marshal(group)
			if err != nil {
				panic(err) // strings always have a form in JSON
			}
			_, _ = out.WriteString(separator + "\n")
			_, _ = out.Write(text)
			separator = ","
		}
		_, _ = out.WriteString("\n]\n")
	})
}
