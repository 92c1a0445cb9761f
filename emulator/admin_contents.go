package emulator

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/go-chi/chi/v5"

	"github.com/spsim/spsim/emulator/cluster"
)

// AdminDevice is a device that a client has open over the admin API.
type AdminDevice struct {
	ID     int    `json:"id"`
	Client int    `json:"client"`
	Path   string `json:"path"` // as it was opened
	// GlobalID is the object behind it.
	GlobalID string `json:"globalId"`
	// Size is the present size in bytes, 0 when the device has been detached meanwhile.
	Size int64 `json:"size"`
}

// AdminExtents tells where an object holds data; all else is zeros.
type AdminExtents struct {
	Size    int64         `json:"size"` // bytes
	Extents []AdminExtent `json:"extents"`
}

// AdminExtent is a range of bytes.
type AdminExtent struct {
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
}

// openDevices are the devices that clients in other processes have open.
type openDevices struct {
	mu      sync.Mutex
	counter int
	open    map[int]*openDevice
}

type openDevice struct {
	AdminDevice
	*cluster.Device
}

func (d *openDevice) shown() AdminDevice {
	out := d.AdminDevice
	out.Size, _ = d.Device.Size() // a device that was detached has none
	return out
}

func (s *Server) contentRoutes(r chi.Router, get, post, del func(string, adminFunc)) {
	r.Get(AdminPrefix+"contents/{ref}", s.withToken(s.adminRead))
	r.Put(AdminPrefix+"contents/{ref}", s.adminCall(s.adminWrite))
	get("contents/{ref}/extents", s.adminExtents)
	get("devices", func(*http.Request) (any, error) { return s.devices.list(), nil })
	post("devices", s.adminOpen)
	del("devices", s.adminCloseAll)
	get("devices/{id}", s.adminDevice)
	del("devices/{id}", s.adminClose)
	r.Get(AdminPrefix+"devices/{id}/contents", s.withToken(s.adminReadDevice))
	r.Put(AdminPrefix+"devices/{id}/contents", s.adminCall(s.adminWriteDevice))
	post("devices/{id}/discard", s.adminDiscard)
	get("devices/{id}/extents", s.adminDeviceExtents)
}

// countOf reads a parameter of the query that counts something; absent it is the default.
func countOf(r *http.Request, name string, missing int64) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return missing, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, invalid("Invalid value of '%s': not a number from 0 on", name)
	}
	return n, nil
}

// span reads offset and length of a request in bytes; absent ones are 0 and 4096.
func (s *Server) span(r *http.Request) (offset, length int64, err error) {
	const page = 4096
	if offset, err = countOf(r, "offset", 0); err != nil {
		return 0, 0, err
	}
	if length, err = countOf(r, "length", page); err != nil {
		return 0, 0, err
	}
	if length > s.cfg.maxBody {
		return 0, 0, invalid("Invalid value of 'length': above %d", s.cfg.maxBody)
	}
	return offset, length, nil
}

// adminRead gives bytes of an object: as its owner sees them, or as the client sees them that is named.
func (s *Server) adminRead(w http.ResponseWriter, r *http.Request) {
	offset, length, err := s.span(r)
	data := make([]byte, length)
	if err == nil {
		err = s.access(r,
			func(ref cluster.Ref) error { return s.cluster.ReadContent(ref, offset, data) },
			func(d *cluster.Device) error {
				_, err := d.ReadAt(data, offset)
				return err
			})
	}
	s.sendBytes(w, data, err)
}

