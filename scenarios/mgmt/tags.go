package mgmt

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
)

// CreateVMTag gives a VM a resource tag that it does not have and tells the plugin of it for each of its disks
// (driver-management 9.9). A disk whose policy could not be set is named in the error; the tag stays on record and the
// plugin goes on trying.
func (s *Server) CreateVMTag(ctx context.Context, vm inventory.ID, key, value string, admin bool) error {
	return s.changeTag(ctx, vm, key, func(tx *inventory.Tx, own inventory.Owner) error {
		if _, there := tx.Details.Get(own, key); there {
			return &Refused{"createTags", fmt.Sprintf("VM %d", vm), "the VM has a tag " + key}
		}
		tx.Details.Set(own, key, value)
		return nil
	}, func() error {
		if err := s.driver.CheckVMTag(key, value, admin); err != nil {
			return fmt.Errorf("createTags of VM %d: %w", vm, err)
		}
		return nil
	})
}

// DeleteVMTag takes a resource tag from a VM and tells the plugin of it for each of its disks.
func (s *Server) DeleteVMTag(ctx context.Context, vm inventory.ID, key string, admin bool) error {
	return s.changeTag(ctx, vm, key, func(tx *inventory.Tx, own inventory.Owner) error {
		if _, there := tx.Details.Get(own, key); !there {
			return &Refused{"deleteTags", fmt.Sprintf("VM %d", vm), "the VM has no tag " + key}
		}
		tx.Details.Delete(own, key)
		return nil
	}, func() error {
		if err := s.driver.CheckVMTag(key, "", admin); err != nil {
			return fmt.Errorf("deleteTags of VM %d: %w", vm, err)
		}
		return nil
	})
}

// changeTag changes the row of a tag if the plugin allows it, and has the plugin pass it on.
func (s *Server) changeTag(ctx context.Context, vm inventory.ID, key string,
	change func(*inventory.Tx, inventory.Owner) error, allowed func() error,
) error {
	unlock, err := s.lock(ctx, vmKey(vm))
	if err != nil {
		return err
	}
	defer unlock()
	if err := allowed(); err != nil {
		return err
	}
	var disks []inventory.Volume
	err = s.update(func(tx *inventory.Tx) error {
		if _, err := tx.VMs.Must(vm); err != nil {
			return err
		}
		disks = volumesOf(tx, vm)
		return change(tx, inventory.Owner{Kind: inventory.Tag, ID: vm})
	})
	if err != nil || key != PolicyTag {
		return err
	}
	var errs []error
	for _, v := range disks {
		if v.Path != "" {
			errs = append(errs, s.driver.ProvideVMTags(ctx, vm, v.ID))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("pass the tag %s of VM %d on: %w", key, vm, err)
	}
	return nil
}
