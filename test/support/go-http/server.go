package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

type server struct {
	name     string
	mutex    sync.Mutex
	attempts map[string]int
	// Requests by the `id` that they carry.
	records map[string][]record
	// Closed once the requests that are held under this id may be answered.
	releases map[string]chan struct{}
}

type record struct {
	Host   string `json:"host"`
	Method string `json:"method"`
	Target string `json:"target"`
	Length int64  `json:"length"`
}

func serve(name, address string) error {
	s := &server{name: name, attempts: map[string]int{}, records: map[string][]record{}, releases: map[string]chan struct{}{}}
	return http.ListenAndServe(address, s)
}

// ServeHTTP chooses by the path as it came: ServeMux would redirect those that it finds untidy.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/flaky":
		s.flaky(w, r)
	case "/slow":
		s.slow(w, r)
	case "/pattern":
		s.pattern(w, r)
	case "/hold":
		s.keep(r, 0)
		select {
		case <-s.released(r):
			s.inspect(w, r)
		case <-r.Context().Done():
		}
	case "/release":
		s.release(r)
	case "/records":
		s.recorded(w, r)
	case "/late":
		ms, _ := strconv.Atoi(r.URL.Query().Get("ms"))
		time.Sleep(time.Duration(ms) * time.Millisecond)
		s.inspect(w, r)
	case "/trailers":
		s.trailers(w, r)
	default:
		s.inspect(w, r)
	}
}

func (s *server) keep(r *http.Request, length int64) {
	id := r.URL.Query().Get("id")
	if id == "" {
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.records[id] = append(s.records[id], record{r.Host, r.Method, r.RequestURI, length})
}

// released tells when requests with this `id` may be answered.
func (s *server) released(r *http.Request) chan struct{} {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	id := r.URL.Query().Get("id")
	if s.releases[id] == nil {
		s.releases[id] = make(chan struct{})
	}
	return s.releases[id]
}

func (s *server) release(r *http.Request) {
	released := s.released(r)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	select {
	case <-released:
	default:
		close(released)
	}
}

// recorded answers the requests that carried `id`.
func (s *server) recorded(w http.ResponseWriter, r *http.Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	_ = json.NewEncoder(w).Encode(append([]record{}, s.records[r.URL.Query().Get("id")]...))
}

// inspect says what came; the server that the request calls `failing` says it with a 500.
func (s *server) inspect(w http.ResponseWriter, r *http.Request) {
	digest := sha256.New()
	length, err := io.Copy(digest, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.keep(r, length)
	headers := [][2]string{}
	for name, values := range r.Header {
		for _, value := range values {
			headers = append(headers, [2]string{name, value})
		}
	}
	w.Header().Set("x-internal", "secret")
	w.Header().Set("content-type", "application/json")
	if r.URL.Query().Get("failing") == s.name {
		w.WriteHeader(http.StatusInternalServerError)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"server": s.name, "peer": r.RemoteAddr, "method": r.Method, "target": r.RequestURI, "host": r.Host, "headers": headers,
		"length": length, "sha256": hex.EncodeToString(digest.Sum(nil)), "trailers": r.Trailer,
	})
}

// flaky fails the first `failures` times that it is asked for `id`.
func (s *server) flaky(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	failures, _ := strconv.Atoi(query.Get("failures"))
	_, _ = io.Copy(io.Discard, r.Body)
	s.mutex.Lock()
	s.attempts[query.Get("id")]++
	attempt := s.attempts[query.Get("id")]
	s.mutex.Unlock()
	if attempt <= failures {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprintf(w, "attempt %d", attempt)
}

func (s *server) slow(w http.ResponseWriter, r *http.Request) {
	ms, _ := strconv.Atoi(r.URL.Query().Get("ms"))
	select {
	case <-time.After(time.Duration(ms) * time.Millisecond):
		fmt.Fprint(w, "late")
	case <-r.Context().Done():
	}
}

// pattern answers `bytes` bytes, framed by `length`, `chunked` or `close`.
func (s *server) pattern(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	length, _ := strconv.ParseInt(query.Get("bytes"), 10, 64)
	body := &pattern{length: length}
	switch query.Get("framing") {
	case "close":
		closeDelimited(w, body)
		return
	case "chunked":
		_ = http.NewResponseController(w).Flush()
	default:
		w.Header().Set("content-length", strconv.FormatInt(length, 10))
	}
	if r.Method != http.MethodHead {
		_, _ = io.Copy(w, body)
	}
}

func closeDelimited(w http.ResponseWriter, body io.Reader) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer connection.Close()
	fmt.Fprint(connection, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
	_, _ = io.Copy(connection, body)
}

func (s *server) trailers(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("trailer", "x-sum")
	for _, part := range []string{"one ", "two ", "three"} {
		fmt.Fprint(w, part)
		_ = http.NewResponseController(w).Flush()
	}
	w.Header().Set("x-sum", "three parts")
}
