package main

import "io"

// A prime, so that no buffer size of a program in between is a multiple of it: swapped or repeated pieces change the digest.
const blockSize = 65521

var block = func() []byte {
	bytes := make([]byte, blockSize)
	for i := range bytes {
		bytes[i] = byte(i*167 + (i>>8)*13)
	}
	return bytes
}()

// pattern yields `length` bytes that every program of these tests can make.
type pattern struct{ at, length int64 }

func (p *pattern) Read(into []byte) (int, error) {
	if p.at >= p.length {
		return 0, io.EOF
	}
	n := copy(into[:min(int64(len(into)), p.length-p.at)], block[p.at%blockSize:])
	p.at += int64(n)
	return n, nil
}
