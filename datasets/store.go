package datasets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Store holds files by name. Names of one store compare as strings. A Store
// may be used by several goroutines at once.
type Store interface {
	// Open opens a file for reading.
	Open(ctx context.Context, name string) (File, error)
	// Glob returns the names that a pattern matches, ascending. A pattern
	// without *, ? and [ is a name, which need not exist. A trailing slash
	// stands for all files of a folder.
	Glob(ctx context.Context, pattern string) ([]string, error)
	// Remove removes a file.
	Remove(ctx context.Context, name string) error
	// Write makes a file of what write writes, or leaves everything as it was
	// if that fails. Readers see the whole new file or none of it.
	Write(ctx context.Context, name string, write func(io.Writer) error) error
}

// A File is open for reading. Its methods may be called by several goroutines
// at once.
type File interface {
	io.ReaderAt
	io.Closer
	Size() int64 // bytes
}

// Disk is the store of the file system; names are paths.
type Disk struct{}

type diskFile struct {
	*os.File
	size int64
}

func (f diskFile) Size() int64 { return f.size }

// Open opens a file for reading.
func (Disk) Open(ctx context.Context, name string) (File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file; name a file, or a folder with a slash at its end", name)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return diskFile{f, info.Size()}, nil
}

// Glob returns the files that pattern matches, ascending. Folders do not
// match.
func (Disk) Glob(ctx context.Context, pattern string) ([]string, error) {
	if info, err := os.Stat(pattern); err == nil && info.IsDir() && !strings.HasSuffix(pattern, "/") {
		pattern += "/"
	}
	if strings.HasSuffix(pattern, "/") {
		pattern += "*"
	}
	if !strings.ContainsAny(pattern, "*?[") {
		return []string{pattern}, nil
	}
	matches, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", pattern, err)
	}
	files := slices.DeleteFunc(matches, func(name string) bool {
		info, err := os.Stat(name)
		return err == nil && info.IsDir() || strings.HasPrefix(filepath.Base(name), ".")
	})
	slices.Sort(files)
	return files, nil
}

// Remove removes a file.
func (Disk) Remove(ctx context.Context, name string) error { return os.Remove(name) }

// Write writes a temporary file beside name and renames it, making folders as
// needed.
func (Disk) Write(ctx context.Context, name string, write func(io.Writer) error) error {
	folder := filepath.Dir(name)
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	f, err := createBeside(name)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = ctx.Err()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// createBeside creates a hidden file beside name, readable as the user's umask
// says; os.CreateTemp's are private.
func createBeside(name string) (*os.File, error) {
	for i := 0; ; i++ {
		f, err := os.OpenFile(filepath.Join(filepath.Dir(name), fmt.Sprintf(".%s.%d", filepath.Base(name), i)), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}
