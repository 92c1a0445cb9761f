package live

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// allow refuses what would change anything that is not the scope's, and puts the cluster's words into the call: the tag
// of the scope, the cluster's placement templates and client ids. It tells whether the call creates something. Calls that
// it does not know pass only when they read.
func (s *scope) allow(c *call) (creates bool, err error) {
	refuse := func(object, reason string) (bool, error) {
		return false, &ForeignError{c.method + " " + c.name, object, reason}
	}
	const notOurs = "it is no object of this run"
	switch c.name {
	case "VolumeCreate":
		for _, from := range []string{c.member("parent"), c.member("baseOn")} {
			if from != "" && !s.has(from) {
				return refuse(from, notOurs)
			}
		}
		c.tags(true)[Tag] = s.name
		return true, s.translateTemplate(c)
	case "VolumeSnapshot":
		if !s.has(c.arg) {
			return refuse(c.arg, notOurs)
		}
		c.tags(true)[Tag] = s.name
		return true, nil
	case "VolumesGroupSnapshot":
		for _, item := range c.items("volumes") {
			if v := fmt.Sprint(item["volume"]); !s.has(v) {
				return refuse(v, notOurs)
			}
		}
		c.tags(true)[Tag] = s.name
		return true, nil
	case "VolumeUpdate", "SnapshotUpdate", "VolumeDelete", "SnapshotDelete", "VolumeRevert":
		if !s.has(c.arg) {
			return refuse(c.arg, notOurs)
		}
		if to := c.member("toSnapshot"); to != "" && !s.has(to) {
			return refuse(to, notOurs)
		}
		if t := c.tags(false); t[Tag] != nil {
			return refuse(c.arg, "the tag "+Tag+" is not to be changed")
		}
		return false, s.translateTemplate(c)
	case "VolumesReassign", "VolumesReassignWait":
		return false, s.allowReassign(c)
	case "VolumeTemplateDescribe":
		if theirs, ok := s.session.can.Templates[c.arg]; ok {
			c.arg = theirs
		}
		return false, nil
	}
	if c.method != http.MethodGet {
		return refuse(c.arg, "it may change what is not the run's")
	}
	return false, nil
}

// allowReassign looks at each item of a change of attachments.
func (s *scope) allowReassign(c *call) error {
	refuse := func(object, reason string) error {
		return &ForeignError{c.method + " " + c.name, object, reason}
	}
	items := c.items("reassign")
	if len(items) == 0 && c.body != nil {
		return refuse("", "its body is not understood")
	}
	for _, item := range items {
		for _, kind := range []string{"volume", "snapshot"} {
			if name, ok := item[kind].(string); ok && !s.has(name) {
				return refuse(name, "it is no object of this run")
			}
		}
		for _, key := range []string{"rw", "ro", "detach"} {
			list, all := ids(item[key])
			if all || item[key] == nil {
				continue
			}
			out := make([]any, 0, len(list))
			for _, id := range list {
				theirs, err := s.client(id)
				if err != nil && key != "detach" { // what is not attached is not detached
					return refuse(fmt.Sprint("client ", id), err.Error())
				}
				out = append(out, theirs)
			}
			item[key] = out
		}
	}
	return nil
}

// client is the cluster's id of a scenario's client: of the host of that number, or one that the cluster does not have.
func (s *scope) client(id int) (int, error) {
	use := s.session.can.Clients
	if id >= 1 && id <= len(use) {
		return use[id-1], nil
	}
	if slices.Contains(s.session.all, id) {
		return id, fmt.Errorf("the run may not use it, only %v", use)
	}
	return id, nil
}

// number is the scenario's id of a client of the cluster.
func (s *scope) number(id int) int {
	if i := slices.Index(s.session.can.Clients, id); i >= 0 {
		return i + 1
	}
	return id
}

// translateTemplate puts the cluster's placement template in the place of that of the scenario.
func (s *scope) translateTemplate(c *call) error {
	m, ok := c.body.(map[string]any)
	if !ok {
		return nil
	}
	name, ok := m["template"].(string)
	if !ok || name == "" {
		return nil
	}
	theirs, known := s.session.can.Templates[name]
	names := standsFor()
	switch {
	case known:
		m["template"] = theirs
	case slices.Contains(names[:], name):
		return &ForeignError{c.method + " " + c.name, c.arg, "nothing stands for the placement template " + name}
	}
	return nil // one that the cluster refuses
}

// has tells whether a name or ~globalId is one of the scope's objects, or one that nobody has.
func (s *scope) has(ref string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if gid, ok := strings.CutPrefix(ref, "~"); ok {
		return s.objects[gid] != nil
	}
	return s.named[ref] != ""
}
