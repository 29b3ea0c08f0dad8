//go:build tools

// Package tools names Kueue's manager, so that go.mod pins all it is made of.
package tools

import (
	_ "sigs.k8s.io/kueue/cmd/kueue"
)
