package live

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// known is an object of the scope as the calls so far have made it.
type known struct {
	snapshot bool
	name     string
	tags     map[string]string
}

// take reads an answer: it notes what was made, on disk first, and takes out what the scenario is not to see.
func (s *scope) take(c call, a *reply) error {
	if a.status != http.StatusOK {
		return nil
	}
	v, err := decode(a.body)
	if err != nil {
		return nil //nolint:nilerr // an answer that cannot be read is the caller's to judge; its objects carry the tag
	}
	m, _ := v.(map[string]any)
	data, _ := m["data"].(map[string]any)
	switch c.name {
	case "VolumeCreate", "VolumeSnapshot", "VolumesGroupSnapshot":
		err = s.made(c, data)
	case "VolumeUpdate", "SnapshotUpdate":
		s.updated(c)
	case "VolumesList", "SnapshotsList", "VolumesAndSnapshotsList", "VolumesSpace", "SnapshotsSpace", "AttachmentsList":
		err = s.narrow(c, m)
	}
	if err != nil {
		return err
	}
	s.session.shadow.follow(c, data)
	s.localise(v)
	if a.body, err = json.Marshal(v); err != nil {
		return fmt.Errorf("answer of %s: %w", c.name, err)
	}
	return nil
}

// made notes the objects of a creating call.
func (s *scope) made(c call, m map[string]any) error {
	tags := map[string]string{}
	for k, v := range c.tags(false) {
		if k != Tag {
			tags[k] = fmt.Sprint(v)
		}
	}
	switch c.name {
	case "VolumeCreate":
		name := textOf(m["name"])
		gid := textOf(m["globalId"])
		if gid == "" {
			gid = strings.TrimPrefix(name, "~")
		}
		return s.add(gid, known{false, name, tags})
	case "VolumeSnapshot":
		return s.add(textOf(m["snapshotGlobalId"]), known{true, c.member("name"), tags})
	}
	list, _ := m["snapshots"].([]any)
	for _, x := range list {
		item, _ := x.(map[string]any)
		if err := s.add(textOf(item["snapshotGlobalId"]), known{true, textOf(item["snapshotName"]), maps.Clone(tags)}); err != nil {
			return err
		}
	}
	return nil
}

// add notes an object, in the journal first.
func (s *scope) add(gid string, k known) error {
	if gid == "" {
		return nil // an answer without a name; the object is found by its tag
	}
	s.mu.Lock()
	there := s.objects[gid] != nil
	s.mu.Unlock()
	if !there {
		if err := s.session.journal.write(line{Made: gid, Snapshot: k.snapshot}); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[gid] = &k
	if k.name != "" && !strings.HasPrefix(k.name, "~") {
		s.named[k.name] = gid
	}
	return nil
}

// updated follows new tags and names, which fault rules know objects by.
func (s *scope) updated(c call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gid := strings.TrimPrefix(c.arg, "~")
	if s.named[c.arg] != "" {
		gid = s.named[c.arg]
	}
	k := s.objects[gid]
	if k == nil {
		return
	}
	for name, v := range c.tags(false) {
		if value := fmt.Sprint(v); value != "" {
			k.tags[name] = value
		} else {
			delete(k.tags, name)
		}
	}
	m, _ := c.body.(map[string]any)
	if to, ok := m["rename"].(string); ok {
		delete(s.named, k.name)
		if k.name = to; to != "" {
			s.named[to] = gid
		}
	}
}

// narrow leaves the scope's own objects in a list. One that carries the tag and that nobody has heard of yet is what a lost
// answer has made.
func (s *scope) narrow(c call, m map[string]any) error {
	snapshots := strings.HasPrefix(c.name, "Snapshots")
	keep := func(holder map[string]any, key string) error {
		list, ok := holder[key].([]any)
		if !ok {
			return nil
		}
		out := make([]any, 0, len(list))
		for _, x := range list {
			item, _ := x.(map[string]any)
			gid := textOf(item["globalId"])
			tags, _ := item["tags"].(map[string]any)
			if textOf(tags[Tag]) == s.name {
				if err := s.heard(gid, snapshots, item, tags); err != nil {
					return err
				}
			}
			if s.has("~" + gid) {
				out = append(out, x)
			}
		}
		holder[key] = out
		return nil
	}
	if data, ok := m["data"].(map[string]any); ok {
		clusters, _ := data["clusters"].([]any)
		for _, x := range clusters {
			of, _ := x.(map[string]any)
			if answer, ok := of["response"].(map[string]any); ok {
				if err := keep(answer, "data"); err != nil {
					return err
				}
			}
		}
		for _, key := range []string{"volumes", "snapshots"} {
			if err := keep(data, key); err != nil {
				return err
			}
		}
		return nil
	}
	return keep(m, "data")
}

// heard notes an object that a list shows.
func (s *scope) heard(gid string, snapshot bool, item, tags map[string]any) error {
	if s.has("~" + gid) {
		return nil
	}
	own := map[string]string{}
	for k, v := range tags {
		if k != Tag {
			own[k] = fmt.Sprint(v)
		}
	}
	return s.add(gid, known{snapshot, textOf(item["name"]), own})
}

// localise puts the scenario's words into an answer: no tag of the scope, its placement templates, its client ids.
func (s *scope) localise(v any) {
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			s.localise(e)
		}
	case map[string]any:
		if tags, ok := x["tags"].(map[string]any); ok {
			delete(tags, Tag)
		}
		if name, ok := x["templateName"].(string); ok {
			x["templateName"] = s.session.localTemplate(name)
		}
		if _, placed := x["placeAll"]; placed { // a template itself
			if name, ok := x["name"].(string); ok && x["globalId"] == nil {
				x["name"] = s.session.localTemplate(name)
			}
		}
		if id, ok := x["client"].(json.Number); ok {
			if n, err := strconv.Atoi(id.String()); err == nil {
				x["client"] = json.Number(strconv.Itoa(s.number(n)))
			}
		}
		if services, ok := x["clients"].(map[string]any); ok {
			x["clients"] = s.localClients(services)
		}
		for key, e := range x {
			if key != "tags" && key != "clients" {
				s.localise(e)
			}
		}
	}
}

// localClients are the services of the clients that the run may use, by the scenario's ids.
func (s *scope) localClients(services map[string]any) map[string]any {
	out := map[string]any{}
	for key, service := range services {
		n, err := strconv.Atoi(key)
		if err != nil || !slices.Contains(s.session.can.Clients, n) {
			continue
		}
		local := strconv.Itoa(s.number(n))
		if m, ok := service.(map[string]any); ok && m["id"] != nil {
			m["id"] = json.Number(local)
		}
		out[local] = service
	}
	return out
}

// spellings are the names by which fault rules know the objects of a call.
func (s *scope) spellings(c call) (out []string) {
	for k, v := range c.tags(false) {
		out = append(out, k+"="+fmt.Sprint(v))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ref := range c.refs() {
		out = append(out, ref)
		gid := strings.TrimPrefix(ref, "~")
		if s.named[ref] != "" {
			gid = s.named[ref]
			out = append(out, "~"+gid)
		}
		if k := s.objects[gid]; k != nil {
			for name, value := range k.tags {
				out = append(out, name+"="+value)
			}
		}
	}
	return out
}

func textOf(v any) string {
	s, _ := v.(string)
	return s
}
