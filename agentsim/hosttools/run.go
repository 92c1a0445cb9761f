package hosttools

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// lastWords is how long a program that was killed may keep its output open.
const lastWords = time.Second

// ErrMissing is a program that is not on the search path.
var ErrMissing = errors.New("program is not installed")

// Programs are the programs of a host.
type Programs struct {
	// Path is where programs are looked for, folders with a colon between; the process's own search path when empty.
	Path string
	// Keys is the folder of key files; the system's temporary folder when empty.
	Keys string
	// Root is put before the paths of StorPool's devices; empty on a host.
	Root string
	// Iterations of a container's key slot; 0 leaves the choice to the tools.
	Iterations int
}

// ExitError is a program that failed.
type ExitError struct {
	Program string
	Code    int    // -1 when it did not end by itself
	Text    string // both output streams
	cause   error
}

// Error gives the program with what it said.
func (e *ExitError) Error() string {
	text := strings.TrimSpace(e.Text)
	if text == "" {
		return fmt.Sprintf("%s: exit status %d", e.Program, e.Code)
	}
	return e.Program + ": " + text
}

// Unwrap gives the cause, such as the end of the time.
func (e *ExitError) Unwrap() error { return e.cause }

// find gives the file of a program.
func (p *Programs) find(name string) (string, error) {
	if p.Path == "" {
		file, err := exec.LookPath(name)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, ErrMissing)
		}
		return file, nil
	}
	for _, folder := range filepath.SplitList(p.Path) {
		file := filepath.Join(folder, name)
		if st, err := os.Stat(file); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", fmt.Errorf("%s: %w in %s", name, ErrMissing, p.Path)
}

// device is where a device of StorPool is in the file system; other paths are files already.
func (p *Programs) device(path string) string {
	if strings.HasPrefix(path, "/dev/storpool") {
		return strings.TrimSuffix(p.Root, "/") + path
	}
	return path
}

// Run runs a program and gives what it printed. The end of ctx kills it.
func (p *Programs) Run(ctx context.Context, name string, args ...string) (string, error) {
	file, err := p.find(name)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, file, args...) //nolint:gosec // one of few programs; no shell reads the arguments
	cmd.Env = []string{"LC_ALL=C", "HOME=/", "PATH=" + p.searchPath()}
	cmd.WaitDelay = lastWords
	out, err := cmd.CombinedOutput()
	if err == nil {
		return string(out), nil
	}
	failed := &ExitError{Program: name, Code: -1, Text: string(out), cause: err}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		failed.Code = exit.ExitCode()
	}
	if ctx.Err() != nil {
		failed.Text, failed.cause = "timeout", context.Cause(ctx)
	}
	return "", failed
}

func (p *Programs) searchPath() string {
	if p.Path != "" {
		return p.Path + string(filepath.ListSeparator) + "/usr/sbin:/usr/bin:/sbin:/bin"
	}
	return os.Getenv("PATH")
}

// withKey writes a passphrase to a file of its own for as long as use runs.
func (p *Programs) withKey(passphrase []byte, use func(file string) error) (err error) {
	f, err := os.CreateTemp(p.Keys, "keyfile*.tmp") // mode 0600
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	defer func() {
		_, wiped := f.WriteAt(make([]byte, len(passphrase)), 0)
		err = errors.Join(err, wiped, f.Close(), os.Remove(f.Name()))
	}()
	if _, err := f.Write(passphrase); err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	return use(f.Name())
}
