package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// readmeCommands matches the commands in README.md and docs/install.md that are known to work. The comments say
// which test or check runs them, or what a test would need to run them. A command that is
// not on the list fails the test, so that they get no untested commands.
var readmeCommands = []string{
	`^go run \. demo `,   // TestDemo
	`^go test \./\.\.\.`, // .ci/run
	`^go test \./collector -run '\^\$' -bench \. -benchtime 10x$`, // .ci/run, once
	`^go (install|build -o igsend_exporter) \.$`,                  // .ci/run builds it
	`^docker build --tag igsend_exporter \.$`,                     // .ci/image, with buildah
	`^docker build --tag registry\.example\.com/`,                 // needs a registry
	`^export IGSEND_PUBLIC_KEY=`,                                  // TestWithoutAFile
	`^go run \. (balance )?--igsend\.environment=sandbox`,         // needs IGSend; TestScripts and TestWithoutAFile come closest
	`^igsend_exporter `,                                           // TestREADMECommands, like the next two
	`^mkdir -m 700 igsend && cp deploy/igsend\.yml igsend/`,
	`^install -m 600 YOUR\.public\.key igsend/public\.key && install `,
	`^docker run .* igsend_exporter$`,                      // .ci/image, with podman
	`^docker exec `,                                        // .ci/image
	`^cd deploy/compose( && docker compose up --detach)?$`, // test/deploy, like the next five
	`^docker compose up`,
	`^mkdir -m 700 live && cp \.\./igsend\.yml live/`,
	`^cp YOUR\.public\.key live/public\.key && cp `,
	`^echo https://(hooks|heartbeat)\.example\.com/`,
	`^IGSEND=live docker compose up`,
	`^sudo(edit)? `,  // .ci/systemd and .ci/release, which install and run the packages
	`^kubectl `,      // test/deploy, against the schemas: needs a cluster
	`^helm install `, // test/deploy renders and checks the chart: needs a cluster
	`^htpasswd `,     // TestTLSAndBasicAuth makes the hash in Go
}

// commands returns the lines of the indented blocks in the documentation. It joins continued lines
// and drops comments.
func commands(t *testing.T) []string {
	t.Helper()
	text := strings.ReplaceAll(readme(t), "\\\n", "")
	text = regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "")
	var all []string
	for _, match := range regexp.MustCompile(`(?m)^    (\S.*)$`).FindAllStringSubmatch(text, -1) {
		line := strings.TrimSpace(regexp.MustCompile(`\s#.*$`).ReplaceAllString(match[1], " "))
		if !strings.HasPrefix(line, "igsend_client_") { // an exposition
			all = append(all, line+" ")
		}
	}
	return all
}

func TestREADMECommandsAreTried(t *testing.T) {
	used := map[string]bool{}
	for _, command := range commands(t) {
		found := false
		for _, pattern := range readmeCommands {
			expression := regexp.MustCompile(pattern)
			if expression.MatchString(strings.TrimSpace(command)) || expression.MatchString(command) {
				found, used[pattern] = true, true
			}
		}
		if !found {
			t.Errorf("the list of tested commands does not have: %s", command)
		}
	}
	for _, pattern := range readmeCommands {
		if !used[pattern] {
			t.Errorf("the documentation no longer has a command like %s", pattern)
		}
	}
}

// The test runs the commands in README.md that need only the exporter and its files. It runs
// them as they are, in a directory with the files that they name.
func TestREADMECommands(t *testing.T) {
	s := newSite(t)
	example, err := os.ReadFile("deploy/igsend.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(s.dir, "deploy"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.write("deploy/igsend.yml", string(example))
	s.write("YOUR.public.key", keys.Public)
	s.write("YOUR.private.key", keys.Private)
	s.write("web.yml", "")
	ran := 0
	for _, command := range commands(t) {
		command = strings.TrimSpace(command)
		switch {
		case regexp.MustCompile(`^igsend_exporter (--config|balance|check)`).MatchString(command):
			if strings.HasPrefix(command, "igsend_exporter --config") {
				command += " --web.listen-address=127.0.0.1:0 & pid=$!; until grep -q 'TLS is' log; do :; done; kill $pid; wait $pid"
				command = strings.Replace(command, " --web.listen", " 2>log --web.listen", 1)
				command = ": >log; " + command
			}
		case strings.HasPrefix(command, "mkdir -m 700 igsend"), strings.HasPrefix(command, "install -m 600 YOUR"):
		default:
			continue
		}
		ran++
		cmd := exec.CommandContext(t.Context(), "sh", "-ec", command)
		cmd.Dir = s.dir
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
	if ran < 5 {
		t.Errorf("%d commands were run, want at least 5", ran)
	}
	// The commands have created a valid configuration.
	if out, stderr, status := execute(t, nil, "check", "--config.file="+filepath.Join(s.dir, "igsend", "igsend.yml")); status != 0 {
		t.Errorf("the configuration in README.md is not valid: %s%s", out, stderr)
	}
}
