package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

const shownBytes = 65536

// request sends what `input` lists over one client, one after the other, and prints a line for each answer.
func request(input io.Reader, output io.Writer) {
	client := &http.Client{
		Transport:     &http.Transport{DisableCompression: true, ExpectContinueTimeout: 10 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for lines := bufio.NewScanner(input); lines.Scan(); {
		answer, err := exchange(client, strings.Split(lines.Text(), "\t"))
		if err != nil {
			answer = "error\t" + strings.ReplaceAll(err.Error(), "\t", " ")
		}
		fmt.Fprintln(output, answer)
	}
}

func exchange(client *http.Client, words []string) (string, error) {
	r, err := http.NewRequest(words[0], words[1], nil)
	if err != nil {
		return "", err
	}
	kind, rest, _ := strings.Cut(words[2], " ")
	switch kind {
	case "text":
		r.ContentLength = int64(len(rest))
		r.Body = io.NopCloser(strings.NewReader(rest))
	case "fixed", "chunked":
		length, _ := strconv.ParseInt(rest, 10, 64)
		r.Body = io.NopCloser(&pattern{length: length})
		r.ContentLength = length
		if kind == "chunked" {
			r.ContentLength = -1
		}
	}
	for _, field := range words[3:] {
		name, value, _ := strings.Cut(field, ": ")
		r.Header.Add(name, value)
	}
	reused := false
	var seen []string
	trace := &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused },
		Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
			seen = append(seen, fmt.Sprintf("i %d", code))
			return nil
		},
	}
	response, err := client.Do(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256(body)
	fields := []string{
		strconv.Itoa(response.StatusCode), strconv.Itoa(len(body)), hex.EncodeToString(digest[:]), strconv.FormatBool(reused),
		base64.StdEncoding.EncodeToString(body[:min(len(body), shownBytes)]),
	}
	fields = append(fields, seen...)
	fields = append(fields, listed("h", response.Header)...)
	return strings.Join(append(fields, listed("t", response.Trailer)...), "\t"), nil
}

func listed(kind string, headers http.Header) []string {
	var fields []string
	for name, values := range headers {
		for _, value := range values {
			fields = append(fields, fmt.Sprintf("%s %s: %s", kind, name, value))
		}
	}
	return fields
}
