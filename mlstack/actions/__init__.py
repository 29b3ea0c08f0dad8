"""The verbs, one module each: what the command line and the library both call."""
