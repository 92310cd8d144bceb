package deploy

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"

	"github.com/igsend-exporter/igsend_exporter/config"
)

const schemaFile = "../../docs/igsend.schema.json"

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	schema, err := compiler.Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestSchemaFields compares the fields in the schema with those that the program lists when
// it meets one that it does not know.
func TestSchemaFields(t *testing.T) {
	schema := compileSchema(t)
	api := schema.Properties["api"]
	client := schema.Properties["clients"].Items2020
	_, err := config.Parse([]byte(`
q: 1
api:
  q: 1
  tls_config: {q: 1}
clients:
- q: 1
`), "")
	listed := map[string]string{}
	for _, problem := range asErrors(t, err) {
		if _, fields, ok := strings.Cut(problem.Message, "unknown field: the fields here are "); ok {
			listed[problem.Field] = fields
		}
	}
	want := map[string]string{}
	for field, in := range map[string]*jsonschema.Schema{
		"q": schema, "api.q": api, "api.tls_config.q": api.Properties["tls_config"], "clients[0].q": client,
	} {
		want[field] = strings.Join(sortedKeys(in.Properties), ", ")
	}
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("fields (-schema +program):\n%s", diff)
	}
}

// TestSchemaDefaults compares the defaults in the schema with those of the program, by
// writing them into a file that has none of them.
func TestSchemaDefaults(t *testing.T) {
	const keys = "  public_key: public\n  private_key: private\n"
	const clients = "clients: [{id: 1}]\n"
	api := compileSchema(t).Properties["api"]
	var defaults strings.Builder
	write := func(indent string, properties map[string]*jsonschema.Schema) {
		for _, name := range sortedKeys(properties) {
			if value := properties[name].Default; value != nil {
				fmt.Fprintf(&defaults, "%s%s: %v\n", indent, name, *value)
			}
		}
	}
	write("  ", api.Properties)
	defaults.WriteString("  tls_config:\n")
	write("    ", api.Properties["tls_config"].Properties)
	want, err := config.Parse([]byte("api:\n"+keys+clients), "")
	if err != nil {
		t.Fatal(err)
	}
	got, err := config.Parse([]byte("api:\n"+keys+defaults.String()+clients), "")
	if err != nil {
		t.Fatalf("%v\n%s", err, defaults.String())
	}
	if diff := cmp.Diff(fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got)); diff != "" {
		t.Errorf("configuration without a field, and with the default of the schema (-without +with):\n%s", diff)
	}
	if n := strings.Count(defaults.String(), "\n"); n != 10 {
		t.Errorf("the schema has %d defaults, want 9 and tls_config:\n%s", n, defaults.String())
	}
}

func sortedKeys[T any](m map[string]T) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func asErrors(t *testing.T, err error) config.Errors {
	t.Helper()
	var problems config.Errors
	if !errors.As(err, &problems) {
		t.Fatal("not a list of errors:", err)
	}
	return problems
}

// TestSchemaAcceptsValid validates every valid configuration of the fixtures, those with
// warnings, and the example that people start from.
func TestSchemaAcceptsValid(t *testing.T) {
	schema := compileSchema(t)
	files := append(fixtures(t, "valid.txtar"), fixtures(t, "warnings.txtar")...)
	for _, name := range []string{"../../deploy/igsend.yml"} {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, txtar.File{Name: name, Data: content})
	}
	for _, file := range files {
		instance, ok := toJSON(file.Data)
		if !ok {
			t.Errorf("%s is not YAML", file.Name)
		} else if err := schema.Validate(instance); err != nil {
			t.Errorf("%s: %v", file.Name, err)
		}
	}
}

// beyondSchema maps what the schema can't refuse to the reason. The keys match the program's
// messages.
var beyondSchema = map[string]string{
	`is not valid YAML|a second YAML document|must be text, not an alias|the name of a field`:                          "no JSON value comes of it",
	`is set twice|merges \(<<\) twice|after <<`:                                                                        "not visible in the JSON value",
	`begins with a YAML tag|the aliases and merges in this file are nested`:                                            "not visible in the JSON value",
	`is also the ID in|is the same currency as|is above (warning|\w+) `:                                                "compares two values",
	`percent-encode special characters|must be a URL`:                                                                  "JSON Schema has no URLs that every editor checks",
	`not "(0x8|0x10|8\.0|100045\.0|5e4|1e5|1e3|0xC350|50_000|1_000|050000|0100045|010|\+8|\+50000|\+100045|\.5|5\.)"$`: "a number to some YAML parsers, spelled in another way",
	`not "(1{40}…|10{39}…)"$`:                                                                                          "a number without its digits",
	`not "\[a"$`:                                                                                                       "a pattern that never ends",
	`not "300y"$`:                                                                                                      "longer than what the program can count",
}

// TestSchemaRefusesInvalid compares what the program says of each invalid configuration with
// what the schema says: for each error of the program, the schema has one at the same field.
func TestSchemaRefusesInvalid(t *testing.T) {
	schema := compileSchema(t)
	unused := map[string]bool{}
	for message := range beyondSchema {
		unused[message] = true
	}
	archives, err := filepath.Glob("../../config/testdata/*/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no fixtures", err)
	}
	for _, archive := range archives {
		topic := filepath.Base(filepath.Dir(archive)) + "/" + filepath.Base(archive)
		for _, file := range fixtures(t, topic) {
			name := topic + "/" + file.Name
			_, err := config.Parse(file.Data, "")
			if strings.HasPrefix(topic, "from/") && (err == nil || file.Name != "igsend.yml") {
				continue // what is wrong is in the file system, or in a further file
			}
			fields := map[string]bool{}
			if instance, ok := toJSON(file.Data); ok {
				fields = refusedFields(schema.Validate(instance))
			}
			for _, problem := range asErrors(t, err) {
				beyond := ""
				for message := range beyondSchema {
					if regexp.MustCompile(message).MatchString(problem.Message) {
						beyond = message
					}
				}
				switch {
				case problem.Warning:
				case slices.ContainsFunc(placesOf(problem), func(place string) bool { return fields[place] }):
				case beyond != "":
					unused[beyond] = false
				default:
					t.Errorf("%s: the schema has nothing against this:\n%v\nbut only against %v", name, problem, sortedKeys(fields))
				}
			}
		}
	}
	for message, is := range unused {
		if is {
			t.Errorf("%s: no fixture needs this exception", message)
		}
	}
}

// fixtures returns the configurations in an archive of config/testdata.
func fixtures(t *testing.T, name string) (files []txtar.File) {
	t.Helper()
	archive, err := txtar.ParseFile("../../config/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range archive.Files {
		if strings.HasSuffix(file.Name, ".yml") {
			files = append(files, file)
		}
	}
	return files
}
