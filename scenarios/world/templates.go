package world

import (
	"context"
	"fmt"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/driver/inventory"
)

// ReadTemplate fills p from the qcow2 image of a template on secondary storage.
func (w *World) ReadTemplate(ctx context.Context, template inventory.ID, off int64, p []byte) (err error) {
	var ref inventory.TemplateStore
	var st inventory.SecondaryStore
	err = w.Inventory.View(func(tx *inventory.Tx) error {
		var ok bool
		if ref, ok = tx.TemplateStores.Find(func(r inventory.TemplateStore) bool {
			return r.Template == template && r.State == inventory.RefReady
		}); !ok {
			return fmt.Errorf("template %d is on no secondary storage", template)
		}
		st, err = tx.SecondaryStores.Must(ref.Store)
		return err
	})
	if err != nil {
		return err
	}
	return w.withImage(ctx, st.URL, ref.Path, nil, func(img image.Reader) error {
		_, err := img.ReadAt(p, off)
		return err
	})
}
