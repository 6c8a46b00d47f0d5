module kmesh-edge.test/go-http

go 1.26.0
