package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Where a command of README.md is tried: here, by name of a test or check, or
// nowhere, because it needs what no test has. A command that is not on this list
// fails the test, so that README.md gets none that nobody has thought about.
var readmeCommands = []struct{ pattern, where string }{
	{`^go run \. demo `, "TestDemo"},
	{`^go test \./\.\.\.`, ".ci/run"},
	{`^go test \./collector -run '\^\$' -bench \. -benchtime 10x$`, ".ci/run, once"},
	{`^go install github\.com/`, "needs the module to be published"},
	{`^export IGSEND_PUBLIC_KEY=`, "TestWithoutAFile"},
	{`^go run \. (balance )?--igsend\.environment=sandbox`, "needs IGSend; TestBalance and TestWithoutAFile come closest"},
	{`^igsend_exporter `, "TestREADMECommands"},
	{`^mkdir -m 700 igsend && cp deploy/igsend\.yml igsend/`, "TestREADMECommands"},
	{`^install -m 600 YOUR\.public\.key igsend/public\.key && install `, "TestREADMECommands"},
	{`^docker run .*ghcr\.io`, ".ci/image, with podman and an image built here"},
	{`^docker exec `, ".ci/image"},
	{`^cd deploy/compose$`, "test/deploy"},
	{`^docker compose up`, "test/deploy, against the specification"},
	{`^mkdir -m 700 live && cp \.\./igsend\.yml live/`, "test/deploy, against the files that compose reads"},
	{`^cp YOUR\.public\.key live/public\.key && cp `, "test/deploy"},
	{`^echo https://(hooks|heartbeat)\.example\.com/`, "test/deploy"},
	{`^IGSEND=live docker compose up`, "test/deploy"},
	{`^sudo(edit)? `, ".ci/systemd and .ci/release, which install and run the packages"},
	{`^kubectl `, "test/deploy, against the schemas: needs a cluster"},
	{`^htpasswd `, "the hash is made by Go in TestTLSAndBasicAuth"},
}

// commands returns the lines of the indented blocks of README.md, continued lines
// joined and comments dropped.
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
		for _, known := range readmeCommands {
			if regexp.MustCompile(known.pattern).MatchString(strings.TrimSpace(command)) || regexp.MustCompile(known.pattern).MatchString(command) {
				found, used[known.pattern] = true, true
			}
		}
		if !found {
			t.Errorf("nobody has tried: %s", command)
		}
	}
	for _, known := range readmeCommands {
		if !used[known.pattern] {
			t.Errorf("README.md has no command like %s any more", known.pattern)
		}
	}
}

// The commands of README.md that need nothing but the exporter and its files are run
// as they stand there, in a folder with the files that they name.
func TestREADMECommands(t *testing.T) {
	s := newSite(t)
	binaries := t.TempDir()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(executable, filepath.Join(binaries, "igsend_exporter")); err != nil {
		t.Fatal(err)
	}
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
		cmd.Env = []string{asProgram + "=1", "PATH=" + binaries + ":" + os.Getenv("PATH")}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
	if ran < 5 {
		t.Errorf("%d commands were run, want 5 at least", ran)
	}
	// What the commands have put together is a configuration that passes.
	if out, stderr, status := execute(t, nil, "check", "--config.file="+filepath.Join(s.dir, "igsend", "igsend.yml")); status != 0 {
		t.Errorf("the example does not pass: %s%s", out, stderr)
	}
}
