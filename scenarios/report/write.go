package report

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// WriteFiles writes matrix.md, results.json, junit.xml, report.html and details.json into dir, which it makes.
func (r Report) WriteFiles(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("make the report's folder: %w", err)
	}
	for name, write := range map[string]func(io.Writer) error{
		"matrix.md": r.Markdown, "results.json": r.JSON, "junit.xml": r.JUnit, "report.html": r.HTML, "details.json": r.Details,
	} {
		if err := writeFile(filepath.Join(dir, name), write); err != nil {
			return err
		}
	}
	return nil
}

// writeFile replaces the file as a whole, so that a reader never sees half a report.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(f.Name()) // fails after the rename, as it should
	if err := write(f); err != nil {
		_ = f.Close() // the first error is the one to report
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := f.Chmod(0o644); err != nil {
		_ = f.Close() // the first error is the one to report
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
