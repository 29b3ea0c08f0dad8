"""A real Kubernetes control plane on this machine, by kwokctl."""
