//go:build tools

// Package tools names the node's commands, so that go.mod pins all they are made of.
package tools

import (
	_ "k8s.io/kubernetes/cmd/kube-proxy"
	_ "k8s.io/kubernetes/cmd/kubelet"
)
