"""mlstack composes machine-learning stacks on Kubernetes."""

__version__ = "0.1.0"
