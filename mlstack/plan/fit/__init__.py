"""What fits on a cluster's nodes, and why not more: the scheduler's own rules, on plain manifests."""