func (s *Server) sendBytes(w http.ResponseWriter, data []byte, err error) {
	if err != nil {
		s.adminFail(w, contentError(err))
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	send(w, http.StatusOK, data)
}

func (s *Server) adminWrite(r *http.Request) (any, error) {
	offset, err := countOf(r, "offset", 0)
	if err != nil {
		return nil, err
	}
	data, err := s.readBody(r)
	if err != nil {
		return nil, err
	}
	err = s.access(r,
		func(ref cluster.Ref) error { return s.cluster.WriteContent(ref, offset, data) },
		func(d *cluster.Device) error {
			_, err := d.WriteAt(data, offset)
			return err
		})
	return adminDone{OK: true}, contentError(err)
}

// access works on an object without an attachment, or through that of the client that the query names.
func (s *Server) access(r *http.Request, bare func(cluster.Ref) error, attached func(*cluster.Device) error) error {
	client, err := countOf(r, "client", 0)
	if err != nil {
		return err
	}
	ref := adminRef(r)
	if client == 0 {
		return bare(ref)
	}
	d, err := s.Host(int(client)).Open(string(ref))
	if err != nil {
		return err
	}
	return errors.Join(attached(d), d.Close())
}

func (s *Server) adminExtents(r *http.Request) (any, error) {
	ref := adminRef(r)
	o, err := s.cluster.Volume(ref)
	if err != nil {
		if o, err = s.cluster.Snapshot(ref); err != nil {
			return nil, err
		}
	}
	return s.extents(r, ref, o.Size)
}

func (s *Server) extents(r *http.Request, ref cluster.Ref, size int64) (any, error) {
	const most = 1024
	offset, err := countOf(r, "offset", 0)
	if err != nil {
		return nil, err
	}
	found, err := s.cluster.Extents(ref, offset)
	if err != nil {
		return nil, err
	}
	out := AdminExtents{Size: size, Extents: []AdminExtent{}}
	for x := range found {
		from := max(x.Off, offset)
		out.Extents = append(out.Extents, AdminExtent{Offset: from, Length: x.Off + x.Len - from})
		if len(out.Extents) == most {
			break
		}
	}
	return out, nil
}

// adminOpening is the body of an opening.
type adminOpening struct {
	Client int    `json:"client"`
	Path   string `json:"path"`
}

// adminOpen opens what a client has attached. While it is open a detach needs force, as with a device that is in use.
func (s *Server) adminOpen(r *http.Request) (any, error) {
	var q adminOpening
	if err := adminBody(r, &q); err != nil {
		return nil, err
	}
	d, err := s.Host(q.Client).Open(q.Path)
	if err != nil {
		return nil, contentError(err)
	}
	gid := ""
	ref := refOfPath(q.Path)
	if o, err := s.cluster.Volume(ref); err == nil {
		gid = o.GlobalID
	} else if o, err = s.cluster.Snapshot(ref); err == nil {
		gid = o.GlobalID
	}
	return s.devices.add(&openDevice{AdminDevice{Client: q.Client, Path: q.Path, GlobalID: gid}, d}).shown(), nil
}

func (s *Server) deviceOf(r *http.Request) (*openDevice, error) {
	text := chi.URLParam(r, "id")
	if id, err := strconv.Atoi(text); err == nil {
		if d := s.devices.get(id); d != nil {
			return d, nil
		}
	}
	return nil, &cluster.Error{Name: cluster.ObjectDoesNotExist, Descr: "No open device has the number " + text}
}

func (s *Server) adminDevice(r *http.Request) (any, error) {
	d, err := s.deviceOf(r)
	if err != nil {
		return nil, err
	}
	out := d.AdminDevice
	out.Size, err = d.Device.Size()
	return out, contentError(err)
}

func (s *Server) adminClose(r *http.Request) (any, error) {
	d, err := s.deviceOf(r)
	if err != nil {
		return nil, err
	}
	s.devices.remove(func(other *openDevice) bool { return other == d })
	return adminDone{OK: true}, nil
}

// adminCloseAll closes what a client has open, as the end of its host does; what everybody has when none is named.
func (s *Server) adminCloseAll(r *http.Request) (any, error) {
	client, err := countOf(r, "client", 0)
	if err != nil {
		return nil, err
	}
	s.devices.remove(func(d *openDevice) bool { return client == 0 || d.Client == int(client) })
	return adminDone{OK: true}, nil
}

// adminReadDevice gives what there is of the range: less at the end of the device.
func (s *Server) adminReadDevice(w http.ResponseWriter, r *http.Request) {
	offset, length, err := s.span(r)
	data := make([]byte, length)
	if err == nil {
		var d *openDevice
		if d, err = s.deviceOf(r); err == nil {
			var n int
			n, err = d.ReadAt(data, offset)
			data = data[:n]
			if errors.Is(err, io.EOF) {
				err = nil
			}
		}
	}
	s.sendBytes(w, data, err)
}

func (s *Server) adminWriteDevice(r *http.Request) (any, error) {
	d, err := s.deviceOf(r)
	if err != nil {
		return nil, err
	}
	offset, err := countOf(r, "offset", 0)
	if err != nil {
		return nil, err
	}
	data, err := s.readBody(r)
	if err != nil {
		return nil, err
	}
	_, err = d.WriteAt(data, offset)
	return adminDone{OK: true}, contentError(err)
}

func (s *Server) adminDiscard(r *http.Request) (any, error) {
	d, err := s.deviceOf(r)
	if err != nil {
		return nil, err
	}
	var q AdminExtent
	if err := adminBody(r, &q); err != nil {
		return nil, err
	}
	return adminDone{OK: true}, contentError(d.Discard(q.Offset, q.Length))
}

func (s *Server) adminDeviceExtents(r *http.Request) (any, error) {
	d, err := s.deviceOf(r)
	if err != nil {
		return nil, err
	}
	size, err := d.Device.Size()
	if err != nil {
		return nil, contentError(err)
	}
	return s.extents(r, cluster.Ref("~"+d.GlobalID), size)
}

// contentError makes an access beyond the end of an object, or without the right, the caller's error.
func contentError(err error) error {
	var e *cluster.Error
	switch {
	case err == nil || errors.As(err, &e):
		return err
	case errors.Is(err, io.EOF):
		return invalid("The range is not within the object")
	case errors.Is(err, cluster.ErrReadOnly):
		return &cluster.Error{Name: NameReadOnly, Descr: err.Error()}
	case errors.Is(err, cluster.ErrDetached) || errors.Is(err, cluster.ErrClosed):
		return &cluster.Error{Name: NameDetached, Descr: err.Error()}
	}
	return invalid("%v", err)
}

func (o *openDevices) add(d *openDevice) *openDevice {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.open == nil {
		o.open = map[int]*openDevice{}
	}
	o.counter++
	d.ID = o.counter
	o.open[d.ID] = d
	return d
}

func (o *openDevices) get(id int) *openDevice {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.open[id]
}

// remove closes the devices that f is true of.
func (o *openDevices) remove(f func(*openDevice) bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, d := range o.open {
		if f(d) {
			_ = d.Close() // closing again changes nothing
			delete(o.open, id)
		}
	}
}

// list gives the open devices in the order of opening.
func (o *openDevices) list() []AdminDevice {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := []AdminDevice{}
	for _, id := range slices.Sorted(maps.Keys(o.open)) {
		out = append(out, o.open[id].shown())
	}
	return out
}
