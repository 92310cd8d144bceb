package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// A runbookBlock is a fenced block of deploy/runbooks.md, or a command within a sentence.
type runbookBlock struct {
	heading, language, text string
}

func runbookText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("deploy/runbooks.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func runbookBlocks(t *testing.T) []runbookBlock {
	t.Helper()
	var blocks []runbookBlock
	heading := ""
	parts := regexp.MustCompile("(?ms)^#+ ([^\n]*)$|^ *```(\\w*)\n(.*?)^ *```$|`((?:sudo|docker|kubectl|igsend_exporter) [^`]*)`")
	for _, m := range parts.FindAllStringSubmatch(runbookText(t), -1) {
		switch {
		case m[1] != "":
			heading = m[1]
		case m[4] != "":
			blocks = append(blocks, runbookBlock{heading, "sh", m[4]})
		default:
			blocks = append(blocks, runbookBlock{heading, m[2], m[3]})
		}
	}
	return blocks
}

// shellLines returns the commands of a block. It joins continued lines and drops comments.
func (b runbookBlock) shellLines() []string {
	if b.language != "sh" {
		return nil
	}
	text := strings.ReplaceAll(b.text, "\\\n", "")
	return strings.Split(strings.TrimSpace(regexp.MustCompile(`(?m)^ *| +# .*$`).ReplaceAllString(text, "")), "\n")
}

// runbookMachines has the programs on the machine of each installation, by the heading in
// runbooks.md. A machine has no other programs, and an image has only /igsend_exporter, so
// that a command which needs a grep fails. $INSTALLED runs the exporter with the files of the
// installation. The commands that do nothing here are tried on real machines.
var runbookMachines = map[string]struct{ program, script string }{
	"Package, with systemd": {"sudo", `
case $* in
"igsend_exporter "*) shift; exec "$INSTALLED" "$@" ;;
"systemctl "* | "journalctl "*) ;; # .ci/systemd runs these
*) echo "sudo: $1: command not found" >&2; exit 127 ;;
esac`},
	"Container": {"docker", `
case $* in
"exec igsend_exporter /igsend_exporter "*) shift 3; exec "$INSTALLED" "$@" ;;
"ps "*"=igsend_exporter" | "logs "*" igsend_exporter" | "kill "*" igsend_exporter" | "restart igsend_exporter") ;; # .ci/image runs these
*) echo "docker: not in the image: $*" >&2; exit 127 ;;
esac`},
	"Compose": {"docker", `
case "$IGSEND ${PWD##*/deploy/} $*" in
"live compose compose run --rm --no-deps igsend-exporter "*) shift 5; exec "$INSTALLED" "$@" ;;
"live compose compose "*" igsend-exporter") ;; # test/deploy checks the names
*) echo "docker compose: no such service: $*" >&2; exit 127 ;;
esac`},
	"Kubernetes": {"kubectl", `
case $* in
"--namespace igsend-exporter exec deployment/igsend-exporter -- /igsend_exporter "*) shift 6; exec "$INSTALLED" "$@" ;;
*" exec "*) echo "kubectl: not in the image: $*" >&2; exit 127 ;;
"--namespace igsend-exporter "*) ;; # test/deploy checks the names
*) echo "kubectl: forbidden: $*" >&2; exit 1 ;;
esac`},
}

// installed runs the exporter with files below $ROOT.
const installed = `
for argument; do
  shift
  case $argument in --config.file=/*) argument=--config.file=$ROOT${argument#*=} ;; esac
  set -- "$@" "$argument"
done
exec "$EXPORTER" "$@"`

// runbookCommands returns the blocks with the commands for one installation, one command each.
func runbookCommands(t *testing.T, installation string) []runbookBlock {
	t.Helper()
	var commands []runbookBlock
	for _, block := range runbookBlocks(t) {
		if _, of := runbookMachines[block.heading]; of && block.heading != installation {
			continue
		}
		for _, line := range block.shellLines() {
			commands = append(commands, runbookBlock{block.heading, block.language, line})
		}
	}
	return commands
}

