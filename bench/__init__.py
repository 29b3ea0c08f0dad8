"""mlstack's speed, side by side with kubectl and helm on one control plane, in one run: `python -m bench --help`."""
