"""The API server: the only room that talks to one."""
