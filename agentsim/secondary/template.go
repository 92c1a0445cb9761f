package secondary

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
)

// TemplateInfo is what template.properties says of a qcow2 template.
type TemplateInfo struct {
	UniqueName  string
	Filename    string // with extension
	VirtualSize int64  // bytes, from the image's header
	Size        int64  // length of the file in bytes
}

// WriteTemplateName is the first writing of template.properties in dir: unescaped, before the sizes are known.
func (d *Dir) WriteTemplateName(dir string, t TemplateInfo) error {
	if strings.ContainsAny(t.UniqueName+t.Filename, "\r\n") {
		return fmt.Errorf("template.properties: %w: a line break in %q", ErrBadName, t.UniqueName)
	}
	return d.writeProperties(dir, []byte("uniquename="+t.UniqueName+"\nfilename="+t.Filename+"\n"))
}

// WriteTemplateInfo is the second writing: what the file holds is kept, the description of the image added.
// A size of 0 is refused, as CloudStack would ignore the record.
func (d *Dir) WriteTemplateInfo(dir string, t TemplateInfo, at time.Time) error {
	if t.Size <= 0 || t.VirtualSize <= 0 {
		return fmt.Errorf("template.properties of %s: size %d, virtual size %d", t.Filename, t.Size, t.VirtualSize)
	}
	old, err := d.ReadFile(path.Join(dir, PropertiesFile))
	if err != nil {
		return err
	}
	p, err := ParseProperties(old)
	if err != nil {
		return err
	}
	size, virtual := strconv.FormatInt(t.Size, 10), strconv.FormatInt(t.VirtualSize, 10)
	for k, v := range map[string]string{
		"id": "1", "public": "true", "uniquename": t.UniqueName, "filename": t.Filename,
		"virtualsize": virtual, "size": size,
		"qcow2": "true", "qcow2.filename": t.Filename, "qcow2.size": size, "qcow2.virtualsize": virtual,
	} {
		p[k] = v
	}
	return d.writeProperties(dir, p.Encode(at))
}

// ReadTemplateInfo reads template.properties as it is after the second writing.
func (d *Dir) ReadTemplateInfo(dir string) (TemplateInfo, error) {
	data, err := d.ReadFile(path.Join(dir, PropertiesFile))
	if err != nil {
		return TemplateInfo{}, err
	}
	p, err := ParseProperties(data)
	if err != nil {
		return TemplateInfo{}, err
	}
	t := TemplateInfo{UniqueName: p["uniquename"], Filename: p["filename"]}
	var e1, e2 error
	t.VirtualSize, e1 = strconv.ParseInt(p["virtualsize"], 10, 64)
	t.Size, e2 = strconv.ParseInt(p["size"], 10, 64)
	if err := errors.Join(e1, e2); err != nil {
		return t, fmt.Errorf("template.properties in %s: %w", dir, err)
	}
	return t, nil
}

func (d *Dir) writeProperties(dir string, data []byte) error {
	o, err := d.Create(path.Join(dir, PropertiesFile), Write{})
	if err != nil {
		return err
	}
	if _, err := o.Write(data); err != nil {
		return errors.Join(err, o.Discard())
	}
	return o.Commit()
}
