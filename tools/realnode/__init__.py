"""A real Kubernetes node on this machine, for tests: kubelet, containerd, real containers. README.md says how."""
