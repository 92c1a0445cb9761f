package steps

import (
	"context"
	"fmt"
	"strings"

	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
)

var (
	rePoolURL = expression(`^the pool "([^"]+)" is created with the URL "([^"]*)"` + outcome)
	rePoolDel = expression(`^the pool "([^"]+)" is deleted( unless it is gone)?` + outcome)
	rePlugDel = expression(`^the plugin is told to delete the pool "([^"]+)"` + outcome)
	reMaint   = expression(`^the pool "([^"]+)" (goes into|comes out of) maintenance` + outcome)
	reNewURL  = expression(`^the pool "([^"]+)" gets the URL "([^"]*)"` + outcome)
	reReached = expression(`^the pool "([^"]+)" is reached at "([^"]*)"$`)
	rePoolIs  = expression(`^the pool "([^"]+)" is (Up|Maintenance|gone)$`)
	reLegacy  = expression(`^the pool "([^"]+)" is on record as an old version of the plugin left it$`)
	reOwnUUID = expression(`^the pool "([^"]+)" has the UUID that its hosts know$`)
	reUnread  = expression(`^the inventory has a pool of an old version of the plugin that nobody can read$`)
	reNoToken = expression(`^no log line shows the token$`)
	reNoAPI   = expression(`^StorPool has (no|\d+) check volumes?$`)
	reInstall = expression(`^the pool "([^"]+)", whose cached templates have an install path only, is deleted` + outcome)
)

func (s *scene) poolSteps(sc registrar) {
	sc.Step(rePoolURL(), s.createPoolAt)
	sc.Step(rePoolDel(), s.deletePool)
	sc.Step(rePlugDel(), s.pluginDeletesPool)
	sc.Step(reMaint(), s.maintain)
	sc.Step(reNewURL(), s.updatePool)
	sc.Step(reReached(), s.reachedAt)
	sc.Step(rePoolIs(), s.poolIs)
	sc.Step(reLegacy(), s.makeLegacy)
	sc.Step(reOwnUUID(), s.ownUUID)
	sc.Step(reUnread(), s.unreadable)
	sc.Step(reNoToken(), s.noToken)
	sc.Step(reNoAPI(), s.checkVolumes)
	sc.Step(reInstall(), s.deleteByInstallPath)
}

// url puts the target's address and token into a URL.
func (s *scene) url(form string) string {
	hostPort, token := s.w.Target.Endpoint()
	host, port, _ := strings.Cut(hostPort, ":")
	return strings.NewReplacer("{host}", host, "{port}", port, "{token}", token).Replace(form)
}

func poolRequest(name string, zone inventory.ID, url string) driver.PoolRequest {
	return driver.PoolRequest{Name: name, Zone: zone, URL: url, Capacity: 100 << 40}
}

func (s *scene) createPoolAt(ctx context.Context, name, form, outcome string) error {
	return s.act(ctx, outcome, func(ctx context.Context) error {
		p, err := s.m().CreatePool(ctx, poolRequest(name, s.zone, s.url(form)))
		if err == nil {
			s.pools[name] = p.ID
		}
		return err
	})
}

func (s *scene) deletePool(ctx context.Context, name, unless, outcome string) error {
	id, err := s.pool(name)
	if err != nil {
		return err
	}
	if unless != "" && s.poolIs(name, "gone") == nil {
		return nil
	}
	return s.act(ctx, outcome, func(ctx context.Context) error { return s.m().DeletePool(ctx, id) })
}

// pluginDeletesPool passes core's own checks by, as a forced deletion does.
func (s *scene) pluginDeletesPool(ctx context.Context, name, outcome string) error {
	id, err := s.pool(name)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error { return s.w.Driver.DeleteDataStore(ctx, id) })
}

func (s *scene) maintain(ctx context.Context, name, how, outcome string) error {
	id, err := s.pool(name)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		if how == "goes into" {
			return s.m().MaintainPool(ctx, id)
		}
		return s.m().CancelPoolMaintenance(ctx, id)
	})
}

