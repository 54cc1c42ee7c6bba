//go:build !unix

package jobs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// lockFolder makes sure that one run at a time works in a folder. A run that is
// killed leaves the lock behind.
func lockFolder(out string) (unlock func(), err error) {
	if err := os.MkdirAll(out, 0o777); err != nil {
		return nil, outputError(err)
	}
	name := filepath.Join(out, ".lock")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, &exitError{code: ExitTransient, err: fmt.Errorf("%s: another run works in this folder; if none does, remove %s", out, name)}
	case err != nil:
		return nil, outputError(fmt.Errorf("%w; choose another --out", err))
	}
	f.Close()
	return func() { os.Remove(name) }, nil
}
