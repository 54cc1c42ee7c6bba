//go:build unix

package jobs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockFolder makes sure that one run at a time works in a folder. The system
// gives the lock back when the process ends, however it does.
func lockFolder(out string) (unlock func(), err error) {
	if err := os.MkdirAll(out, 0o777); err != nil {
		return nil, outputError(err)
	}
	name := filepath.Join(out, ".lock")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, outputError(fmt.Errorf("%w; choose another --out", err))
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, &exitError{code: ExitTransient, err: fmt.Errorf("%s: another run works in this folder; wait for its end, or choose another --out", out)}
		}
		return nil, outputError(fmt.Errorf("lock %s: %w", name, err))
	}
	return func() { f.Close() }, nil
}
