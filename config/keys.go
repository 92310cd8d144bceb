package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// checkKeys reads the keys as a scrape does and reports what is wrong with them. public
// and private are the fields or variables that the keys come from.
func checkKeys(keys igsend.KeySource, public, private value) {
	const other = "set" // one half at a time, so that each gets its own report
	a, err := igsend.KeySource{Public: keys.Public, PublicFile: keys.PublicFile, Private: other}.Keys()
	publicOK := keys.Public+keys.PublicFile != "" && public.checkKey(a.Public, keys.PublicFile, err)
	b, err := igsend.KeySource{Public: other, Private: keys.Private, PrivateFile: keys.PrivateFile}.Keys()
	privateOK := keys.Private+keys.PrivateFile != "" && private.checkKey(b.Private, keys.PrivateFile, err)
	if publicOK && privateOK && a.Public == b.Private {
		private.warn("is the same key as %s: IGSend issues two different keys", public.name)
	}
}

// placeholder matches what examples have in place of a key.
var placeholder = regexp.MustCompile(`(?i)\$\{|^your|^<.*>$|^change.?me$|^replace.?me$|^x+$|^(…|\.+)$`)

// checkKey reports what is wrong with a key. file is the file that it was read from, if
// any, and err the error from reading it. checkKey returns whether there is a key.
func (v value) checkKey(key, file string, err error) bool {
	switch {
	case v.walk == nil: // not set correctly, which has been reported
		return false
	case err != nil:
		v.fail("%v", err)
		return false
	case placeholder.MatchString(key):
		v.warn("looks like a placeholder: replace it with the key")
	case strings.HasPrefix(key, "-----BEGIN"):
		v.warn("is in PEM format, which IGSend's keys are not")
	case strings.ContainsAny(key, " \t\r\n"):
		v.warn("has white space within the key: check what was copied")
	}
	if file != "" && readByAll(file) {
		v.warn("every user of this machine can read the file: chmod o= %s", file)
	}
	return true
}

// readByAll reports whether all users can read the file, and enter the directories that
// lead to it.
func readByAll(file string) bool {
	path, err := filepath.Abs(file)
	for need := fs.FileMode(0o004); err == nil; need = 0o001 {
		var info fs.FileInfo
		if info, err = os.Stat(path); err != nil || info.Mode().Perm()&need == 0 {
			return false
		}
		if path == filepath.Dir(path) {
			return true
		}
		path = filepath.Dir(path)
	}
	return false
}