func (s *scene) updatePool(ctx context.Context, name, form, outcome string) error {
	id, err := s.pool(name)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		return s.w.Driver.UpdateStoragePool(ctx, id, s.url(form))
	})
}

// apiHost is the detail with the address of a pool's API.
const apiHost = "SP_API_HTTP_HOST"

func (s *scene) reachedAt(name, hostPort string) error {
	id, err := s.pool(name)
	if err != nil {
		return err
	}
	got := ""
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		got, _ = tx.Details.Get(inventory.Owner{Kind: inventory.OfPool, ID: id}, apiHost)
		return nil
	})
	if got != s.url(hostPort) {
		return fmt.Errorf("it is reached at %q", got)
	}
	return nil
}

func (s *scene) poolIs(name, want string) error {
	id, err := s.pool(name)
	if err != nil {
		return err
	}
	got := "gone"
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		if p, ok := tx.Pools.Get(id); ok {
			got = string(p.State)
		}
		return nil
	})
	if got != want {
		return fmt.Errorf("the pool is %s", got)
	}
	return nil
}

// makeLegacy takes the connection out of the details and puts it into the UUID, which hosts know the pool by.
func (s *scene) makeLegacy(name string) error {
	id, err := s.pool(name)
	if err != nil {
		return err
	}
	err = s.inv().Update(func(tx *inventory.Tx) error {
		owner := inventory.Owner{Kind: inventory.OfPool, ID: id}
		for _, detail := range []string{apiHost, "SP_AUTH_TOKEN", "SP_TEMPLATE"} {
			tx.Details.Delete(owner, detail)
		}
		return tx.Pools.Change(id, func(p *inventory.Pool) { p.UUID = s.w.URL("hdd") })
	})
	if err != nil {
		return err
	}
	for _, h := range s.w.Fleet.Hosts() {
		h.Adaptor().CreateStoragePool(agentapi.Pool{UUID: s.w.URL("hdd"), Type: agentapi.StorPool})
	}
	return nil
}

func (s *scene) ownUUID(name string) error {
	id, err := s.pool(name)
	if err != nil {
		return err
	}
	p, err := rowOf(s, id, func(tx *inventory.Tx) *inventory.Table[inventory.Pool] { return tx.Pools })
	if err != nil {
		return err
	}
	for _, h := range s.w.Fleet.Hosts() {
		found := false
		for _, known := range h.State().Pools {
			found = found || known == p.UUID
		}
		if !found {
			return fmt.Errorf("host %s knows the pool by another UUID", h.Name())
		}
	}
	return nil
}

// unreadable plants a pool row without a connection.
func (s *scene) unreadable() error {
	return s.inv().Update(func(tx *inventory.Tx) error {
		tx.Pools.Put(inventory.Pool{
			UUID: "old", Name: "old", Zone: s.zone, Provider: inventory.StorPool, Type: inventory.StorPool,
			State: inventory.PoolDisabled,
		})
		return nil
	})
}

func (s *scene) noToken() error {
	_, token := s.w.Target.Endpoint()
	if line, found := s.w.Logged(token); found {
		return fmt.Errorf("a log line shows it: %s", strings.ReplaceAll(line, token, "<the token>"))
	}
	return nil
}

func (s *scene) checkVolumes(ctx context.Context, n string) error {
	return s.objectsAre(ctx, n, "", "check-volume-is-on-host")
}

// deleteByInstallPath deletes a pool with cached templates as some versions of CloudStack record them.
func (s *scene) deleteByInstallPath(ctx context.Context, pool, outcome string) error {
	id, err := s.pool(pool)
	if err != nil {
		return err
	}
	err = s.inv().Update(func(tx *inventory.Tx) error {
		for _, r := range tx.TemplatePools.All(func(r inventory.TemplatePool) bool { return r.Pool == id }) {
			if r.InstallPath == "" {
				r.InstallPath = r.LocalPath
			}
			r.LocalPath = ""
			tx.TemplatePools.Put(r)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.deletePool(ctx, pool, "", outcome)
}
