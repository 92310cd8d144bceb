package config

import (
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// clients reads the list of clients.
func (v value) clients() []Client {
	if isNull(v.node) {
		v.fail("has no value: list at least one client, such as `- id: 100045`")
		return nil
	}
	var clients []Client
	ids := make(map[igsend.ClientID]value)
	v.items(func(item value) { clients = append(clients, item.client(ids)) })
	if len(v.node.Content) == 0 && v.node.Kind == yaml.SequenceNode {
		v.fail("is empty: list at least one client, such as `- id: 100045`")
	}
	return clients
}

// client reads one item of the list of clients; ids holds those of the items before it.
func (v value) client(ids map[igsend.ClientID]value) Client {
	var client Client
	var id value
	if !v.fields(map[string]func(value){
		"id":         func(f value) { id, client.ID = f, f.id() },
		"name":       func(f value) { client.Name, _ = f.text() },
		"labels":     func(f value) { client.Labels = f.labels() },
		"thresholds": func(f value) { client.Thresholds = f.thresholds() },
		"runway":     func(f value) { client.Runway = f.runway() },
	}) {
		return client
	}
	first, taken := ids[client.ID]
	switch {
	case !id.present():
		v.field("id").fail("is missing: write the client ID that IGSend gave you, such as 100045")
	case client.ID == 0:
	case taken:
		id.fail("%s is also the ID in line %d (%s): list each client once", client.ID, first.line, first.path)
	default:
		ids[client.ID] = id
	}
	return client
}

// id reads a client ID; 0 when it is none.
func (v value) id() igsend.ClientID {
	text, ok := v.scalar("a client ID")
	if !ok {
		return 0
	}
	id, err := igsend.ParseClientID(text)
	if err != nil {
		v.refuse("a client ID in plain digits, such as 100045")
	}
	return id
}

// labelName is what Prometheus allows; names that begin with two underscores are its own.
var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// labels reads the labels of one client; nil when there are none.
func (v value) labels() map[string]string {
	labels := make(map[string]string)
	v.each("{team: payments}", func(name string, f value) {
		switch {
		case !labelName.MatchString(name):
			f.fail("a label name is made of the letters a-z and A-Z, digits and underscores, and begins with no digit")
		case len(name) > 1 && name[:2] == "__":
			f.fail("label names that begin with __ are reserved for Prometheus: choose another")
		case slices.Contains([]string{"client_id", "name"}, name):
			f.fail("the label %s is set by the exporter: choose another name", name)
		default:
			labels[name], _ = f.text()
		}
	})
	if len(labels) == 0 {
		return nil
	}
	return labels
}
