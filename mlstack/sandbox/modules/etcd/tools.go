//go:build tools

// Package tools names the command that a sandbox needs, so that go.mod pins all it is made of.
package tools

import _ "go.etcd.io/etcd/server/v3"
