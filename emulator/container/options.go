package container

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/testcontainers/testcontainers-go"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
)

// Option changes one thing about the emulator in a container.
type Option func(*settings) error

// Customize makes an Option a [testcontainers.ContainerCustomizer]; [Run] applies it before the container is made.
func (Option) Customize(*testcontainers.GenericContainerRequest) error { return nil }

// settings is what the options make.
type settings struct {
	token  string
	vars   map[string]string
	files  []testcontainers.ContainerFile
	faults []fault.Rule
}

// WithToken sets the only token that is let in.
func WithToken(token string) Option {
	return func(s *settings) error {
		if token == "" {
			return errors.New("the token must not be empty")
		}
		s.token = token
		return nil
	}
}

// WithModel sets servers, disks, clients, placement groups, templates and locations.
func WithModel(m cluster.Model) Option {
	return func(s *settings) error {
		if err := m.Validate(); err != nil {
			return fmt.Errorf("model: %w", err)
		}
		text, err := json.Marshal(m)
		if err != nil {
			return fmt.Errorf("encode model: %w", err)
		}
		s.file("model", "/model.json", text)
		return nil
	}
}

// WithState starts the emulator with a state that another one has saved. The container keeps its own in the same file,
// so that it is still there when the container is stopped and started again.
func WithState(state io.Reader) Option {
	return func(s *settings) error {
		text, err := io.ReadAll(state)
		if err != nil {
			return fmt.Errorf("read state: %w", err)
		}
		s.file("state", "/state/spsim.state", text)
		return nil
	}
}

// WithSetting sets a flag of "spsim serve" by its name without dashes, such as "seed" or "status".
func WithSetting(flag, value string) Option {
	return func(s *settings) error {
		switch flag {
		case "host", "port", "admin":
			return fmt.Errorf("setting %s: it is the image's", flag)
		case "token":
			return errors.New("setting token: use WithToken")
		}
		s.set(flag, value)
		return nil
	}
}

// WithFaults arms rules before the first call. One that can never fire makes [Run] fail.
func WithFaults(rules ...fault.Rule) Option {
	return func(s *settings) error {
		s.faults = append(s.faults, rules...)
		return nil
	}
}

// set gives a flag of serve a value, by its variable.
func (s *settings) set(flag, value string) {
	if s.vars == nil {
		s.vars = map[string]string{}
	}
	s.vars["SPSIM_"+strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))] = value
}

// file puts text at path in the container and names it to a flag.
func (s *settings) file(flag, path string, text []byte) {
	const readable = 0o444
	s.set(flag, path)
	s.files = append(s.files, testcontainers.ContainerFile{
		Reader: bytes.NewReader(text), ContainerFilePath: path, FileMode: readable,
	})
}

// env is the environment of the container.
func (s *settings) env() map[string]string {
	out := map[string]string{"SPSIM_TOKEN": s.token}
	for name, value := range s.vars {
		out[name] = value
	}
	return out
}
