package agentsim

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/spapi"
)

// directDownload caches a template on a pool from a qcow2 file on the host (agent 10). The file goes in any case.
type directDownload struct{ agentapi.DirectDownload }

func (c directDownload) run(r *run) *agentapi.Answer {
	r.within(c.Wait)
	out, err := c.cache(r)
	if errors.Is(err, errDead) {
		return failed(err)
	}
	return r.host.rules.downloaded(out, err)
}

func (c directDownload) cache(r *run) (out agentapi.Template, err error) {
	var folder *os.Root
	err = r.step("check", func(context.Context) (err error) {
		folder, err = c.check(r.host)
		return err
	})
	if err != nil {
		return out, err
	}
	defer func() { _ = folder.Close() }() // nothing is written through it
	d := &download{run: r, folder: folder, name: trimSlash(c.File), delivered: func() {}}
	r.releases = append(r.releases, d.removal())
	err = r.step("extract", func(ctx context.Context) error { return d.extract(ctx, c.Template.Size) })
	if err != nil {
		return out, err
	}
	var img found
	err = r.step("info", func(context.Context) (err error) {
		img, err = d.open()
		return err
	})
	if err != nil {
		return out, err
	}
	defer func() { _ = img.file.Close() }() // it was only read
	path, err := c.seed(r, d, img)
	if err != nil {
		return out, err
	}
	out = c.Template
	out.Path, out.Size, out.Format = path, volumeSize(img), agentapi.RAW
	return out, nil
}

// check opens the folder of the file, which must be there (agent 10).
func (c directDownload) check(h *Host) (_ *os.Root, err error) {
	name := trimSlash(c.File)
	switch {
	case h.cfg.Folder == "":
		return nil, fmt.Errorf("%w: host %s has no file system for direct downloads", ErrUnsupported, h.cfg.Name)
	case !fs.ValidPath(name) || name == ".":
		return nil, fmt.Errorf("direct download of %q: %w", c.File, fs.ErrInvalid)
	case c.Pool.Type != agentapi.StorPool:
		return nil, fmt.Errorf("%w: direct download to a pool of type %q", ErrUnsupported, c.Pool.Type)
	case c.Template.Format != agentapi.QCOW2 && c.Template.Format != "":
		return nil, fmt.Errorf("%w: direct download of format %q", ErrUnsupported, c.Template.Format)
	}
	if err := h.needPool(c.Pool); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(h.cfg.Folder)
	if err != nil {
		return nil, err
	}
	st, err := root.Lstat(name)
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w: not a file", c.File, fs.ErrInvalid)
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return root, nil
}

// seed makes a volume, fills it and takes its snapshot, whose device path it gives. The volume goes in any case.
func (c directDownload) seed(r *run, d *download, img found) (path string, err error) {
	template, _, _ := strings.Cut(c.Pool.UUID, ";")
	tags := r.host.rules.downloadTags(c.Template.UUID)
	var volume string
	err = r.step("create", func(ctx context.Context) error {
		made, err := r.host.cfg.API.VolumeCreate(ctx, spapi.VolumeCreate{
			Size: volumeSize(img), Template: template, Tags: r.host.rules.workTags(c.Template.UUID),
		}, nil)
		if err != nil {
			return err
		}
		volume, err = made.ID()
		if err == nil {
			r.thenDelete(volume)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	to := byID + volume
	if err := r.attach(volumeKind, to); err != nil {
		return "", err
	}
	err = r.step("convert", func(ctx context.Context) error { return r.restore(ctx, img, to) }, to)
	if err != nil {
		return "", err
	}
	err = r.step("snapshot", func(ctx context.Context) error {
		made, err := r.host.cfg.API.VolumeSnapshot(ctx, "~"+volume, spapi.VolumeSnapshot{Tags: tags}, nil)
		if err != nil {
			return err
		}
		id, err := made.ID()
		if path = byID + id; err == nil {
			d.delivered = r.undelivered(id)
		}
		return err
	}, to)
	return path, err
}

// thenDelete has a volume deleted when the command is over, after it has been detached. If the agent dies before, the
// next one does it.
func (r *run) thenDelete(volume string) {
	h, path := r.host, byID+volume
	forget := func() {}
	do := func(ctx context.Context) error {
		err := h.cfg.API.VolumeDelete(ctx, "~"+volume, spapi.VolumeDelete{})
		if err == nil || errors.Is(err, spapi.ErrNotFound) {
			forget()
			return nil
		}
		return err
	}
	forget = h.keep(func() error {
		h.later(func(ctx context.Context) bool { return h.tryDetach(ctx, volumeKind, path, false) && do(ctx) == nil })
		return nil
	})
	r.releases = append([]*cleanup{{
		step: "delete", path: path, do: do, again: func(ctx context.Context, _ bool) bool { return do(ctx) == nil },
	}}, r.releases...)
}

// undelivered has the next agent delete a snapshot of which this one could not tell any more.
func (r *run) undelivered(snapshot string) (delivered func()) {
	h := r.host
	return h.keep(func() error {
		h.later(func(ctx context.Context) bool {
			err := h.cfg.API.SnapshotDelete(ctx, "~"+snapshot)
			return err == nil || errors.Is(err, spapi.ErrNotFound)
		})
		return nil
	})
}

// later has the agent that lives now do something in the background, again until it succeeds.
func (h *Host) later(do func(context.Context) bool) {
	h.mu.Lock()
	life := h.life
	h.mu.Unlock()
	if life == nil {
		return
	}
	h.fleet.clock.Go(func() {
		for range backgroundTries {
			if do(life.ctx) || h.fleet.clock.Sleep(life.ctx, backgroundPause) != nil {
				return
			}
		}
	})
}

// removal deletes the source, and what it was unfolded to; if the agent dies before, the next one does.
func (d *download) removal() *cleanup {
	h, archive := d.run.host, d.name
	do := func() error {
		root, err := os.OpenRoot(h.cfg.Folder)
		if err != nil {
			return err
		}
		for _, file := range []string{archive, d.name} {
			if gone := root.Remove(file); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
		return errors.Join(err, root.Close())
	}
	forget := h.keep(do)
	end := func(context.Context) error {
		err := do()
		if err == nil && d.run.alive() == nil {
			forget()
			d.delivered()
		}
		return err
	}
	return &cleanup{
		step: "remove", path: archive, do: end,
		again: func(ctx context.Context, _ bool) bool { return end(ctx) == nil },
	}
}

// roleTags are those of whatever a direct download makes.
func roleTags() spapi.Tags { return spapi.Tags{"cs": "template"} }

// templateTags tell of which template it is.
func templateTags(uuid string) spapi.Tags {
	tags := roleTags()
	tags["uuid"] = uuid
	return tags
}

// downloadResult answers with the template and its virtual size, or with the reason of a failure.
func downloadResult(t agentapi.Template, err error) *agentapi.Answer {
	if err != nil {
		return failed(err)
	}
	return succeeded(t)
}
