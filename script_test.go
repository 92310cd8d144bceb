package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// TestScripts runs the scripts in testdata/script. Each has its own simulated API, whose URL
// replaces $ENDPOINT in the script's igsend.yml. With GOLDEN=update in the environment, the
// test writes the outputs into the scripts.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: os.Getenv("GOLDEN") == "update",
		Setup: func(env *testscript.Env) error {
			api := igsendtest.NewServer(keys)
			env.Defer(api.Close)
			setEdgyClients(api.API)
			env.Setenv("IGSEND_PUBLIC_KEY", keys.Public)
			env.Setenv("IGSEND_PRIVATE_KEY", keys.Private)
			file := filepath.Join(env.WorkDir, "igsend.yml")
			text, err := os.ReadFile(file)
			if os.IsNotExist(err) {
				return nil
			}
			if err != nil {
				return err
			}
			return os.WriteFile(file, []byte(strings.ReplaceAll(string(text), "$ENDPOINT", api.Endpoint())), 0o600)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"hidetimes": func(ts *testscript.TestScript, _ bool, _ []string) {
				timestamp := regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
				fmt.Fprint(ts.Stdout(), timestamp.ReplaceAllString(ts.ReadFile("stdout"), "2006-01-02T15:04:05Z"))
			},
		},
	})
}
