//go:build tools

// Package tools names the volume provisioner, so that go.mod pins all it is made of.
package tools

import _ "github.com/rancher/local-path-provisioner"