// The test runs every command of the runbooks as it is, on a machine with each installation.
func TestRunbookCommands(t *testing.T) {
	prints := map[string]*regexp.Regexp{
		"igsend_exporter balance": regexp.MustCompile(`(?m)^100045 +Payroll +48000\.25 +GBP +IN_CREDIT `),
		"igsend_exporter check":   regexp.MustCompile(`^OK: 1 client at `),
	}
	for installation, machine := range runbookMachines {
		t.Run(installation, func(t *testing.T) {
			m := newRunbookMachine(t, machine.program, machine.script)
			typed, ran := "", 0
			for _, command := range runbookCommands(t, installation) {
				out, err := m.run(t, typed+command.text+"\n")
				if err != nil {
					t.Errorf("%s: %s: %v\n%s", command.heading, command.text, err, out)
				}
				if strings.Contains(command.text, "alias ") || strings.Contains(command.text, "export ") {
					typed += command.text + "\n" // stays in effect in the terminal
				}
				words := strings.Fields(command.text)
				want := prints[strings.Join(words[:min(2, len(words))], " ")]
				if want == nil {
					continue
				}
				ran++
				if !want.MatchString(out) {
					t.Errorf("%s: %s: prints\n%swant %s", command.heading, command.text, out, want)
				}
			}
			if ran < 10 {
				t.Errorf("ran the exporter %d times, want at least 10", ran)
			}
		})
	}
}

// A runbookMachine runs the commands of a person who is on call.
type runbookMachine struct {
	environment []string
}

func newRunbookMachine(t *testing.T, program, script string) *runbookMachine {
	t.Helper()
	exporter, err := exec.LookPath("igsend_exporter")
	if err != nil {
		t.Fatal(err)
	}
	api := igsendtest.NewServer(keys)
	t.Cleanup(api.Close)
	api.SetClient(100045, igsendtest.Client{Rows: []igsendtest.Row{{Balance: "48000.25", Currency: "GBP"}}})
	example, err := os.ReadFile("deploy/igsend.yml")
	if err != nil {
		t.Fatal(err)
	}
	configuration := regexp.MustCompile(`environment: live .*`).ReplaceAllLiteralString(string(example), "endpoint: "+api.Endpoint())
	root, bin := t.TempDir(), t.TempDir()
	for path, content := range map[string]string{
		filepath.Join(root, "etc/igsend_exporter/igsend.yml"):  configuration,
		filepath.Join(root, "etc/igsend_exporter/public.key"):  keys.Public + "\n",
		filepath.Join(root, "etc/igsend_exporter/private.key"): keys.Private + "\n",
		filepath.Join(root, "installed"):                       "#!/bin/sh -eu\n" + installed,
		filepath.Join(bin, program):                            "#!/bin/sh -eu\n" + script,
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return &runbookMachine{[]string{"PATH=" + bin, "ROOT=" + root, "INSTALLED=" + filepath.Join(root, "installed"), "EXPORTER=" + exporter, "IGSEND="}}
}

func (m *runbookMachine) run(t *testing.T, commands string) (string, error) {
	t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	// As if typed: an alias is in effect from the next line on.
	cmd := exec.CommandContext(t.Context(), shell, "-e")
	cmd.Stdin = strings.NewReader(commands)
	cmd.Env = m.environment
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// A runbook has only blocks that a test tries.
func TestRunbookBlocksAreTried(t *testing.T) {
	blocks := runbookBlocks(t)
	for heading := range runbookMachines {
		if !slices.ContainsFunc(blocks, func(b runbookBlock) bool { return b.heading == heading && strings.Contains(b.text, "alias ") }) {
			t.Errorf("no commands for %q", heading)
		}
	}
	for _, block := range blocks {
		switch block.language {
		case "sh": // TestRunbookCommands
		case "promql": // test/e2e
		case "yaml":
			if _, err := config.Parse([]byte("api: {public_key: a, private_key: b}\nclients:\n"+block.text), ""); err != nil {
				t.Errorf("%s: %v", block.heading, err)
			}
		default:
			t.Errorf("%s: a block in %q, which no test tries", block.heading, block.language)
		}
	}
}
