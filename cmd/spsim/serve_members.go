package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/spsim/spsim/emulator"
)

// parseMember reads ID=NAME[,location=NAME][,port=N][,token=TOKEN].
func parseMember(text string) (emulator.DocumentMember, error) {
	bad := fmt.Errorf("--member %q: use ID=NAME[,location=NAME][,port=N][,token=TOKEN]", text)
	head, rest, _ := strings.Cut(text, ",")
	var m emulator.DocumentMember
	var ok bool
	if m.ID, m.Name, ok = strings.Cut(head, "="); !ok || m.ID == "" || m.Name == "" {
		return m, bad
	}
	for part := range strings.SplitSeq(rest, ",") {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "":
		case "location":
			m.Location = value
		case "token":
			m.Token = value
		case "port":
			n, err := strconv.Atoi(value)
			if err != nil {
				return m, bad
			}
			m.Port = n
		default:
			return m, bad
		}
	}
	return m, nil
}

// start makes the servers: that of the flags first, then those of the members.
func (f *serveFlags) start(opts []emulator.Option) ([]*emulator.Server, error) {
	others := slices.Clone(f.documentMembers)
	for _, text := range f.members {
		m, err := parseMember(text)
		if err != nil {
			return nil, err
		}
		others = append(others, m)
	}
	if len(others) == 0 {
		s, err := emulator.New(opts...)
		return []*emulator.Server{s}, err
	}
	members := []emulator.Member{{ID: f.clusterID, Name: f.clusterName, Location: f.model.Location}}
	own, _, _ := strings.Cut(f.clusterID, ".")
	for _, o := range others {
		if location, _, _ := strings.Cut(o.ID, "."); o.Location == "" && location == own {
			o.Location = f.model.Location
		}
		m := emulator.Member{ID: o.ID, Name: o.Name, Location: o.Location, Options: []emulator.Option{
			emulator.WithListen(net.JoinHostPort(f.host, strconv.Itoa(o.Port))),
		}}
		if o.Token != "" {
			m.Options = append(m.Options, emulator.WithToken(o.Token))
		}
		members = append(members, m)
	}
	fed, err := emulator.NewFederation(members, opts...)
	if err != nil {
		return nil, err
	}
	f.model = fed.Model(0)
	return fed.Servers(), nil
}

// listenOthers opens the sockets of the members, and returns their variables: those of the second server end in _2,
// and so on.
func (f *serveFlags) listenOthers(ctx context.Context, others []*emulator.Server, log *slog.Logger) (string, error) {
	var text strings.Builder
	for i, s := range others {
		addr, err := s.Listen(ctx)
		if err != nil {
			return "", fmt.Errorf("cluster %s: %w", s.Cluster().ID(), err)
		}
		host, port, err := net.SplitHostPort(addr.String())
		if err != nil {
			return "", fmt.Errorf("read own address: %w", err)
		}
		suffix := "_" + strconv.Itoa(i+2)
		fmt.Fprintf(&text, "SP_API_HTTP_HOST%[1]s=%[2]s\nSP_API_HTTP_PORT%[1]s=%[3]s\nSP_AUTH_TOKEN%[1]s=%[4]s\n",
			suffix, shellWord(host), port, shellWord(s.Token()))
		log.Info("ready", slog.String("addr", addr.String()), slog.String("cluster", s.Cluster().ID()))
	}
	return text.String(), nil
}
