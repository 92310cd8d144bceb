package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// The releases whose schemas the resources must match. All have the schemas in their Go
// modules, so they are downloaded and verified like all other modules.
const (
	kubernetesModule = "k8s.io/kubernetes@v1.37.2"
	operatorModule   = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
	secretsModule    = "github.com/external-secrets/external-secrets@v1.3.2"
)

// schemaNameTemplate is where kubeconform looks for the schema of a resource.
const schemaNameTemplate = "{{.ResourceKind}}{{.KindSuffix}}.json"

type object = map[string]any

// writeSchemas writes a JSON schema, strict about fields, for each kind that is deployed.
// It returns their directory.
func writeSchemas(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var swagger struct{ Definitions object }
	decodeFile(t, filepath.Join(moduleDir(t, kubernetesModule), "api/openapi-spec/swagger.json"), &swagger)
	strict(swagger.Definitions)
	for kind, definition := range map[string]string{
		"configmap-v1":                "io.k8s.api.core.v1.ConfigMap",
		"deployment-apps-v1":          "io.k8s.api.apps.v1.Deployment",
		"namespace-v1":                "io.k8s.api.core.v1.Namespace",
		"networkpolicy-networking-v1": "io.k8s.api.networking.v1.NetworkPolicy",
		"service-v1":                  "io.k8s.api.core.v1.Service",
		"serviceaccount-v1":           "io.k8s.api.core.v1.ServiceAccount",
		"statefulset-apps-v1":         "io.k8s.api.apps.v1.StatefulSet",
	} {
		writeSchema(t, dir, kind, object{"$ref": "#/definitions/" + definition, "definitions": swagger.Definitions})
	}
	for _, definition := range []string{
		filepath.Join(moduleDir(t, operatorModule), "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml"),
		filepath.Join(moduleDir(t, operatorModule), "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml"),
		filepath.Join(moduleDir(t, secretsModule), "config/crds/bases/external-secrets.io_externalsecrets.yaml"),
	} {
		var crd struct {
			Spec struct {
				Group    string
				Names    struct{ Singular string }
				Versions []struct {
					Name   string
					Schema struct{ OpenAPIV3Schema object }
				}
			}
		}
		decodeFile(t, definition, &crd)
		group, _, _ := strings.Cut(crd.Spec.Group, ".")
		for _, version := range crd.Spec.Versions {
			schema := version.Schema.OpenAPIV3Schema
			strict(schema)
			// The definition leaves metadata to the API server.
			schema["properties"].(object)["metadata"] = object{"type": "object"}
			writeSchema(t, dir, crd.Spec.Names.Singular+"-"+group+"-"+version.Name, schema)
		}
	}
	return dir
}

// strict turns OpenAPI into JSON schema, and forbids unknown fields.
func strict(schema any) {
	switch schema := schema.(type) {
	case []any:
		for _, element := range schema {
			strict(element)
		}
	case object:
		if schema["format"] == "int-or-string" {
			delete(schema, "type")
			schema["type"] = []any{"integer", "string"}
		}
		if _, closed := schema["properties"].(object); closed && schema["additionalProperties"] == nil {
			schema["additionalProperties"] = false
		}
		for _, element := range schema {
			strict(element)
		}
	}
}

func moduleDir(t *testing.T, module string) string {
	t.Helper()
	output, err := exec.Command("go", "mod", "download", "-json", module).Output()
	var downloaded struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(output, &downloaded); jsonErr != nil || downloaded.Dir == "" {
		t.Fatalf("%s: %v %s", module, err, downloaded.Error)
	}
	return downloaded.Dir
}

func decodeFile(t *testing.T, path string, into any) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, ".json") {
		err = json.Unmarshal(content, into)
	} else {
		err = yaml.Unmarshal(content, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func writeSchema(t *testing.T, dir, kind string, schema object) {
	t.Helper()
	content, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, kind+".json"), content, 0o600); err != nil {
		t.Fatal(err)
	}
}
