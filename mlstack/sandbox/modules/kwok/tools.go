//go:build tools

// Package tools names the commands that a sandbox needs, so that go.mod pins all they are made of.
package tools

import (
	_ "sigs.k8s.io/kwok/cmd/kwok"
	_ "sigs.k8s.io/kwok/cmd/kwokctl"
)
