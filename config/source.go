package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	promconfig "github.com/prometheus/common/config"
)

// maxSize limits the size of a configuration file, so that the path of a device can't fill
// the memory. A file with 100,000 clients that have names, labels, thresholds in two
// currencies and a runway has 20 MiB.
const maxSize = 64 << 20

// A source is the content of one file of the configuration, as it was when it was read.
type source struct {
	name string
	data []byte
	info fs.FileInfo
}

// readSource reads a file to the end, but at most one byte more than maxSize.
func readSource(file *os.File) (source, error) {
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return source{}, err
	}
	var data bytes.Buffer
	data.Grow(int(min(max(info.Size(), 0), maxSize)) + bytes.MinRead)
	_, err = data.ReadFrom(io.LimitReader(file, maxSize+1))
	return source{file.Name(), data.Bytes(), info}, err
}

// readRegular reads a file, but never a pipe or a device: what is written to a pipe is meant
// for one reader.
func readRegular(name string) (source, error) {
	if err := regular(os.Stat(name)); err != nil {
		return source{}, fmt.Errorf("%s %w", name, err)
	}
	// The file may just have been replaced by a pipe, and opening a pipe waits for a writer.
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return source{}, fmt.Errorf("%s %w", name, cause(err))
	}
	if err := regular(file.Stat()); err != nil {
		file.Close()
		return source{}, fmt.Errorf("%s %w", name, err)
	}
	return readSource(file)
}

func regular(info fs.FileInfo, err error) error {
	switch {
	case err != nil:
		return cause(err)
	case info.IsDir():
		return errors.New("is a directory, not a file")
	case !info.Mode().IsRegular():
		return errors.New("is not a regular file")
	}
	return nil
}

// cause returns the cause of an error without the name of the file.
func cause(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		err = pathError.Err
	}
	return fmt.Errorf("can't be read: %w", err)
}

// unchanged reports whether the file is still the one that was read. It can
// tell only for a regular file.
func (s source) unchanged() bool {
	if !s.info.Mode().IsRegular() {
		return true
	}
	now, err := os.Stat(s.name)
	return err == nil && os.SameFile(now, s.info) && now.Size() == s.info.Size() && now.ModTime().Equal(s.info.ModTime())
}

// glob returns the files that pattern matches, sorted. A pattern without a wildcard matches
// the file that it names. Relative patterns are relative to dir.
//
// It is stricter than [filepath.Glob]: a directory that can't be read is an error, because
// the clients in it would be missing. As in a shell, a wildcard does not match a dot at the
// beginning of a name: such files belong to editors and to the kubelet.
func glob(dir, pattern string) (names []string, err error) {
	if !strings.ContainsAny(pattern, `*?[\`) {
		return []string{promconfig.JoinDir(dir, pattern)}, nil
	}
	parent, last := filepath.Split(pattern)
	parents := []string{dir}
	if parent != "" {
		if parents, err = glob(dir, filepath.Clean(parent)); err != nil {
			return nil, err
		}
	}
	for _, parent := range parents {
		if info, err := os.Stat(parent); err == nil && !info.IsDir() {
			continue
		}
		entries, err := os.ReadDir(parent)
		if err != nil {
			return nil, fmt.Errorf("directory %s %w", parent, cause(err))
		}
		for _, entry := range entries {
			matches, err := filepath.Match(last, entry.Name())
			if err != nil {
				return nil, err
			}
			if matches && (entry.Name()[0] != '.' || last[0] == '.') {
				names = append(names, filepath.Join(parent, entry.Name()))
			}
		}
	}
	return names, nil
}
