package world

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/driver/inventory"
)

// Published is the image of a template somewhere on the web, where hosts download it from.
type Published struct {
	Size   int64 // virtual, in bytes
	Packed bool  // as a gzip archive
	Broken bool  // it is no image
	// Write fills the image.
	Write func(io.WriterAt) error
}

// Publish puts the image of a template on the web.
func (w *World) Publish(template inventory.ID, p Published) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.web[template] = p
}

// hostFolder is the file system of a host.
func (w *World) hostFolder(name string) string { return filepath.Join(w.folder, ".hosts", name) }

// download puts the image of a template into a host's folder, as its downloader does.
func (w *World) download(_ context.Context, host inventory.Host, t inventory.Template) (file string, err error) {
	w.mu.Lock()
	p, ok := w.web[t.ID]
	w.mu.Unlock()
	if !ok {
		return "", fmt.Errorf("the web has no template %d", t.ID)
	}
	folder := w.hostFolder(host.Name)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("download template %d: %w", t.ID, err)
	}
	file = t.UUID + ".qcow2"
	if err := p.save(filepath.Join(folder, file)); err != nil {
		return "", fmt.Errorf("download template %d: %w", t.ID, err)
	}
	if p.Packed {
		whole := filepath.Join(folder, file)
		return file + ".gz", errors.Join(pack(whole), os.Remove(whole))
	}
	return "/" + file, nil
}

func (p Published) save(name string) (err error) {
	f, err := os.Create(name) //nolint:gosec // a file of the world's own folder
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if p.Broken {
		_, err = f.WriteString("this is no image")
		return err
	}
	img, err := image.Create(f, image.Qcow2, p.Size, image.Options{})
	if err != nil {
		return err
	}
	if p.Write != nil {
		if err := p.Write(img); err != nil {
			return err
		}
	}
	return img.Flush()
}

func pack(name string) (err error) {
	raw, err := os.ReadFile(name) //nolint:gosec // a file of the world's own folder
	if err != nil {
		return err
	}
	f, err := os.Create(name + ".gz") //nolint:gosec // a file of the world's own folder
	if err != nil {
		return err
	}
	z := gzip.NewWriter(f)
	_, err = z.Write(raw)
	return errors.Join(err, z.Close(), f.Close())
}

// Downloads are the files that hosts have downloaded and not removed, as host/file.
func (w *World) Downloads() (out []string, err error) {
	base := filepath.Join(w.folder, ".hosts")
	err = filepath.WalkDir(base, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(base, path) // below base
			out = append(out, name)
		}
		return err
	})
	return out, err
}
