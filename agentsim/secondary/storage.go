package secondary

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Reasons of refusals. Compare with [errors.Is].
var (
	ErrNotNFS   = errors.New("not NFS secondary storage")
	ErrNoExport = errors.New("no such export")
	ErrBadName  = errors.New("name is not allowed")
	ErrSymlink  = errors.New("symbolic links are not followed")
	ErrReleased = errors.New("mount is already released")
	ErrClosed   = errors.New("file is already finished")
)

// Storage is all secondary storage there is: one folder, in it server/path of every export.
type Storage struct{ folder string }

// New uses a folder, which must exist.
func New(folder string) (*Storage, error) {
	st, err := os.Stat(folder)
	if err != nil {
		return nil, fmt.Errorf("secondary storage: %w", err)
	}
	if !st.IsDir() {
		return nil, fmt.Errorf("secondary storage: %s is not a folder", folder)
	}
	return &Storage{folder: folder}, nil
}

// Export makes the folder of an nfs:// URI unless it is there, and opens it.
func (s *Storage) Export(uri string) (*Dir, error) {
	rel, err := locate(uri)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(s.folder)
	if err != nil {
		return nil, fmt.Errorf("export %s: %w", uri, err)
	}
	defer func() { _ = root.Close() }()
	if err := root.MkdirAll(rel, 0o750); err != nil {
		return nil, fmt.Errorf("export %s: %w", uri, err)
	}
	return s.Open(uri)
}

// Open opens the folder of a URI, which may lie below an export. A folder that does not exist is [ErrNoExport],
// a scheme other than nfs [ErrNotNFS].
func (s *Storage) Open(uri string) (*Dir, error) {
	rel, err := locate(uri)
	if err != nil {
		return nil, err
	}
	whole, err := os.OpenRoot(s.folder)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", uri, err)
	}
	defer func() { _ = whole.Close() }()
	if err := noLinks(whole, rel); err != nil {
		return nil, fmt.Errorf("open %s: %w", uri, err)
	}
	root, err := whole.OpenRoot(rel)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open %s: %w", uri, ErrNoExport)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", uri, err)
	}
	return &Dir{uri: uri, root: root}, nil
}

// locate gives the folder of a URI relative to the storage.
func locate(uri string) (string, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return "", fmt.Errorf("%w: %q", ErrBadName, uri)
	}
	if u.Scheme != "nfs" {
		return "", fmt.Errorf("%w: %q", ErrNotNFS, uri)
	}
	rel := u.Hostname() + "/" + strings.Trim(u.Path, "/")
	rel = strings.TrimSuffix(rel, "/")
	if u.Hostname() == "" {
		return "", fmt.Errorf("%w: %q has no server", ErrBadName, uri)
	}
	return rel, checkName(rel)
}

// Split divides the URL of a file into the URI to mount and the file's name there; the name is empty when the path
// ends in a slash (agent 9.5).
func Split(store, file string) (uri, name string) {
	full := strings.TrimSuffix(store, "/") + "/" + strings.TrimPrefix(file, "/")
	i := strings.LastIndexByte(full, '/')
	return full[:i], full[i+1:]
}

// checkName accepts relative slash-separated paths in which no element is empty, dot or dot-dot, or longer than a
// file system takes, and no character is a backslash or a control character.
func checkName(name string) error {
	if !fs.ValidPath(name) || name == "." || !filepath.IsLocal(filepath.FromSlash(name)) {
		return fmt.Errorf("%w: %q", ErrBadName, name)
	}
	for element := range strings.SplitSeq(name, "/") {
		if len(element) > 255 || strings.ContainsFunc(element, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) {
			return fmt.Errorf("%w: %q", ErrBadName, name)
		}
	}
	return nil
}

// noLinks refuses a path of which some part is a symbolic link. Parts that do not exist are no links.
func noLinks(root *os.Root, name string) error {
	for i := 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' {
			continue
		}
		st, err := root.Lstat(name[:i])
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if st.Mode()&fs.ModeSymlink != 0 {
			return fmt.Errorf("%w: %s", ErrSymlink, name[:i])
		}
	}
	return nil
}

// SnapshotDir is where the backups of a volume's snapshots are.
func SnapshotDir(account, volumeID string) string { return path.Join("snapshots", account, volumeID) }

// TemplateDir is where a template and its template.properties are.
func TemplateDir(account, templateID string) string {
	return path.Join("template", "tmpl", account, templateID)
}

// VolumeDir is where an extracted volume is.
func VolumeDir(account, volumeID string) string { return path.Join("volumes", account, volumeID) }
