"""The files of an app: read, edited with comments kept, packages vendored and locked."""
